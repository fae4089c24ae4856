"""The show, seen from who would like to get out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from mmgpt_desktop.event.pin import hash_pin
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.event.lock import LONGEST_WAIT_S, ExitLock, wait_after
from tests.gui.event_parts import MakeShow, ask, open_sample, press, touch, turn_round, until

HASH = hash_pin("2468")
CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def opened(show: EventApp) -> list[str]:
    return listen(show)


def listen(show: EventApp) -> list[str]:
    """What the lock was opened for; the application goes on."""
    purposes: list[str] = []
    show.lock.opened.disconnect(show.open_for)
    show.lock.opened.connect(purposes.append)
    return purposes


def enter(show: EventApp, digits: str) -> None:
    for digit in digits:
        touch(show.window.pad.keys[int(digit)])
    touch(show.window.pad.enter)


def test_closing_does_nothing(show: EventApp) -> None:
    show.window.close()
    assert show.window.isVisible()
    press(show.window, Qt.Key.Key_F4, ALT)
    press(show.window, Qt.Key.Key_Q, CTRL)
    press(show.window, Qt.Key.Key_Escape)
    assert show.window.isVisible()


@pytest.mark.parametrize("put_away", ["showMinimized", "showNormal", "showMaximized"])
def test_a_show_that_fills_its_screen_comes_back(show: EventApp, put_away: str) -> None:
    window = show.window
    window.fill(window.screen())
    getattr(window, put_away)()
    until(lambda: window.isFullScreen() and not window.isMinimized())
    assert window.size() == window.screen().size()


def test_the_show_comes_before_other_programs_and_not_before_its_own_windows(
    show: EventApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = show.window
    window.fill(window.screen())
    until(window.isActiveWindow)
    window.away.timeout.emit()
    assert not window.away.isActive()
    show.presenting.open()
    own = show.presenting.window
    until(own.isActiveWindow)
    assert window.away.isActive()
    assert window.away.interval() < 1000
    window.away.timeout.emit()
    assert own.isActiveWindow()
    assert not window.away.isActive()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(QApplication, "activeWindow", lambda: None)
        window.away.timeout.emit()
    until(window.isActiveWindow)


@pytest.mark.parametrize("signal", ["screenAdded", "screenRemoved"])
def test_with_another_screen_the_show_fills_the_last_one(
    qapp: QApplication, show: EventApp, signal: str
) -> None:
    window, screen = show.window, show.window.screen()
    getattr(qapp, signal).emit(screen)
    show.screens.timeout.emit()
    assert not window.isFullScreen()  # it never was
    window.fill(screen)
    show.presenting.open()
    window.resize(300, 200)
    getattr(qapp, signal).emit(screen)
    assert show.screens.isActive()
    show.screens.timeout.emit()
    until(lambda: window.isFullScreen() and window.size() == screen.size())
    assert not show.presenting.window.isVisible()


def test_without_a_pin_the_usual_keys_lead_out(show: EventApp, opened: list[str]) -> None:
    press(show.window, Qt.Key.Key_Q, CTRL, ALT)
    assert opened == []
    press(show.window, Qt.Key.Key_Q, CTRL, ALT, SHIFT)
    assert opened == [ExitLock.LEAVE]
    show.lock.ask(ExitLock.LEAVE)
    assert not show.window.pad.isVisible()


def test_the_keys_that_the_profile_names_lead_out(make_show: MakeShow) -> None:
    show = make_show(lock={"chord": "Ctrl+Shift+F7"})
    opened = listen(show)
    press(show.window, Qt.Key.Key_Q, CTRL, ALT, SHIFT)
    assert opened == []
    press(show.window, Qt.Key.Key_F7, CTRL, SHIFT)
    assert opened == [ExitLock.LEAVE]


def test_with_a_pin_the_usual_keys_only_ask_for_it(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    opened = listen(show)
    press(show.window, Qt.Key.Key_Q, CTRL, ALT, SHIFT)
    assert opened == []
    assert show.window.pad.isVisible()
    enter(show, "2468")
    until(lambda: opened == [ExitLock.LEAVE])
    assert not show.window.pad.isVisible()


def test_a_wrong_pin_stays_inside_and_the_wait_grows(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    opened, pad = listen(show), show.window.pad
    show.lock.ask(ExitLock.LEAVE)
    for _ in range(2):
        enter(show, "1111")
        until(pad.enter.isEnabled)
    assert "wrong" in pad.note.text()
    assert QApplication.focusWidget() is pad.keys[5]
    enter(show, "1111")
    until(lambda: "30" in pad.note.text())
    assert not pad.enter.isEnabled()
    touch(pad.keys[2])
    pad.leave()
    show.lock.ask(ExitLock.LEAVE)
    assert not pad.enter.isEnabled()
    assert "Wait" in pad.note.text()
    assert QApplication.focusWidget() is pad.back
    show.lock.waiting.timeout.emit()
    assert pad.note.text() == ""
    enter(show, "2468")
    until(lambda: opened == [ExitLock.LEAVE])


def test_a_restart_gives_no_further_tries(make_show: MakeShow) -> None:
    pins = {"pin": HASH, "chord": None}
    show = make_show(lock=pins)
    show.lock.ask(ExitLock.LEAVE)
    for _ in range(2):
        enter(show, "1111")
        until(show.window.pad.enter.isEnabled)
    enter(show, "1111")
    until(lambda: "30" in show.window.pad.note.text())
    show.close()
    again = make_show(lock=pins)
    opened, pad = listen(again), again.window.pad
    again.lock.ask(ExitLock.LEAVE)
    assert "Wait" in pad.note.text()
    assert not pad.enter.isEnabled()
    again.lock.waiting.timeout.emit()
    enter(again, "1111")
    until(lambda: "60" in pad.note.text())
    again.lock.waiting.timeout.emit()
    enter(again, "2468")
    until(lambda: opened == [ExitLock.LEAVE])
    third = make_show(lock=pins)
    third.lock.ask(ExitLock.LEAVE)
    assert third.window.pad.enter.isEnabled()  # the right one made an end of it


def test_waits_double_up_to_a_limit() -> None:
    assert [wait_after(wrong) for wrong in range(1, 7)] == [0, 0, 30, 60, 120, 240]
    assert wait_after(1000) == LONGEST_WAIT_S


def test_the_pad_works_by_keys_and_goes_away_by_itself(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    opened, pad = listen(show), show.window.pad
    show.lock.ask(ExitLock.LEAVE)
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_Backspace, Qt.Key.Key_4):
        press(show.window, key)
    assert pad.dots.text() == "••"
    pad.quiet.timeout.emit()
    assert not pad.isVisible()
    assert pad.dots.text().strip() == ""
    assert opened == []


def test_keys_reach_nothing_below_what_lies_over_the_show(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    window = show.window
    before = QApplication.focusWidget()
    assert before is window.start_page.offered[0]
    show.lock.ask(ExitLock.LEAVE)
    reached = set()
    for key in [Qt.Key.Key_Tab] * 15 + [Qt.Key.Key_Backtab] * 15 + [Qt.Key.Key_Left] * 3:
        press(window, key)
        reached.add(QApplication.focusWidget())
    assert reached == {*window.pad.keys, window.pad.erase, window.pad.enter, window.pad.back}
    press(window, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is before
    show.inputs.presents = True
    press(window, Qt.Key.Key_B)
    assert window.blank.isVisible()
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Space, Qt.Key.Key_Return):
        press(window, key)
    press(window, Qt.Key.Key_B)
    assert window.pages.currentWidget() is window.start_page
    assert QApplication.focusWidget() is before


def test_nothing_happens_by_itself_below_the_pad(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    idle = show.stage.idle
    assert idle.quiet.isActive()
    show.lock.ask(ExitLock.LEAVE)
    assert not idle.quiet.isActive()
    show.window.pad.leave()
    assert idle.quiet.isActive()


def test_a_finger_held_in_the_corner_asks_for_the_pin(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": HASH, "chord": None})
    handle, hold = show.window.windowHandle(), show.inputs.hold
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert hold.isActive()
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert not hold.isActive()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(600, 300))
    assert not hold.isActive()
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(600, 300))
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    hold.timeout.emit()
    assert show.window.pad.isVisible()
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))


def test_nothing_inside_leads_to_menus_links_or_other_windows(
    show: EventApp, tmp_path: Path
) -> None:
    open_sample(show)
    ask(show)
    before = set(QApplication.topLevelWidgets())
    for widget in (show.window, show.stage.page.asking.line, show.stage.page.answer.viewport()):
        place = widget.rect().center()
        reason = QContextMenuEvent.Reason.Mouse
        menu = QContextMenuEvent(reason, place, widget.mapToGlobal(place))
        QApplication.sendEvent(widget, menu)
    for key in (Qt.Key.Key_F1, Qt.Key.Key_F10, Qt.Key.Key_F11, Qt.Key.Key_Menu, Qt.Key.Key_Alt):
        press(show.window, key)
    for letter in "OSPNWHEM":
        press(show.window, Qt.Key(ord(letter)), CTRL)
    turn_round()
    assert show.window.isVisible()
    assert QApplication.activePopupWidget() is None
    assert not show.window.findChildren(QMenu)
    windows = {each for each in QApplication.topLevelWidgets() if each.isVisible()}
    assert windows <= before
    labels = show.window.findChildren(QLabel)
    assert not any(label.openExternalLinks() for label in labels)
    shown = [label for label in labels if label.isVisible() and label.text()]
    assert {label.textFormat() for label in shown} == {Qt.TextFormat.PlainText}


def test_what_visitors_write_is_never_markup(show: EventApp) -> None:
    open_sample(show)
    ask(show, "<a href='file:///'>files</a>")
    assert "<a href" in show.stage.page.question.text().replace("\u200b", "")  # lines may end there


def test_the_answer_cannot_be_selected_or_copied(show: EventApp) -> None:
    open_sample(show)
    ask(show)
    QApplication.clipboard().setText("before")
    show.stage.page.answer.setFocus()
    press(show.window, Qt.Key.Key_A, CTRL)
    press(show.window, Qt.Key.Key_C, CTRL)
    assert QApplication.clipboard().text() == "before"
    QApplication.clipboard().clear()
