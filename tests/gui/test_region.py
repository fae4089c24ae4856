"""A part of the screen: chosen with the mouse or the keyboard, taken or followed."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QScreen
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.chat.live import CAPTION
from mmgpt_desktop.ui.pictures import region as region_module
from mmgpt_desktop.ui.pictures.region import (
    RegionOverlay,
    RegionPicker,
    RegionSource,
    ScreenRegion,
    grab,
)
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import notices

RED, BLUE = QColor("#c02020"), QColor("#2020c0")


def halves(screen: QScreen) -> QImage:
    """Red at the left, blue at the right, as a screen with small pixels would give it."""
    image = QImage(screen.size() * 2, QImage.Format.Format_RGB32)
    image.fill(RED)
    painter = QPainter(image)
    painter.fillRect(image.width() // 2, 0, image.width(), image.height(), BLUE)
    painter.end()
    return image


@pytest.fixture
def picker(app: App, monkeypatch: pytest.MonkeyPatch) -> RegionPicker:
    picker = app.chat.live.region
    monkeypatch.setattr(region_module, "grab", halves)
    return picker


def overlay_of(qtbot: QtBot, picker: RegionPicker) -> RegionOverlay:
    qtbot.waitUntil(lambda: bool(picker.overlays))
    return picker.overlays[0]


def drag(overlay: RegionOverlay, start: QPoint, end: QPoint) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(overlay, left, none, start)
    QTest.mouseMove(overlay, end)
    QTest.mouseRelease(overlay, left, none, end)


def test_a_dragged_rectangle_becomes_a_photo(qtbot: QtBot, app: App, picker: RegionPicker) -> None:
    app.window.actions_by_name["region"].trigger()
    assert not app.window.isVisible()  # it is not to be in the picture
    overlay = overlay_of(qtbot, picker)
    middle = overlay.width() // 2
    drag(overlay, QPoint(middle + 10, 20), QPoint(middle + 110, 80))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    photo = app.chat.controller.conversation.photo
    assert photo is not None
    assert (photo.width, photo.height) == (202, 122)  # in the screen's own pixels
    assert bytes(photo.pixels[5, 5]).hex() == BLUE.name()[1:]
    assert photo.name == "Part of the screen"
    assert app.window.isVisible()
    assert not picker.overlays


def test_the_keyboard_moves_sizes_and_takes_it(
    qtbot: QtBot, app: App, picker: RegionPicker
) -> None:
    picker.pick()
    overlay = overlay_of(qtbot, picker)
    before = QRect(overlay.chosen)
    qtbot.keyClick(overlay, Qt.Key.Key_Left)
    qtbot.keyClick(overlay, Qt.Key.Key_Down)
    assert overlay.chosen == before.translated(-20, 20)
    qtbot.keyClick(overlay, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert overlay.chosen.width() == before.width() + 20
    for _ in range(100):
        qtbot.keyClick(overlay, Qt.Key.Key_Up)
        qtbot.keyClick(overlay, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert overlay.chosen.top() == 0
    assert overlay.chosen.height() == region_module.SMALLEST
    chosen = overlay.chosen
    qtbot.keyClick(overlay, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    photo = app.chat.controller.conversation.photo
    assert photo is not None
    assert (photo.width, photo.height) == (2 * chosen.width(), 2 * chosen.height())


def test_escape_and_a_mere_click_take_nothing(qtbot: QtBot, app: App, picker: RegionPicker) -> None:
    picker.pick()
    overlay = overlay_of(qtbot, picker)
    drag(overlay, QPoint(50, 50), QPoint(52, 51))
    assert picker.overlays
    qtbot.keyClick(overlay, Qt.Key.Key_Escape)
    assert not picker.overlays
    assert app.window.isVisible()
    assert app.pictures.photos.count == 0
    picker.pick()  # and once more
    overlay_of(qtbot, picker)


def test_a_screen_that_may_not_be_read_is_a_sentence(
    qtbot: QtBot, app: App, picker: RegionPicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_module, "grab", grab)
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "wayland")
    picker.pick()
    qtbot.waitUntil(lambda: bool(app.window.notices.current()))
    said = notices(app)[0]
    assert said.startswith("This desktop doesn't let programs read the screen.")
    assert app.window.isVisible()


def test_a_part_of_the_screen_is_followed(
    qtbot: QtBot, app: App, picker: RegionPicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_module, "FOLLOW_MS", 5)
    picker.pick_to_follow()
    qtbot.keyClick(overlay_of(qtbot, picker), Qt.Key.Key_Return)
    turns = lambda: app.chat.controller.conversation.turns  # noqa: E731
    qtbot.waitUntil(lambda: bool(turns()) and bool(turns()[0].steps))
    assert turns()[0].question == CAPTION
    assert app.window.image.live_bar.text.whole == "Following the screen"
    app.window.actions_by_name["stop"].trigger()
    assert not app.chat.live.running


def test_a_screen_that_is_gone_is_told(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_module, "FOLLOW_MS", 5)
    screen = QGuiApplication.primaryScreen()
    source = RegionSource(ScreenRegion(screen, QRect(0, 0, 20, 10), halves(screen)))
    frames: list[tuple[int, int]] = []
    source.frame.connect(lambda image: frames.append(image.size().toTuple()))
    source.start()
    qtbot.waitUntil(lambda: (20, 10) in frames)
    monkeypatch.setattr(QGuiApplication, "screens", list)
    with qtbot.waitSignal(source.failed) as said:
        pass
    source.stop()
    assert said.args == ["The screen that was followed is gone."]
