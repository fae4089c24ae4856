"""A visitor at a real keyboard: what is typed is the question, wherever the focus is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputDevice, QInputMethodEvent, QInputMethodQueryEvent
from PySide6.QtWidgets import QApplication, QWidget

from mmgpt_desktop.event.pin import hash_pin
from mmgpt_desktop.ui.event.event_app import EventApp
from tests.gui.event_parts import MakeShow, open_sample, press, touch, type_keys, until
from tests.gui_fakes import FakeEngine
from tests.not_none import not_none

CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def write(show: EventApp, text: str) -> None:
    type_keys(show.window, text)


def answered(show: EventApp) -> bool:
    return bool(show.stage.visit.current.turns) and not show.stage.asker.busy


def compose(preedit: str, commit: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(commit)
    QApplication.sendEvent(not_none(QApplication.focusWidget()), event)


def takes_input_method() -> bool:
    event = QInputMethodQueryEvent(Qt.InputMethodQuery.ImEnabled)
    QApplication.sendEvent(not_none(QApplication.focusWidget()), event)
    return bool(event.value(Qt.InputMethodQuery.ImEnabled))


def test_a_question_typed_at_once_presses_no_suggestion(show: EventApp) -> None:
    open_sample(show)
    write(show, "is it a dog?")
    assert show.stage.page.asking.line.text() == "is it a dog?"
    assert show.stage.visit.current.turns == []
    press(show.window, Qt.Key.Key_Return)
    until(lambda: answered(show))
    assert [turn.question for turn in show.stage.visit.current.turns] == ["is it a dog?"]


PLACES: dict[str, Callable[[EventApp], QWidget]] = {
    "suggestion": lambda show: show.stage.page.asking.cards[1],
    "photo": lambda show: show.stage.page.picture.view,
    "answer": lambda show: show.stage.page.answer,
    "header": lambda show: show.window.header.another,
    "ask": lambda show: show.stage.page.asking.ask,
    "letters": lambda show: show.stage.page.asking.letters,
}


@pytest.mark.parametrize("place", PLACES)
def test_letters_go_to_the_question_from_wherever_the_focus_is(show: EventApp, place: str) -> None:
    open_sample(show)
    show.stage.ask("What?")
    until(lambda: answered(show))
    line = show.stage.page.asking.line
    for letters, text in (("x+-0", "x+-0"), (" y", "x+-0 y")):
        PLACES[place](show).setFocus()
        write(show, letters)
        assert line.text() == text
    PLACES[place](show).setFocus()
    press(show.window, Qt.Key.Key_Backspace)
    assert line.text() == "x+-0 "
    assert QApplication.focusWidget() is line
    assert len(show.stage.visit.current.turns) == 1


def test_letters_typed_without_any_focus_go_to_the_question(show: EventApp) -> None:
    open_sample(show)
    focus = QApplication.focusWidget()
    assert focus is not None
    focus.clearFocus()
    write(show, "who")
    assert show.stage.page.asking.line.text() == "who"


def test_letters_wait_in_the_line_while_an_answer_is_written(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    open_sample(show)
    write(show, "first")
    press(show.window, Qt.Key.Key_Return)
    write(show, "next")
    press(show.window, Qt.Key.Key_Return)
    assert show.window.line.isVisible()  # that it is still answering
    assert show.stage.page.asking.line.text() == "next"
    engine.release(10)
    until(lambda: answered(show))
    engine.release(10)
    press(show.window, Qt.Key.Key_Return)
    until(lambda: len(show.stage.visit.current.turns) == 2 and answered(show))


def test_a_card_touched_twice_is_no_reason_to_wait(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    open_sample(show)
    for _ in range(2):
        touch(show.stage.page.asking.cards[0])
    assert not show.window.line.isVisible()
    engine.release(10)
    until(lambda: answered(show))
    assert len(show.stage.visit.current.turns) == 1


def test_the_space_bar_and_enter_press_what_has_the_focus(show: EventApp) -> None:
    open_sample(show)
    page = show.stage.page
    press(show.window, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is page.asking.cards[1]
    press(show.window, Qt.Key.Key_Return)
    until(lambda: answered(show))
    page.asking.cards[0].setFocus()
    press(show.window, Qt.Key.Key_Space)
    until(lambda: len(show.stage.visit.current.turns) == 2 and answered(show))
    asked = [turn.question for turn in show.stage.visit.current.turns]
    assert asked == ["Why one?", "What is one?"]
    show.window.header.another.setFocus()
    press(show.window, Qt.Key.Key_Enter)
    assert show.window.pages.currentWidget() is show.window.start_page
    show.window.start_page.samples.setFocus()
    press(show.window, Qt.Key.Key_Return)
    assert show.window.pages.currentWidget() is show.window.chooser


def test_enter_ends_a_question_also_when_a_word_was_looked_at_meanwhile(show: EventApp) -> None:
    open_sample(show)
    show.stage.ask("What?")
    until(lambda: answered(show))
    write(show, "why")
    show.stage.page.answer.setFocus()
    press(show.window, Qt.Key.Key_Left)
    assert QApplication.focusWidget() is show.stage.page.answer
    press(show.window, Qt.Key.Key_Return)
    until(lambda: len(show.stage.visit.current.turns) == 2)
    assert show.stage.visit.current.turns[1].question == "why"


def test_an_input_method_composes_in_the_question(show: EventApp) -> None:
    open_sample(show)
    line = show.stage.page.asking.line
    show.stage.page.asking.cards[0].setFocus()
    compose("zhe")
    assert QApplication.focusWidget() is line
    compose("", "这是")
    show.stage.page.picture.view.setFocus()
    compose("", "什么")
    assert line.text() == "这是什么"
    assert show.stage.visit.current.turns == []


def test_an_input_method_is_served_where_no_screen_is_touched(
    show: EventApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDevice, "devices", lambda: [])
    assert not takes_input_method()  # on the start page there is nothing to write
    open_sample(show)
    assert QApplication.focusWidget() is show.stage.page.asking.cards[0]
    assert takes_input_method()


def test_a_touch_screen_brings_no_letters_of_the_desktop(
    show: EventApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen:
        def type(self) -> QInputDevice.DeviceType:
            return QInputDevice.DeviceType.TouchScreen

    monkeypatch.setattr(QInputDevice, "devices", lambda: [Screen()])
    open_sample(show)
    assert not takes_input_method()


def test_keys_that_are_no_letters_do_what_they_did(show: EventApp) -> None:
    open_sample(show)
    purposes: list[str] = []
    show.lock.opened.disconnect(show.open_for)
    show.lock.opened.connect(purposes.append)
    line = show.stage.page.asking.line
    press(show.window, Qt.Key.Key_A, CTRL)
    press(show.window, Qt.Key.Key_Escape)
    press(show.window, Qt.Key.Key_Q, CTRL, ALT, SHIFT)
    assert purposes == [show.lock.LEAVE]
    press(show.window, Qt.Key.Key_PageDown)
    until(lambda: show.stage.visit.current.photo is not None)
    assert line.text() == ""


def test_letters_do_nothing_below_what_lies_over_the_show(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": hash_pin("2468"), "chord": None})
    open_sample(show)
    line = show.stage.page.asking.line
    show.stage.idle.quiet.timeout.emit()
    assert show.window.countdown.isVisible()
    write(show, "a")
    assert not show.window.countdown.isVisible()  # any key says that somebody is there
    show.lock.ask(show.lock.LEAVE)
    write(show, "a24")
    assert show.window.pad.dots.text() == "••"
    show.window.pad.back.setFocus()
    press(show.window, Qt.Key.Key_Return)
    assert not show.window.pad.isVisible()
    assert line.text() == ""


def test_enter_on_im_done_ends_the_visit(show: EventApp) -> None:
    open_sample(show)
    show.stage.idle.quiet.timeout.emit()
    show.window.countdown.leave.setFocus()
    press(show.window, Qt.Key.Key_Return)
    assert show.stage.visit.conversations == []


def test_what_was_typed_and_not_asked_goes_with_the_visitor(show: EventApp) -> None:
    open_sample(show)
    write(show, "my secret")
    show.stage.reset()
    assert show.stage.page.asking.line.text() == ""
    write(show, "a ")  # on the start page it is nobody's question
    assert show.stage.page.asking.line.text() == ""
