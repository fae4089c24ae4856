"""Visitors who have a picture drawn, by a painter that draws without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop.engine.painting.known_words import KnownWords
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.event.drawing_filter import refuse_crude
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.ui.event.event_app import EventApp
from tests.gui.event_parts import MakeShow, idle, open_sample, touch, turn_round, type_keys, until
from tests.tiny_painter import FakePainter, fake_maker, manifest_of, write_painter

TAUGHT = {"a": 9, "red": 9, "rose": 9, "dog": 9, "gun": 9, "pink": 9, "on": 9, "grass": 9}


@pytest.fixture
def painter() -> FakePainter:
    return FakePainter(RuntimeName.ONNX_CPU)


@pytest.fixture
def drawing_show(make_show: MakeShow, tmp_path: Path, painter: FakePainter) -> Any:
    def made(**drawing: Any) -> EventApp:
        folder = write_painter(tmp_path / "tiny")
        KnownWords(TAUGHT).write(folder / "words.txt")
        manifest = manifest_of(folder) | {"text_length": 60}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        show = make_show(
            drawing={"offered": True, "prompts": ("a red rose", "a dog"), **drawing},
            make_painter=lambda: PaintEngine(folder, make=fake_maker(painter)),
        )
        until(show.window.start_page.draw.isVisible)
        return show

    return made


def begin(show: EventApp) -> None:
    touch(show.window.start_page.draw)
    until(lambda: show.window.pages.currentWidget() is show.window.draw_page)


def test_it_is_off_unless_the_profile_offers_it(make_show: MakeShow, tmp_path: Path) -> None:
    folder = write_painter(tmp_path / "tiny")
    show = make_show(make_painter=lambda: PaintEngine(folder))
    assert show.threads.painter is None
    assert not show.window.start_page.draw.isVisible()


def test_a_card_is_drawn_and_can_be_asked_about(drawing_show: Any) -> None:
    show = drawing_show()
    begin(show)
    wishes = show.window.draw_page.wishes
    assert [card.question for card in wishes.cards] == ["a red rose", "a dog"]
    assert not wishes.line.isVisible(), "own words are not free"
    touch(wishes.cards[0])
    until(lambda: show.window.pages.currentWidget() is show.window.answer_page)
    current = show.stage.visit.current
    assert current.drawing is not None
    assert current.drawing.prompt == "a red rose"
    show.stage.ask("What is this?")
    idle(show)
    assert len(current.turns) == 1


def test_own_words_are_drawn_where_they_are_free(drawing_show: Any) -> None:
    show = drawing_show(free=True)
    begin(show)
    type_keys(show.window, "a pink rose")
    assert show.window.draw_page.wishes.line.text() == "a pink rose"
    show.window.draw_page.wishes.ask.click()
    until(lambda: show.stage.visit.current.drawing is not None)
    assert show.stage.visit.current.drawing.prompt == "a pink rose"


def test_a_photo_that_comes_in_between_ends_the_drawing(
    drawing_show: Any, painter: FakePainter
) -> None:
    show = drawing_show()
    begin(show)
    painter.gate.acquire()
    show.stage.desk.draw("a dog")
    open_sample(show)
    assert not show.stage.desk.busy
    painter.gate.release()
    until(lambda: show.threads.painter.idle)
    turn_round(20)
    assert [each.drawing for each in show.stage.visit.conversations] == [None]


def test_a_frozen_screen_stays_as_it_is(drawing_show: Any) -> None:
    show = drawing_show()
    begin(show)
    show.stage.freeze(True)
    show.stage.desk.draw("a dog")
    until(lambda: show.threads.painter.idle)
    turn_round(20)
    assert show.window.draw_page.canvas.pictures == ()
    assert show.window.pages.currentWidget() is show.window.draw_page
    show.stage.freeze(False)
    until(lambda: show.stage.visit.current.drawing is not None)


def test_without_cards_the_line_is_first(drawing_show: Any) -> None:
    show = drawing_show(prompts=(), free=True)
    begin(show)
    assert show.window.draw_page.wishes.line.hasFocus()


@pytest.mark.parametrize("said", ["a gun", "a spaceship", "a red dog, named Bob", "a tulip"])
def test_crude_and_unknown_words_are_refused_in_a_friendly_line(
    drawing_show: Any, said: str
) -> None:
    show = drawing_show(free=True, refused=("tulip",))
    begin(show)
    show.stage.desk.draw(said)
    until(show.window.line.isVisible)
    assert not show.stage.desk.busy
    assert show.stage.visit.conversations == []
    assert show.window.pages.currentWidget() is show.window.draw_page


def test_a_reset_stops_it_and_forgets_it(drawing_show: Any, painter: FakePainter) -> None:
    show = drawing_show(free=True)
    begin(show)
    painter.gate.acquire()
    show.window.draw_page.wishes.line.setText("a red rose")
    show.window.draw_page.wishes.ask.click()
    assert show.stage.desk.busy
    assert not show.window.draw_page.wishes.isEnabled()
    show.stage.reset()
    assert not show.stage.desk.busy
    painter.gate.release()
    begin(show)
    assert show.window.draw_page.wishes.line.text() == ""
    assert show.window.draw_page.canvas.pictures == ()
    show.stage.desk.draw("a dog")
    until(lambda: show.stage.visit.current.drawing is not None)
    assert [each.drawing.prompt for each in show.stage.visit.conversations] == ["a dog"]


def test_keys_are_lost_while_a_picture_is_drawn(drawing_show: Any, painter: FakePainter) -> None:
    show = drawing_show(free=True)
    begin(show)
    painter.gate.acquire()
    show.stage.desk.draw("a dog")
    type_keys(show.window, "xyz")
    assert show.window.draw_page.wishes.line.text() == ""
    painter.gate.release()
    until(lambda: show.stage.visit.current.drawing is not None)


def test_one_goes_back_without_a_picture(drawing_show: Any) -> None:
    show = drawing_show()
    begin(show)
    touch(show.window.draw_page.back)
    assert show.window.pages.currentWidget() is show.window.start_page


@pytest.mark.parametrize(
    ("said", "also"),
    [
        ("a GUN on grass", ()),
        ("a woman naked.", ()),
        ("“naked” woman", ()),
        ("gun!", ()),
        ("bombs", ()),
        ("Two hot dogs.", ("hot dog",)),
        ("一把枪", ()),
        ("a rose", ("Rose",)),
        ("红色的玫瑰", ("玫瑰",)),
    ],
)
def test_crude_words_are_refused_in_both_languages(said: str, also: tuple[str, ...]) -> None:
    with pytest.raises(PromptError, match="rather not draw"):
        refuse_crude(said, also)


def test_words_that_only_contain_one_are_not() -> None:
    refuse_crude("a class of grass, a rosette, a hot red dog", ("rose", "hot dog"))
