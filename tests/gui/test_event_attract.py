"""The samples, while nobody is there."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.event.numbers import Log
from mmgpt_desktop.settings import Settings, save_settings
from mmgpt_desktop.ui.event import event_app
from mmgpt_desktop.ui.event.event_app import EventApp
from tests.gui.event_parts import MakeShow, make_profile, press, touch, turn_round, until
from tests.gui_fakes import FakeEngine
from tests.records import asked


@pytest.fixture
def lines(show: EventApp) -> list[tuple[str, str]]:
    """What is explained, one line after the other, and the answer that stands there then."""
    said: list[tuple[str, str]] = []
    explain = show.stage.page.explain

    def listen(line: str) -> None:
        said.append((line, show.stage.page.answer.toPlainText()))
        explain(line)

    show.stage.page.explain = listen  # type: ignore[method-assign]
    return said


def test_questions_type_themselves_and_the_engine_answers(
    show: EventApp, lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, typed = show.stage.page, list[str]()
    monkeypatch.setattr(page, "type_question", typed.append)
    show.stage.idle.idle.emit()
    assert show.stage.attract.playing
    until(lambda: len([line for line, _ in lines if "grid" in line]) >= 2)
    assert typed[:4] == ["", "W", "Wh", "Wha"]
    assert "What is one?" in typed
    assert "What is two?" in typed
    order = list(dict.fromkeys(line for line, _ in lines))
    assert [line.split()[0] for line in order] == ["A", "Somebody", "The", "Each", "To"]
    at_the_end = {answer for line, answer in lines if "grid" in line}
    assert at_the_end == {"A red ball in the corner."}


def test_the_walk_keeps_to_its_answer_when_another_begins(show: EventApp) -> None:
    page, another, seen = show.stage.page, asked(job_id=-1), list[Turn]()
    explain = page.explain

    def listen(line: str) -> None:
        explain(line)
        turns = show.stage.visit.current.turns
        if "own places" in line and another not in turns:
            turns.append(another)
        if "grid" in line and show.stage.heatmaps.in_view is not None:
            seen.append(show.stage.heatmaps.in_view[0])

    page.explain = listen  # type: ignore[method-assign]
    show.stage.play()
    until(lambda: seen)
    assert seen[0] is not another


def test_each_round_asks_another_question(make_show: MakeShow) -> None:
    engine = FakeEngine()
    show = make_show(engine)
    show.stage.play()
    until(lambda: len(engine.requests) >= 4)
    asked = [request.messages[-1].text for request in engine.requests]
    assert asked[:4] == ["What is one?", "What is two?", "Why one?", "What is two?"]


@pytest.mark.parametrize("how", ["touch", "key", "mouse"])
def test_any_input_ends_it_at_once_and_does_nothing_else(show: EventApp, how: str) -> None:
    show.stage.play()
    until(lambda: show.stage.visit.current.turns)
    window = show.window
    if how == "touch":
        touch(window.header.language)
    elif how == "key":
        press(window, Qt.Key.Key_Space)
    else:
        middle = window.header.language.rect().center()
        place = window.header.language.mapTo(window, middle)
        QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=place)
    assert not show.stage.attract.playing
    assert window.pages.currentWidget() is window.start_page
    assert window.start_page.headline.text() == "Show me a picture"
    assert show.stage.visit.conversations == []
    assert not show.stage.idle.visiting
    touch(window.start_page.samples)
    assert window.pages.currentWidget() is window.chooser


def test_samples_that_cannot_be_opened_are_left_out(show: EventApp) -> None:
    show.stage.samples[0].photo.write_bytes(b"broken")
    show.stage.play()
    until(lambda: show.stage.visit.current.turns)
    assert show.stage.visit.current.turns[0].question == "What is two?"
    assert not show.window.line.isVisible()


def test_with_reduced_motion_questions_stand_there_at_once(
    make_show: MakeShow, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = make_show(still=True)
    typed: list[str] = []
    monkeypatch.setattr(show.stage.page, "type_question", typed.append)
    show.stage.play()
    until(lambda: show.stage.visit.current.turns)
    show.theme.set_still(False)
    assert typed == ["", "What is one?"]


@pytest.mark.parametrize("still", [False, True])
def test_motion_is_reduced_where_it_is_in_the_window(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still: bool
) -> None:
    class Made(Exception):
        pass

    def make(*_args: object, still: bool, **_options: object) -> None:
        raise Made(still)

    save_settings(tmp_path / "settings.json", Settings(still=still))
    for name, stand_in in {
        "settings_path": lambda: tmp_path / "settings.json",
        "prepare_process": lambda: None,
        "make_application": lambda: qapp,
        "EventApp": make,
    }.items():
        monkeypatch.setattr(event_app, name, stand_in)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(Made, match=str(still)):
        event_app.run(make_profile(tmp_path), None, None)


def test_nobody_is_counted_while_the_samples_play(
    make_show: MakeShow, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    for name in ("visitor", "question", "picture"):
        monkeypatch.setattr(Log, name, lambda *_args, name=name: counted.append(name))
    show = make_show()
    show.stage.play()
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    show.stage.reset()
    touch(show.window.start_page.samples)
    until(lambda: show.window.chooser.tiles)
    touch(show.window.chooser.tiles[0])
    until(lambda: show.stage.visit.conversations)
    touch(show.stage.page.asking.cards[0])
    until(lambda: "question" in counted)
    assert counted == ["visitor", "picture", "question"]


def test_words_are_pointed_at_in_the_answer_that_was_read(show: EventApp) -> None:
    """Another one, or none, may be the last of the visit by then."""
    stage = show.stage
    stage.play()
    until(lambda: bool(stage.visit.current.turns) and not stage.asker.busy)
    stage.visit.current.turns.clear()
    until(lambda: bool(stage.visit.current.turns))  # it goes on with the next sample
    assert stage.attract.playing


def test_an_answer_goes_on_when_the_screen_is_no_longer_frozen(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    stage = show.stage
    stage.play()
    engine.release()
    until(lambda: stage.page.answer.toPlainText() == "A")
    stage.freeze(True)
    stage.freeze(False)
    turn_round(50)
    engine.release(10)
    until(lambda: not stage.asker.busy)
    assert stage.page.answer.toPlainText() == "A red ball in the corner."
    stage.freeze(True)
    until(lambda: not stage.attract.timer.isActive())
    stage.freeze(False)
    until(lambda: stage.page.question.text() != "\u201cWhat is one?\u201d")
