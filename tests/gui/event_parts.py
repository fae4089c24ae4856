"""A show for tests, on fake engines."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from mmgpt_desktop.event.profile import EventSample, Profile, read_profile
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.worker import MakePainter
from tests.gui_fakes import FakeEngine

LONG_S = 3000.0  # nothing happens by itself meanwhile


def make_profile(folder: Path, **changes: Any) -> Profile:
    """Two samples of the test's own; `changes` replace parts, such as `show={"idle_s": 1}`."""
    for name, colour in (("one", "#ff0000"), ("two", "#00ff00")):
        Image.new("RGB", (64, 48), colour).save(folder / f"{name}.png")
    file = folder / "event.toml"
    file.write_text('title = "A test"\nlanguage = "en"\n', encoding="utf-8")
    profile = read_profile(file)
    samples = (
        EventSample(folder / "one.png", ("What is one?", "Why one?")),
        EventSample(folder / "two.png", ("What is two?",)),
    )
    profile = replace(
        profile,
        samples=samples,
        show=replace(profile.show, idle_s=LONG_S, reset_s=LONG_S, speed=1000.0),
    )
    for part, values in changes.items():
        now = getattr(profile, part)
        value = replace(now, **values) if isinstance(values, dict) else values
        profile = replace(profile, **{part: value})
    return profile


class NoDesktop:
    """In the place of `Awake`."""

    started = stopped = 0

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1


def no_camera() -> Camera:
    camera = Camera()
    camera.available = lambda: False  # type: ignore[method-assign]
    return camera


MakeShow = Callable[..., EventApp]


def new_show(
    application: QApplication,
    profile: Profile,
    engine: FakeEngine | Callable[[], FakeEngine] | None = None,
    *,
    theme: str = "light",
    still: bool = False,
    camera: Camera | None = None,
    make_painter: MakePainter | None = None,
) -> EventApp:
    make = engine or FakeEngine()
    show = EventApp(
        application,
        profile,
        lambda _folder: make,
        theme=theme,
        still=still,
        state=profile.path.parent / "state",
        awake=NoDesktop(),  # type: ignore[arg-type]
        camera=camera or no_camera(),
        make_painter=make_painter,
    )
    show.window.resize(1280, 720)
    show.start(full_screen=False)
    return show


def touch(widget: QWidget, place: QPoint | None = None) -> None:
    """A finger, as the system reports it: to the window, which finds the widget."""
    turn_round()  # what is new has its place then
    window = widget.window()
    point = widget.mapTo(window, place or widget.rect().center())
    handle = window.windowHandle()
    QTest.touchEvent(handle, finger()).press(0, point, handle).commit()
    QTest.touchEvent(handle, finger()).release(0, point, handle).commit()
    turn_round()


_fingers: list[Any] = []


def finger() -> Any:
    """A touch screen; Qt keeps it until the end."""
    if not _fingers:
        _fingers.append(QTest.createTouchDevice())
    return _fingers[0]


def press(window: QWidget, key: Qt.Key, *held: Qt.KeyboardModifier) -> None:
    """A key, as the system reports it."""
    modifiers = Qt.KeyboardModifier.NoModifier
    for each in held:
        modifiers |= each
    QTest.keyClick(window.windowHandle(), key, modifiers)
    QApplication.processEvents()


def turn_round(milliseconds: int = 0) -> None:
    """Let the event loop do what is due."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def type_keys(window: QWidget, text: str) -> None:
    """On a real keyboard, as the system reports it."""
    for letter in text:
        QTest.keyClick(window.windowHandle(), letter)  # type: ignore[call-overload]  # Qt takes it
        QApplication.processEvents()


def until(done: Callable[[], object]) -> None:
    """As `qtbot.waitUntil`, for one thing after the other in few words."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "it did not come to this"
        turn_round(5)


def idle(show: EventApp) -> None:
    """No answer is being written, and none waits."""
    until(lambda: not show.stage.asker.busy)


def open_sample(show: EventApp, place: int = 0) -> None:
    """It is in view on the answer's page then."""
    path, visit = show.stage.samples[place].photo, show.stage.visit
    show.stage.open(path)
    until(lambda: visit.current.photo is not None and visit.current.photo.name == path.name)
    until(lambda: show.window.pages.currentWidget() is show.window.answer_page)


def ask(show: EventApp, question: str = "What?") -> None:
    """About the photo on the page; its answer is waited for."""
    show.stage.ask(question)
    idle(show)


def picture(colour: str = "#2266aa") -> QImage:
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image
