"""Live mode with a synthetic camera, and the camera of the system with a made-up QtMultimedia."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QCoreApplication, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.ui.chat.live import CAPTION
from mmgpt_desktop.ui.pictures import camera as camera_module
from mmgpt_desktop.ui.pictures.camera import Camera, DeviceSource, why_no_camera
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask_about_photo, idle, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine, make_image, make_photo

COLOURS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")


class Synthetic(QObject):
    """A camera that shows what a test tells it to."""

    frame = Signal(QImage)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = False

    def start(self) -> None:
        self.on = True

    def stop(self) -> None:
        self.on = False

    def show(self, colour: str) -> None:
        self.frame.emit(make_image(64, 48, colour))


class Studio:
    """An app whose camera is synthetic, with captions that follow each other at once."""

    def __init__(self, app: App, engine: FakeEngine) -> None:
        self.app, self.engine, self.made = app, engine, list[Synthetic]()
        app.chat.live.pause_ms = 0

    @property
    def source(self) -> Synthetic:
        return self.made[-1]

    def make(self, parent: QObject) -> Synthetic:
        self.made.append(Synthetic(parent))
        return self.made[-1]

    def begin(self, colour: str = "#ff0000") -> None:
        self.app.chat.live.start(self.make)
        self.source.show(colour)

    def asked_colours(self) -> list[str]:
        return [colour_of(request.images[0].pixels) for request in self.engine.requests]


def colour_of(pixels) -> str:  # type: ignore[no-untyped-def]
    return "#" + bytes(pixels[0, 0]).hex()


@pytest.fixture
def gated(make_app: MakeApp) -> Iterator[Studio]:
    """Its engine waits before each word."""
    engine = FakeEngine(gated=True)
    studio = Studio(make_app(engine), engine)
    yield studio
    studio.app.chat.live.stop()
    engine.release(1000)


@pytest.fixture
def studio(make_app: MakeApp) -> Studio:
    engine = FakeEngine()
    return Studio(make_app(engine), engine)


def bar_text(app: App) -> str:
    bar = app.window.image.live_bar
    return bar.text.whole if bar.isVisible() else ""


def test_captions_follow_each_other_and_the_heatmap_their_words(
    qtbot: QtBot, gated: Studio
) -> None:
    app, engine = gated.app, gated.engine
    gated.begin()
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    assert engine.requests[0].messages[-1].text == CAPTION
    assert bar_text(app) == "The camera is on"
    assert app.window.image.live.isVisible()
    for word in range(3):
        engine.release()
        qtbot.waitUntil(
            lambda word=word: (
                app.heatmap.heatmaps.chosen is not None  # type: ignore[misc]
                and app.heatmap.heatmaps.chosen[1] == word
            ),
        )
    photo = app.heatmap.heatmaps.photo
    assert photo is not None
    assert colour_of(photo.pixels) == "#ff0000"
    gated.source.show("#0000ff")
    engine.release(len(ANSWER))
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    assert gated.asked_colours() == ["#ff0000", "#0000ff"]
    assert app.pictures.photos.count == 0  # what passes by is not kept


def test_the_newest_picture_wins_and_never_more_than_one_waits(qtbot: QtBot, gated: Studio) -> None:
    gated.begin()
    qtbot.waitUntil(lambda: len(gated.engine.requests) == 1)
    for colour in COLOURS:
        gated.source.show(colour)
    gated.engine.release(len(ANSWER))
    qtbot.waitUntil(lambda: len(gated.engine.requests) == 2)
    assert gated.asked_colours() == ["#ff0000", "#ffff00"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return])
def test_a_snapshot_is_a_photo_and_the_question_is_next(
    qtbot: QtBot, studio: Studio, key: Qt.Key
) -> None:
    app = studio.app
    studio.begin("#00ff00")
    live = app.window.image.live
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    qtbot.keyClick(live, key)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    photo = app.chat.controller.conversation.photo
    assert photo is not None
    assert colour_of(photo.pixels) == "#00ff00"
    assert photo.name == "Camera picture"
    assert app.window.focusWidget() is app.window.prompt.edit
    assert app.window.image.view.isVisible()
    assert bar_text(app) == "The camera is on · captions are paused"
    assert studio.source.on


def test_captions_pause_for_a_question_and_go_on_when_told(qtbot: QtBot, gated: Studio) -> None:
    app, engine = gated.app, gated.engine
    gated.begin()
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    gated.source.show("#0000ff")
    app.window.prompt.edit.setPlainText("What is it?")
    app.window.prompt.ask_button.click()
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    assert engine.requests[1].messages[-1].text == "What is it?"
    assert gated.asked_colours()[1] == "#0000ff"
    assert app.window.prompt.edit.toPlainText() == ""
    assert not app.chat.live.looking
    engine.release(len(ANSWER))
    idle(qtbot, app)
    assert [turn.question for turn in app.chat.controller.conversation.turns] == ["What is it?"]
    app.window.image.live_bar.pause_button.click()
    qtbot.waitUntil(lambda: len(engine.requests) == 3)
    assert engine.requests[2].messages[-1].text == CAPTION
    assert app.pictures.photos.count == 1


def test_asking_nothing_goes_on_with_captions(qtbot: QtBot, gated: Studio) -> None:
    gated.begin()
    qtbot.waitUntil(lambda: bool(gated.engine.requests))
    gated.app.window.prompt.ask_button.click()
    assert gated.app.window.prompt.problem.text().startswith("Write a question first")
    assert gated.app.chat.live.looking


def test_choosing_a_part_of_the_screen_switches_it_off(qtbot: QtBot, gated: Studio) -> None:
    """The window is hidden meanwhile, and its light with it."""
    gated.begin()
    gated.app.window.actions_by_name["region"].trigger()
    assert not gated.app.chat.live.running


def test_choosing_a_photo_pauses(qtbot: QtBot, studio: Studio) -> None:
    app = studio.app
    app.pictures.photos.add(make_photo())
    studio.begin()
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    assert app.pictures.photos.passing
    app.pictures.photos.choose(0)
    assert not app.chat.live.looking
    assert app.window.image.view.isVisible()
    asked = len(studio.engine.requests)
    idle(qtbot, app)
    app.window.image.live_bar.stop_button.click()
    assert (len(studio.engine.requests), bar_text(app)) == (asked, "")


def stop_by_key(app: App) -> None:
    app.window.actions_by_name["stop"].trigger()


def stop_by_button(app: App) -> None:
    app.window.image.live_bar.stop_button.click()


def stop_by_switch(app: App) -> None:
    app.window.actions_by_name["camera"].trigger()


def stop_by_minimising(app: App) -> None:
    app.window.showMinimized()


@pytest.mark.parametrize("stop", [stop_by_key, stop_by_button, stop_by_switch, stop_by_minimising])
def test_stopping_switches_the_camera_off(qtbot: QtBot, gated: Studio, stop) -> None:  # type: ignore[no-untyped-def]
    app = gated.app
    app.pictures.photos.add(make_photo())
    gated.begin()
    qtbot.waitUntil(lambda: bool(gated.engine.requests))
    source, off = gated.source, list[bool]()
    source.destroyed.connect(lambda: off.append(True))
    stop(app)
    qtbot.waitUntil(lambda: bool(off))
    assert not app.chat.live.running
    assert bar_text(app) == ""
    assert app.chat.controller.conversation.photo is not None  # the photo from before
    assert not app.chat.controller.busy


def test_what_the_camera_saw_is_gone_when_it_is_off(qtbot: QtBot, studio: Studio) -> None:
    studio.begin()
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    seen = weakref.ref(studio.engine.requests[0].images[0])
    studio.app.chat.live.stop()

    def gone() -> bool:  # also of a last frame that was on its way
        studio.engine.requests.clear()
        gc.collect()
        return seen() is None

    qtbot.waitUntil(gone)


def test_closing_the_window_switches_it_off(qtbot: QtBot, gated: Studio) -> None:
    gated.begin()
    gated.app.window.close()
    assert not gated.app.chat.live.running


def test_an_unplugged_camera_is_told_and_off(qtbot: QtBot, studio: Studio) -> None:
    app = studio.app
    studio.begin()
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    studio.source.failed.emit("The camera stopped.")
    assert not app.chat.live.running
    assert notices(app) == ["The camera stopped."]
    assert app.window.image.open_button.isVisible()


def test_a_caption_that_fails_ends_them(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(fail_after=0, error=RuntimeFailure("The engine broke."))
    studio = Studio(make_app(engine), engine)
    studio.begin()
    qtbot.waitUntil(lambda: bool(studio.app.window.notices.current()))
    assert not studio.app.chat.live.running
    assert len(engine.requests) == 1
    assert studio.app.window.prompt.edit.toPlainText() == ""  # nobody typed it


def test_a_question_before_the_first_picture_is_about_what_was_there(
    qtbot: QtBot, studio: Studio
) -> None:
    app = studio.app
    app.pictures.photos.add(make_photo(seed=3))
    app.chat.live.start(studio.make)
    app.window.prompt.edit.setPlainText("What?")
    app.window.prompt.ask_button.click()
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    assert studio.engine.requests[0].images[0].name == "photo 3.png"


def test_a_session_is_saved_without_what_passes_by(qtbot: QtBot, studio: Studio) -> None:
    app = studio.app
    app.pictures.photos.add(make_photo())
    studio.begin()
    qtbot.waitUntil(lambda: bool(studio.engine.requests))
    session = app.files.sessions.session()
    assert len(session.conversations) == 2
    assert session.current == 1


def test_a_silent_camera_is_given_up(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "SILENCE_MS", 10)
    camera = Camera(Synthetic)
    with qtbot.waitSignal(camera.failed) as said:
        camera.start()
    assert said.args == ["The camera gives no picture. Is another program using it?"]
    assert not camera.running


def test_a_camera_is_on_once_and_forgets_when_it_is_off(qtbot: QtBot) -> None:
    made: list[Synthetic] = []

    def make(parent: QObject) -> Synthetic:
        made.append(Synthetic(parent))
        return made[-1]

    camera = Camera(make)
    states: list[bool] = []
    camera.running_changed.connect(states.append)
    camera.start()
    camera.start()
    made[0].show("#ff0000")
    newest = camera.snapshot()
    assert newest is not None
    assert newest.pixelColor(0, 0) == QColor("#ff0000")
    camera.stop()
    assert (len(made), states, camera.snapshot()) == (1, [True, False], None)


# The system's camera


class Device(QObject):
    errorOccurred = Signal(object, str)  # noqa: N815
    videoFrameChanged = Signal(object)  # noqa: N815
    last: Device

    def __init__(self, *_: object) -> None:
        super().__init__()
        self.calls: list[object] = []
        self.setCameraFormat = self.setCamera = self.setVideoSink = self.calls.append
        self.start = lambda: self.calls.append("start")
        self.stop = lambda: self.calls.append("stop")
        type(self).last = self


class Sink(Device):
    pass


def video_format(width: int, rate: float) -> SimpleNamespace:
    return SimpleNamespace(resolution=lambda: QSize(width, 720), maxFrameRate=lambda: rate)


FORMATS = [video_format(640, 60), video_format(1280, 10), video_format(1280, 30)]
FORMATS.append(video_format(3840, 30))


@pytest.fixture
def multimedia(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    device = SimpleNamespace(null=False)
    device.isNull = lambda: device.null
    device.videoFormats = lambda: FORMATS
    devices = SimpleNamespace(defaultVideoInput=lambda: device)
    made = SimpleNamespace(
        QMediaDevices=devices, QCamera=Device, QMediaCaptureSession=Device, QVideoSink=Sink
    )
    made.device = device
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", made)
    return made


def began(source: DeviceSource) -> list[str]:
    said: list[str] = []
    source.failed.connect(said.append)
    source.start()
    return said


def devices_of(multimedia: SimpleNamespace) -> list[Device]:
    """The cameras that are going to be opened."""
    cameras: list[Device] = []

    def open_camera(*_: object) -> Device:
        cameras.append(Device())
        return cameras[-1]

    multimedia.QCamera = open_camera
    return cameras


def test_the_systems_camera_shows_frames_and_stops(
    qtbot: QtBot, multimedia: SimpleNamespace
) -> None:
    source, frames = DeviceSource(), list[QImage]()
    source.frame.connect(frames.append)
    cameras = devices_of(multimedia)
    assert began(source) == []
    assert cameras[0].calls == [FORMATS[2], "start"]
    for _ in range(5):  # at once: one of them is enough
        Sink.last.videoFrameChanged.emit(SimpleNamespace(toImage=make_image))
    assert len(frames) == 1
    source.stop()
    assert cameras[0].calls[-1] == "stop"


def test_a_camera_that_breaks_says_why(qtbot: QtBot, multimedia: SimpleNamespace) -> None:
    source, cameras = DeviceSource(), devices_of(multimedia)
    said = began(source)
    cameras[0].errorOccurred.emit(1, "device gone.")
    assert said == [
        "The camera stopped (device gone). Plug it in again, or close what else uses it."
    ]


def test_no_camera_no_library_and_no_permission_are_sentences(
    qtbot: QtBot, multimedia: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Camera().available()
    monkeypatch.setattr(QCoreApplication, "checkPermission", lambda *_: Qt.PermissionStatus.Denied)
    assert began(DeviceSource())[0].startswith("The camera may not be used")
    multimedia.device.null = True
    assert began(DeviceSource()) == ["There is no camera. Plug one in, then try again."]
    assert not Camera().available()
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    assert why_no_camera().startswith("The camera can't be used: a library of the system is")


def test_without_a_camera_the_window_says_so_and_works(
    qtbot: QtBot, app: App, multimedia: SimpleNamespace
) -> None:
    multimedia.device.null = True
    app.window.image.camera_button.click()
    (said,) = app.window.notices.current()
    assert said.title.text() == "There is no camera. Plug one in, then try again."
    assert bar_text(app) == ""
    ask_about_photo(qtbot, app)
    assert app.chat.controller.conversation.turns[0].answer == "".join(ANSWER)
