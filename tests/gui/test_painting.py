"""Drawing in the window, with a painter that draws without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import Drawing, LeftOut, PainterInfo, PaintSettings, PromptWord
from mmgpt_desktop.ui.chat.draw_bar import DrawBar
from mmgpt_desktop.ui.files import exporter
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import engine_maker
from tests.gui.answers import ask, notices
from tests.gui.conftest import MakeApp
from tests.gui.test_camera import Synthetic
from tests.gui_fakes import FakeEngine
from tests.tiny_painter import FakePainter, fake_maker, write_painter


@pytest.fixture
def painter() -> FakePainter:
    return FakePainter(RuntimeName.ONNX_CPU)


@pytest.fixture
def painting(qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter) -> App:
    """A window that can draw, and is about to."""
    folder = write_painter(tmp_path / "tiny")
    make = fake_maker(painter)
    app = make_app(options={"make_painters": [lambda: PaintEngine(folder, make=make)]})
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.window.actions_by_name["draw"].trigger()
    return app


def draw(qtbot: QtBot, app: App, prompt: str = "a red rose", seed: int = 3) -> None:
    app.window.prompt.draw_bar.keep_seed(seed)
    app.window.prompt.edit.setPlainText(prompt)
    app.window.prompt.ask_button.click()
    qtbot.waitUntil(lambda: not app.painting.busy)


def drawings(app: App) -> list[Drawing]:
    found = (each.drawing for each in app.pictures.photos.conversations)
    return [each for each in found if each is not None]


def test_without_a_painter_nothing_speaks_of_drawing(app: App) -> None:
    window = app.window
    assert not window.prompt.mode.isVisible()
    assert not window.actions_by_name["draw"].isEnabled()
    assert not window.actions_by_name["export-drawing"].isEnabled()
    assert window.prompt.ask_button.text() == "Ask"


def test_a_picture_is_drawn_and_is_a_photo_like_any_other(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting)
    current = painting.pictures.photos.current
    assert current.photo is not None
    assert (current.photo.size, current.photo.name) == ((32, 32), "a red rose")
    (drawing,) = drawings(painting)
    assert (drawing.prompt, drawing.seed, drawing.painter) == ("a red rose", 3, "tiny")
    card = painting.window.image.card
    assert card.isVisible()
    assert [card.words.item(row).text() for row in range(3)] == ["a", "red", "rose"]
    assert "3" in card.seed.text()
    assert painting.window.prompt.edit.toPlainText() == "a red rose", "to be changed"
    painting.window.prompt.mode.choose(second=False)
    assert ask(qtbot, painting, "What?").request.images == (current.photo,)


def test_the_prompt_stays_when_one_goes_back_to_asking(qtbot: QtBot, painting: App) -> None:
    prompt = painting.window.prompt
    assert (prompt.ask_button.text(), prompt.heading.text()) == ("Draw", "Drawing")
    assert "flowers" in prompt.edit.placeholderText()
    prompt.edit.setPlainText("a rose")
    painting.window.actions_by_name["draw"].trigger()
    assert (prompt.ask_button.text(), prompt.edit.toPlainText()) == ("Ask", "a rose")
    assert not prompt.draw_bar.isVisible()


def test_several_pictures_have_a_seed_each_and_stand_side_by_side(
    qtbot: QtBot, painting: App
) -> None:
    painting.window.prompt.draw_bar.count.setCurrentIndex(2)
    draw(qtbot, painting, seed=5)
    assert [each.seed for each in drawings(painting)] == [5, 6, 7]
    assert painting.window.image.thumbnails.count() == 3
    assert painting.pictures.photos.current.drawing is drawings(painting)[0]


def test_another_seed_each_time_unless_one_is_kept(
    qtbot: QtBot, painting: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = painting.window.prompt.draw_bar
    draw(qtbot, painting, seed=41)
    bar.seed.clear()
    monkeypatch.setattr("random.randrange", lambda _most: 77)
    assert bar.next_seed() == 77
    painting.window.image.card.seed.click()
    assert bar.next_seed() == 41


def test_an_example_is_drawn_and_stays_in_the_field(qtbot: QtBot, painting: App) -> None:
    chip = painting.window.prompt.examples.buttons[1]
    assert chip.isVisible()
    chip.click()
    qtbot.waitUntil(lambda: not painting.painting.busy)
    assert painting.window.prompt.edit.toPlainText() == "a pink rose"
    assert drawings(painting)[0].prompt == "a pink rose"


@pytest.mark.parametrize("said", ["", " \n ", "x" * 10_001])
def test_what_cannot_be_drawn_is_said_below_the_field(
    painting: App, painter: FakePainter, said: str
) -> None:
    painting.window.prompt.edit.setPlainText(said)
    painting.window.prompt.ask_button.click()
    assert painting.window.prompt.problem.isVisible()
    assert not painting.painting.busy
    assert painting.window.prompt.edit.toPlainText() == said


def test_of_a_long_prompt_it_is_said_how_much_was_read(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting, "a red rose " * 180)
    assert "only the beginning" in painting.window.image.notes.text()


def test_emoji_are_drawn_without_a_word(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting, "🐕🐕")
    assert drawings(painting)[0].words == ()
    painting.window.image.card.words.light(())


def test_a_failure_is_told_and_what_was_in_view_is_there_again(
    qtbot: QtBot, painting: App, painter: FakePainter
) -> None:
    draw(qtbot, painting)
    painter.breaks_at = 2
    draw(qtbot, painting, "a dog")
    assert len(notices(painting)) == 1
    assert len(drawings(painting)) == 1
    assert painting.window.image.view.isVisible()
    assert painting.window.image.card.isVisible()
    assert painting.window.prompt.edit.toPlainText() == "a dog"
    assert not painting.window.prompt.stop_button.isVisible()


def test_it_can_be_stopped_at_once_and_nothing_comes_of_it(
    qtbot: QtBot, painting: App, painter: FakePainter
) -> None:
    painter.gate.acquire()
    painting.window.prompt.edit.setPlainText("a rose")
    painting.window.prompt.ask_button.click()
    assert painting.window.image.growing.isVisible()
    assert painting.window.prompt.stop_button.isVisible()
    stop = painting.window.actions_by_name["stop"]
    assert stop.isEnabled()
    stop.trigger()
    assert not painting.painting.busy
    assert not painting.window.image.growing.isVisible()
    assert not stop.isEnabled()
    painter.gate.release()
    draw(qtbot, painting, "a dog")
    assert [each.prompt for each in drawings(painting)] == ["a dog"]


def test_while_one_is_drawn_another_one_is_refused(painting: App, painter: FakePainter) -> None:
    painter.gate.acquire()
    painting.painting.draw("a rose")
    painting.painting.draw("a dog")
    assert "still being drawn" in painting.window.prompt.problem.text()
    painter.gate.release()


def test_the_picture_grows_in_the_photos_place(
    qtbot: QtBot, painting: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = painting.window.image.growing
    seen: list[int] = []
    show = growing.canvas.show_pixels

    def watch(pixels: NDArray[np.uint8]) -> None:
        seen.append(len(pixels))
        show(pixels)

    monkeypatch.setattr(growing.canvas, "show_pixels", watch)
    painting.window.prompt.draw_bar.count.setCurrentIndex(3)
    draw(qtbot, painting)
    assert seen == [4, 4], "after each row of cells"
    assert growing.bar.value() == 100


def lightness(app: App, *, left: bool = False) -> float:
    """Of the layer's upper right corner, or the left one."""
    layer = app.window.image.view.layer
    assert layer is not None
    return layer.pixelColor(0 if left else layer.width() - 1, 0).lightnessF()


