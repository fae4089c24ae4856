"""When nobody is there: the samples play, or a visit is over, and nothing of it is left."""

from __future__ import annotations

import gc
import tempfile
import weakref
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.event.event_app import EventApp
from tests.gui.event_parts import MakeShow, ask, idle, picture, press, touch, turn_round, until
from tests.gui_fakes import FakeEngine, drain, make_photo, thread_of


def visit(show: EventApp, colour: str = "#123456") -> None:
    """A picture, a question, an answer."""
    before = len(show.stage.visit.conversations)
    show.stage.begin_visit()
    show.stage.visit.take_image(picture(colour), "visitor.png")
    until(lambda: len(show.stage.visit.conversations) > before)
    ask(show, "Who is my secret love?")
    until(lambda: not show.stage.explainer.busy)


def quiet(show: EventApp) -> None:
    """The time without a touch has passed."""
    show.stage.idle.quiet.timeout.emit()


def second(show: EventApp) -> None:
    show.stage.idle.second.timeout.emit()


def test_a_countdown_then_the_start_page(make_show: MakeShow) -> None:
    show = make_show(show={"countdown_s": 3.0})
    visit(show)
    quiet(show)
    countdown = show.window.countdown
    assert countdown.isVisible()
    seen = []
    while countdown.isVisible():
        seen.append(countdown.count.text())
        second(show)
    assert seen == ["3", "2", "1"]
    assert show.window.pages.currentWidget() is show.window.start_page
    assert not show.stage.idle.visiting


@pytest.mark.parametrize("how", ["button", "touch", "key"])
def test_who_is_still_there_keeps_everything(show: EventApp, how: str) -> None:
    visit(show)
    quiet(show)
    if how == "button":
        touch(show.window.countdown.stay)
    elif how == "touch":
        touch(show.window.countdown)
    else:
        press(show.window, Qt.Key.Key_A)
    assert not show.window.countdown.isVisible()
    assert len(show.stage.visit.current.turns) == 1
    assert show.stage.idle.visiting


def test_who_was_writing_goes_on_writing(show: EventApp) -> None:
    visit(show)
    line, countdown = show.stage.page.asking.line, show.window.countdown
    line.setFocus()
    quiet(show)
    press(show.window, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is countdown.leave
    press(show.window, Qt.Key.Key_A)
    assert not countdown.isVisible()
    assert QApplication.focusWidget() is line
    quiet(show)
    show.stage.page.asking.set_questions(("Another one?",))  # what had the focus may be gone
    press(show.window, Qt.Key.Key_Space)
    assert not countdown.isVisible()


def test_who_is_done_leaves_at_once(show: EventApp) -> None:
    visit(show)
    quiet(show)
    touch(show.window.countdown.leave)
    assert not show.window.countdown.isVisible()
    assert show.stage.visit.conversations == []


def test_a_visitor_who_reads_is_there(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    show.stage.visit.take_image(picture(), "a.png")
    until(lambda: show.stage.visit.conversations)
    show.stage.ask("What?")
    quiet(show)
    assert show.window.countdown.isVisible()
    engine.release()
    until(lambda: not show.window.countdown.isVisible())
    engine.release(10)
    idle(show)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that a program of ours could write to."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_no_trace_is_left_in_memory_and_on_disk(
    make_show: MakeShow, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard = QGuiApplication.clipboard()  # that of tests knows no owner
    monkeypatch.setattr(type(clipboard), "ownsClipboard", lambda _self: True)
    engine = FakeEngine()
    show = make_show(engine, souvenir={"folder": tmp_path, "page": True})
    phones = show.stage.souvenir.phones
    phones.find_address = lambda: "127.0.0.1"
    before = files_in(tmp_path)
    visit(show, "#0000aa")
    visit(show, "#00aa00")
    stage = show.stage
    stage.heatmaps.choose(stage.visit.current.turns[0], 1)
    until(lambda: stage.page.picture.view.layer is not None)
    touch(show.window.header.souvenir)
    until(stage.souvenir.save_button.isEnabled)
    touch(stage.souvenir.phone_button)
    until(stage.souvenir.ticket.isVisible)
    stage.page.asking.line.setText("half a sec")
    stage.page.asking.line.insert("ret")
    clipboard.setText("secret")
    kept: list[Any] = [*stage.visit.conversations]
    for conversation in stage.visit.conversations:
        assert conversation.photo is not None
        kept += [conversation.photo, conversation.photo, *conversation.turns]
    kept += [turn.steps[0] for each in stage.visit.conversations for turn in each.turns]
    left = [weakref.ref(each) for each in kept]
    levels = [weakref.ref(each.photo.pixels) for each in kept if hasattr(each, "photo")]
    del kept, conversation
    stage.reset()

    def gone() -> bool:
        gc.collect()
        return all(each() is None for each in (*left, *levels))

    until(gone)
    until(lambda: engine.forgotten > 0)
    assert stage.page.answer.toPlainText() == ""
    assert stage.page.question.text() == ""
    assert stage.page.asking.line.text() == ""
    assert not stage.page.asking.line.isUndoAvailable()
    assert not stage.page.answer.document().isUndoAvailable()
    assert stage.page.picture.view.layer is None
    assert stage.page.picture.view.photo_rect().isEmpty()
    assert clipboard.text() == ""
    assert stage.souvenir.made is None
    assert len(phones.offers) == 1  # a card offered by code lives in memory until its time is over
    stage.stop()
    assert len(phones.offers) == 0  # or the show
    assert not phones.listens
    assert files_in(tmp_path) == before
    assert files_in(home) == set()


def test_what_another_program_copied_stays_in_the_clipboard(
    show: EventApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("another's")
    monkeypatch.setattr(type(clipboard), "ownsClipboard", lambda _self: False)
    show.stage.reset()
    assert clipboard.text() == "another's"
    clipboard.clear()


def test_an_answer_on_its_way_is_dropped_by_the_reset(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    show.stage.visit.take_image(picture(), "a.png")
    until(lambda: show.stage.visit.conversations)
    show.stage.ask("What?")
    engine.release(2)
    until(lambda: "red" in show.stage.page.answer.toPlainText())
    show.stage.reset()
    engine.release(10)
    turn_round(20)
    assert show.stage.page.answer.toPlainText() == ""
    assert not show.stage.asker.busy


def test_a_picture_on_its_way_is_dropped_by_the_reset(qtbot: QtBot, show: EventApp) -> None:
    show.stage.visit.take_image(picture(), "a.png")
    show.stage.reset()
    drain(qtbot, thread_of(show, "files"))  # after it in the queue
    assert show.stage.visit.conversations == []
    assert show.window.pages.currentWidget() is show.window.start_page


def test_no_session_is_kept(show: EventApp, home: Path) -> None:
    visit(show)
    show.stage.reset()
    assert files_in(home) == set()


def test_a_photo_of_another_visitor_is_not_taken_for_known(show: EventApp) -> None:
    shown = make_photo(seed=3)
    show.stage.visit.add(shown)
    ask(show)
    show.stage.reset()
    show.stage.visit.add(shown)
    assert show.stage.visit.current.turns == []