def word_layer(qtbot: QtBot, app: App, word: int) -> None:
    app.window.image.view.set_layer(None)
    app.window.image.card.words.setCurrentRow(word)
    qtbot.waitUntil(lambda: app.window.image.view.layer is not None)


def test_a_words_map_lies_on_the_picture(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting)
    word_layer(qtbot, painting, 1)
    assert lightness(painting) > lightness(painting, left=True) + 0.3, "it read the second word"
    painting.window.image.card.words.pointed.emit(0)
    qtbot.waitUntil(lambda: lightness(painting, left=True) > 0.5)
    painting.window.image.card.words.setCurrentRow(-1)
    qtbot.waitUntil(lambda: painting.window.image.view.layer is None)


def test_pointing_at_a_place_marks_the_words_that_drew_it(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting)
    view, words = painting.window.image.view, painting.window.image.card.words
    corner = view.photo_rect().topRight() + QPointF(-4, 4)
    nothing = Qt.MouseButton.NoButton
    moved = QMouseEvent(
        QEvent.Type.MouseMove, corner, corner, nothing, nothing, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, moved)
    assert words.lit == (1,)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert not words.lit


def test_a_word_is_left_out_with_the_same_seed(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting, seed=8)
    card = painting.window.image.card
    assert not card.leave_out.isEnabled(), "none is chosen"
    card.words.setCurrentRow(1)
    card.leave_out.click()
    qtbot.waitUntil(lambda: not painting.painting.busy)
    _, second = drawings(painting)
    assert (second.prompt, second.seed) == ("a rose", 8)
    left_out = second.left_out
    assert left_out is not None
    assert (left_out.word, left_out.change.shape) == ("red", (2, 2))
    assert painting.pictures.photos.current.drawing is second
    assert card.change.isVisible()
    assert "red" in card.said.text()


def test_what_changed_can_be_seen(qtbot: QtBot, painting: App) -> None:
    words = (PromptWord("rose", 0, 4),)
    change = np.array([[0, 90], [0, 0]], np.float32)
    maps = np.ones((1, 2, 2), np.float32)
    draw(qtbot, painting)
    current = painting.pictures.photos.current
    current.drawing = Drawing("rose", 1, "tiny", words, maps, LeftOut("red", change, 2.5))
    painting.painting.overlay.follow(current)
    card = painting.window.image.card
    assert "2.5" in card.said.text()
    assert "there it mattered" in card.said.text()
    card.change.click()
    qtbot.waitUntil(lambda: painting.window.image.view.layer is not None)
    assert lightness(painting) > 0.5
    card.change.click()
    qtbot.waitUntil(lambda: painting.window.image.view.layer is None)


@pytest.mark.parametrize(
    ("change", "ratio", "said"),
    [
        (0.0, None, "nearly the same"),
        (40.0, 1.1, "does not say where"),
        (40.0, 3.0, "there it mattered"),
    ],
)
def test_the_verdict_follows_from_what_changed(
    painting: App, change: float, ratio: float | None, said: str
) -> None:
    cells = np.full((2, 2), change, np.float32)
    drawing = Drawing(
        "rose", 1, "tiny", (PromptWord("rose", 0, 4),), np.ones((1, 2, 2), np.float32)
    )
    card = painting.window.image.card
    card.show_drawing(
        Drawing(
            drawing.prompt, 1, "tiny", drawing.words, drawing.maps, LeftOut("red", cells, ratio)
        )
    )
    assert said in card.said.text()


def test_only_who_drew_a_picture_leaves_a_word_out(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting)
    current = painting.pictures.photos.current
    assert current.drawing is not None
    current.drawing = replace(current.drawing, painter="another")
    painting.painting.leave_out(1)
    assert "another drew this picture" in painting.window.prompt.problem.text()
    assert not painting.painting.busy


def test_what_was_drawn_in_another_size_is_to_be_drawn_again_first(
    qtbot: QtBot, painting: App
) -> None:
    draw(qtbot, painting)
    current = painting.pictures.photos.current
    assert current.photo is not None
    current.photo = replace(current.photo, pixels=current.photo.pixels[::2, ::2])
    painting.painting.leave_out(1)
    said = painting.window.prompt.problem.text()
    assert said == "An earlier tiny drew this picture: have it drawn again first."
    assert not painting.painting.busy


def test_the_same_drawing_again_shows_its_card_and_the_chosen_map(
    qtbot: QtBot, painting: App
) -> None:
    draw(qtbot, painting)
    word_layer(qtbot, painting, 1)
    draw(qtbot, painting)
    assert len(drawings(painting)) == 1
    assert painting.window.image.card.isVisible()
    qtbot.waitUntil(lambda: painting.window.image.view.layer is not None)


def test_a_second_press_puts_a_map_away(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting)
    words = painting.window.image.card.words
    word_layer(qtbot, painting, 1)
    place = words.visualItemRect(words.item(1)).center()
    for wanted in (-1, 1):
        qtbot.mouseClick(words.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert words.currentRow() == wanted
    qtbot.keyClick(words, Qt.Key.Key_Return)
    assert words.currentRow() == -1
    qtbot.waitUntil(lambda: painting.window.image.view.layer is None)


@pytest.mark.parametrize("seed", [0, 99_999, 1_234_567_890])
def test_a_seed_is_kept_as_it_stands_on_the_card(qtbot: QtBot, painting: App, seed: int) -> None:
    draw(qtbot, painting, seed=seed)
    painting.window.prompt.draw_bar.seed.clear()
    painting.window.image.card.seed.click()
    assert painting.window.prompt.draw_bar.next_seed() == seed


def test_a_seed_is_digits_alone(qtbot: QtBot, painting: App) -> None:
    field = painting.window.prompt.draw_bar.seed
    qtbot.keyClicks(field, "1,2+3-4.")
    assert field.text() == "1234"


def test_what_is_hidden_by_a_growing_picture_is_not_removed(
    qtbot: QtBot, painting: App, painter: FakePainter
) -> None:
    draw(qtbot, painting)
    painter.gate.acquire()
    painting.painting.draw("a dog")
    assert not painting.window.image.card.isVisible()
    painting.pictures.photos.remove()
    assert painting.pictures.photos.count == 1
    painting.painting.stop()
    painter.gate.release()
    assert painting.window.image.card.isVisible()
    painting.pictures.photos.remove()
    assert painting.pictures.photos.count == 0


def test_another_session_ends_a_drawing(painting: App, painter: FakePainter) -> None:
    painter.gate.acquire()
    painting.painting.draw("a dog")
    photos = painting.pictures.photos
    photos.take_over(photos.conversations, photos.kept)
    assert not painting.painting.busy
    painter.gate.release()


def test_stopping_the_answer_leaves_the_drawing(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    folder, engine = write_painter(tmp_path / "tiny"), FakeEngine(gated=True)
    make = fake_maker(painter)
    app = make_app(engine, options={"make_painters": [lambda: PaintEngine(folder, make=make)]})
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    painter.gate.acquire()
    app.painting.draw("a rose")
    app.chat.controller.ask("What?")
    assert "answer and the drawing" in app.window.prompt.stop_button.toolTip()
    app.window.output.stop_button.click()
    qtbot.waitUntil(lambda: not app.chat.controller.busy)
    assert app.painting.busy
    assert "Stop drawing" in app.window.prompt.stop_button.toolTip()
    painter.gate.release()
    qtbot.waitUntil(lambda: not app.painting.busy)
    assert len(drawings(app)) == 1


def test_leaving_out_the_only_word_is_refused(qtbot: QtBot, painting: App) -> None:
    draw(qtbot, painting, "rose")
    painting.painting.leave_out(0)
    assert "nothing is said" in painting.window.prompt.problem.text()


def test_it_is_saved_with_its_prompt_inside(
    qtbot: QtBot, painting: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(qtbot, painting, "红色的玫瑰", seed=9)
    path = tmp_path / "rose.png"
    monkeypatch.setattr(exporter, "ask_where_to_save", lambda *_: path)
    painting.window.image.card.save.click()
    qtbot.waitUntil(path.is_file)
    with Image.open(path) as picture:
        assert picture.info["prompt"] == "红色的玫瑰"
        assert picture.info["seed"] == "9"
        assert picture.size == (32, 32)


def test_an_answer_and_a_drawing_go_on_side_by_side(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    folder, engine = write_painter(tmp_path / "tiny"), FakeEngine(gated=True)
    make = fake_maker(painter)
    app = make_app(engine, options={"make_painters": [lambda: PaintEngine(folder, make=make)]})
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.chat.controller.ask("What?")
    app.painting.draw("a rose")
    qtbot.waitUntil(lambda: not app.painting.busy)
    assert app.chat.controller.busy
    assert app.window.actions_by_name["stop"].isEnabled()
    engine.release(20)
    qtbot.waitUntil(lambda: not app.chat.controller.busy)
    assert len(drawings(app)) == 1


def test_a_model_that_draws_too_can_be_chosen(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    folders = [write_painter(tmp_path / name) for name in ("first", "second")]
    make = fake_maker(painter)
    makers = {each: partial(PaintEngine, each, make=make) for each in folders}
    options = {
        "make_painters": [makers[folders[0]]],
        "paint_model": lambda at: makers.get(at, broken),
    }
    app = make_app(options=options)
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.window.actions_by_name["draw"].trigger()
    choice = app.window.prompt.draw_bar.painter
    assert not choice.isVisible(), "there is no choice"
    app.painting.offer_model(tmp_path)  # a model that only answers
    app.painting.offer_model(folders[1])
    qtbot.waitUntil(choice.isVisible)
    draw(qtbot, app)
    choice.setCurrentIndex(1)
    draw(qtbot, app, "a dog")
    choice.setCurrentIndex(0)
    draw(qtbot, app, "a rose")
    assert [each.painter for each in drawings(app)] == ["first", "second", "first"]
    assert choice.count() == 2
    assert [choice.itemText(row) for row in range(2)] == ["first", "second"]


def test_painters_are_told_apart_by_how_they_draw_or_else_by_their_names(qtbot: QtBot) -> None:
    bar, settings = DrawBar(), PaintSettings()
    qtbot.addWidget(bar)
    bar.add_painter(PainterInfo("one", "", 128, 8, settings))
    bar.add_painter(PainterInfo("two", "", 128, 8, settings, at_once=True))
    assert [bar.painter.itemText(row) for row in range(2)] == ["Cell by cell", "Out of noise"]
    bar.add_painter(PainterInfo("three", "", 512, 16, settings, at_once=True))
    assert [bar.painter.itemText(row) for row in range(3)] == ["Cell by cell", "two", "three"]


@pytest.mark.parametrize("way", ["opened", "added"])
def test_a_model_that_draws_alone_is_offered_where_it_was_to_answer(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter, way: str
) -> None:
    folders = [write_painter(tmp_path / name) for name in ("first", "second")]
    pipeline = tmp_path / "pipeline"
    pipeline.mkdir()
    (pipeline / "model_index.json").write_text("{}")
    make = fake_maker(painter)
    first, second = (partial(PaintEngine, each, make=make) for each in folders)
    makers = {pipeline: second}
    options = {
        "make_painters": [first],
        "paint_model": lambda at: makers.get(at, broken),
        "open_model": lambda path: engine_maker(path, None),
    }
    app = make_app(options=options)
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.window.actions_by_name["draw"].trigger()
    choice = app.window.prompt.draw_bar.painter
    if way == "opened":
        app.models.use(pipeline)
    else:
        app.models.list.add_folder(pipeline)
    qtbot.waitUntil(choice.isVisible)
    why, offered = notices(app)
    assert "holds a diffusers model, which makes pictures out of words" in why
    assert offered == "second draws from now on."
    assert choice.currentIndex() == 1
    draw(qtbot, app)
    assert [each.painter for each in drawings(app)] == ["second"]
    app.window.prompt.mode.choose(second=False)
    assert ask(qtbot, app, "What?").answer, "the model before still answers"


def test_a_second_painter_of_one_name_takes_its_place(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    """One that was deleted and downloaded again lies elsewhere."""
    folder, again = (write_painter(tmp_path / at / "tiny") for at in ("before", "again"))
    made: list[Path] = []

    def maker(at: Path) -> Callable[[], PaintEngine]:
        def make() -> PaintEngine:
            made.append(at)
            return PaintEngine(at, make=fake_maker(painter))

        return make

    app = make_app(options={"make_painters": [maker(folder)], "paint_model": maker})
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.painting.offer_painter(again)
    qtbot.waitUntil(lambda: bool(notices(app)))
    assert notices(app) == ["tiny draws from now on."]
    assert app.window.prompt.draw_bar.painter.count() == 1
    draw(qtbot, app)
    assert made[-1] == again


def test_of_a_painter_that_was_taught_anything_nothing_is_listed(
    qtbot: QtBot, painting: App
) -> None:
    edit = painting.window.prompt.edit
    assert "learnt flowers" in edit.placeholderText()
    painting.window.prompt.set_painter(PainterInfo("any", "", 512, 16, PaintSettings()))
    assert edit.placeholderText() == "What is to be drawn? Enter draws."


def test_a_model_that_should_draw_and_cannot_is_told(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    folder = write_painter(tmp_path / "first")
    (tmp_path / "model_index.json").write_text("{}")
    make = partial(PaintEngine, folder, make=fake_maker(painter))
    app = make_app(options={"make_painters": [make]})
    app.models.list.add_folder(tmp_path)
    qtbot.waitUntil(lambda: len(notices(app)) == 2)
    assert notices(app)[1].startswith("Pipelines of the kind None can't draw here.")
    assert app.window.prompt.draw_bar.painter.count() == 1


def broken() -> PaintEngine:
    return PaintEngine(Path("nowhere"))


def test_it_draws_while_the_camera_runs(qtbot: QtBot, painting: App) -> None:
    live, made = painting.chat.live, list[Synthetic]()

    def source(parent: QObject) -> Synthetic:
        made.append(Synthetic(parent))
        return made[0]

    live.start(source)
    made[0].show("#ff0000")
    qtbot.waitUntil(lambda: not painting.window.image.live.image.isNull())
    draw(qtbot, painting)
    current = painting.pictures.photos.current
    assert current.drawing is not None
    assert painting.window.image.view.isVisible()
    assert live.running
    assert not live.looking, "captions pause while something else is in view"
    made[0].show("#00ff00")
    live.go_on()
    assert painting.window.image.live.isVisible()
    assert not painting.window.image.card.isVisible()
    live.stop()
    assert painting.pictures.photos.current is current


def test_a_damaged_painter_leaves_asking_as_it_was(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app(options={"make_painters": [lambda: PaintEngine(tmp_path / "none")]})
    qtbot.waitUntil(lambda: app.threads.painter is not None and app.threads.painter.idle)
    assert not app.window.actions_by_name["draw"].isEnabled()
    assert len(ask(qtbot, app).steps) > 0


def test_a_painter_that_does_not_load_is_closed_and_tried_anew(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, painter: FakePainter
) -> None:
    folder, made = write_painter(tmp_path / "tiny"), list[Stubborn]()

    def make() -> PaintEngine:
        made.append(Stubborn(folder, make=fake_maker(painter)))
        return made[-1]

    app = make_app(options={"make_painters": [make]})
    qtbot.waitUntil(app.window.actions_by_name["draw"].isEnabled)
    app.window.actions_by_name["draw"].trigger()
    Stubborn.refuses = True
    app.painting.draw("a rose")
    qtbot.waitUntil(lambda: not app.painting.busy)
    assert notices(app) == ["It is too heavy."]
    assert made[-1].closed
    Stubborn.refuses = False
    draw(qtbot, app)
    assert len(drawings(app)) == 1


class Stubborn(PaintEngine):
    """Does not load while it `refuses`."""

    refuses = False
    closed = False

    def load(self, *given: Any) -> PainterInfo:
        if self.refuses:
            raise RuntimeFailure("It is too heavy.")
        return super().load(*given)

    def close(self) -> None:
        self.closed = True
        super().close()
