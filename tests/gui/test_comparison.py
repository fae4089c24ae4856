"""The fusions side by side on one photo."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, idle, notices
from tests.gui.conftest import MakeApp
from tests.gui.controls import controls, name_of
from tests.gui_fakes import ANSWER, THREE, FakeEngine, make_photo
from tests.not_none import not_none

TEXT = "".join(ANSWER)


def open_comparison(app: App) -> Comparison:
    """Of the photo in view, or of one that is added."""
    if app.pictures.photos.count == 0:
        app.pictures.photos.add(make_photo())
    app.window.actions_by_name["compare"].trigger()
    (comparison,) = app.window.findChildren(Comparison)
    return comparison


def wait_idle(qtbot: QtBot, comparison: Comparison) -> None:
    qtbot.waitUntil(lambda: not comparison.busy)


@pytest.fixture
def gated() -> FakeEngine:
    return FakeEngine(model=THREE, gated=True)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(model=THREE, certainty=0.1)


@pytest.fixture
def comparison(qtbot: QtBot, make_app: MakeApp, engine: FakeEngine) -> Comparison:
    """All answers written."""
    app = make_app(engine, smooth=False)
    comparison = open_comparison(app)
    wait_idle(qtbot, comparison)
    return comparison


def test_each_fusion_answers_the_same_question(comparison: Comparison, engine: FakeEngine) -> None:
    names = [fusion.name for fusion in THREE.fusions]
    assert [request.fusion for request in engine.requests] == names
    assert {request.messages[-1].text for request in engine.requests} == {"Describe this picture."}
    assert len({request.job_id for request in engine.requests}) == 3
    # No fusion finds the picture encoded already: the times compare.
    assert len({request.images[0].image_id for request in engine.requests}) == 3
    for column in comparison.columns:
        text = column.answer.toPlainText()
        assert text.splitlines()[0] == f"I'm not sure, perhaps: {TEXT}"
        assert "Not sure, 10 % · First word after 50 ms · 73 words a second" in text
        assert "Describe" not in text
    titles = [column.heading.text() for column in comparison.columns]
    assert titles == ["Graph", "Cross-attention", "Concatenation"]


def test_it_begins_with_the_question_at_hand(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(model=THREE)
    app = make_app(engine)
    app.pictures.photos.add(make_photo())
    ask(qtbot, app, "Asked?")
    comparison = open_comparison(app)
    assert comparison.edit.text() == "Asked?"
    wait_idle(qtbot, comparison)
    comparison.close()
    qtbot.waitUntil(lambda: not app.window.findChildren(Comparison))
    app.window.prompt.edit.setPlainText(" Typed\nnow? ")
    assert open_comparison(app).edit.text() == "Typed now?"
    assert [turn.question for turn in app.chat.controller.conversation.turns] == ["Asked?"]


def test_without_a_picture_it_says_what_to_do(make_app: MakeApp) -> None:
    app = make_app(FakeEngine(model=THREE))
    app.window.actions_by_name["compare"].trigger()
    assert app.window.findChildren(Comparison) == []
    assert "no picture" in notices(app)[0]


def test_answers_come_word_by_word_one_fusion_after_the_other(
    qtbot: QtBot, make_app: MakeApp, gated: FakeEngine
) -> None:
    app = make_app(gated)
    comparison = open_comparison(app)
    first, second, third = (column.answer for column in comparison.columns)
    assert first.placeholderText() == "Looking at the picture…"
    assert third.placeholderText() == "Waits for its turn…"
    gated.release(2)
    qtbot.waitUntil(lambda: first.toPlainText() == "A red")
    assert second.toPlainText() == ""
    gated.release(len(ANSWER) - 1)
    qtbot.waitUntil(lambda: second.toPlainText() == "A")
    assert first.toPlainText().startswith(TEXT)
    gated.release(2 * len(ANSWER))
    wait_idle(qtbot, comparison)
    assert third.toPlainText().startswith(TEXT)


def test_escape_stops_all_of_them_and_then_closes(
    qtbot: QtBot, make_app: MakeApp, gated: FakeEngine
) -> None:
    app = make_app(gated)
    comparison = open_comparison(app)
    gated.release(2)
    qtbot.waitUntil(lambda: comparison.columns[0].answer.toPlainText() == "A red")
    qtbot.keyClick(comparison.columns[1].answer, Qt.Key.Key_Escape)
    wait_idle(qtbot, comparison)
    for column in comparison.columns:
        assert "Stopped." in column.answer.toPlainText()
    assert len(gated.requests) == 1
    assert comparison.isVisible()
    qtbot.keyClick(comparison.columns[0].picture.view, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not app.window.findChildren(Comparison))


def test_a_new_question_drops_the_old_answers(
    qtbot: QtBot, make_app: MakeApp, gated: FakeEngine
) -> None:
    app = make_app(gated)
    comparison = open_comparison(app)
    gated.release()
    qtbot.waitUntil(lambda: comparison.columns[0].answer.toPlainText() == "A")
    comparison.edit.setText("Other?")
    qtbot.keyClick(comparison.edit, Qt.Key.Key_Return)
    assert comparison.columns[0].answer.toPlainText() == ""
    gated.release(3 * len(ANSWER))
    wait_idle(qtbot, comparison)
    assert [request.messages[-1].text for request in gated.requests[-3:]] == ["Other?"] * 3
    assert len(gated.requests) == 4
    assert all(column.answer.toPlainText().startswith(TEXT) for column in comparison.columns)


def test_an_empty_question_is_not_asked(comparison: Comparison, engine: FakeEngine) -> None:
    comparison.edit.setText("  ")
    comparison.ask_button.click()
    assert not comparison.busy
    assert len(engine.requests) == 3


def test_a_fusion_that_fails_says_why_and_the_others_answer(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    class Broken(FakeEngine):
        def generate(self, request, cancel, on_step):  # type: ignore[no-untyped-def]
            self.fail_after = 1 if request.fusion == "graph" else None
            return super().generate(request, cancel, on_step)

    app = make_app(Broken(model=THREE, error=RuntimeFailure("It broke.", "Ask again.")))
    comparison = open_comparison(app)
    wait_idle(qtbot, comparison)
    assert "It broke. Ask again." in comparison.columns[0].answer.toPlainText()
    assert comparison.columns[1].answer.toPlainText().startswith(TEXT)


def test_arrow_keys_walk_the_words_and_move_that_heatmap(
    qtbot: QtBot, comparison: Comparison
) -> None:
    column = comparison.columns[1]
    qtbot.keyClick(column.answer, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: "“A”" in column.picture.caption.text())
    qtbot.keyClick(column.answer, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: "“red”" in column.picture.caption.text())
    assert "nothing" in column.picture.shares.text()
    assert "the rest" in comparison.columns[2].picture.shares.text()


def test_the_whole_answer_is_for_all_columns(qtbot: QtBot, comparison: Comparison) -> None:
    comparison.switch.second.click()

    def captions() -> set[str]:
        return {column.picture.caption.text() for column in comparison.columns}

    qtbot.waitUntil(lambda: captions() == {"The whole answer"})
    qtbot.keyClick(comparison.columns[0].answer, Qt.Key.Key_Home)
    assert comparison.switch.first.isChecked()
    assert not any(column.picture.whole for column in comparison.columns)


def test_the_photos_show_the_same_part(comparison: Comparison) -> None:
    comparison.columns[0].picture.view.zoom_in()
    assert len({column.picture.view.zoom for column in comparison.columns}) == 1
    assert comparison.columns[2].picture.view.zoom > 1


def test_only_the_graph_has_edges_and_they_begin_where_the_word_looked(
    qtbot: QtBot, comparison: Comparison
) -> None:
    assert [column.graph is not None for column in comparison.columns] == [True, False, False]
    column = comparison.columns[0]
    graph = not_none(column.graph)
    qtbot.keyClick(column.answer, Qt.Key.Key_Home)
    qtbot.keyClick(column.answer, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: "“red”" in column.picture.caption.text())
    assert graph.strongest() == []
    column.graph_box.click()
    qtbot.waitUntil(lambda: graph.edges is not None)
    assert graph.cell == 1
    assert graph.strongest() == [(2, 1.0), (3, 0.5)]
    column.graph_box.click()
    assert graph.strongest() == []


def test_a_click_or_an_arrow_key_chooses_the_cell(qtbot: QtBot, comparison: Comparison) -> None:
    column = comparison.columns[0]
    graph = not_none(column.graph)
    column.graph_box.click()
    qtbot.waitUntil(lambda: graph.edges is not None)
    rect = graph.photo_rect()
    point = QPoint(int(rect.left() + rect.width() * 0.4), int(rect.top() + rect.height() * 0.6))
    qtbot.mouseClick(graph, Qt.MouseButton.LeftButton, pos=point)
    assert graph.cell == 2 * 4 + 1
    for key, cell in (
        (Qt.Key.Key_Right, 10),
        (Qt.Key.Key_Up, 6),
        (Qt.Key.Key_Left, 5),
        (Qt.Key.Key_Down, 9),
        (Qt.Key.Key_Down, 13),
        (Qt.Key.Key_Down, 13),
    ):
        qtbot.keyClick(graph, key)
        assert graph.cell == cell
    assert graph.toolTip().startswith("Cell in row 4, column 2; it read most from row 4, column 3")


def test_the_edges_are_painted_over_the_photo(qtbot: QtBot, comparison: Comparison) -> None:
    column = comparison.columns[0]
    graph = not_none(column.graph)
    column.graph_box.click()
    qtbot.waitUntil(lambda: graph.edges is not None)
    graph.choose_cell(0)
    with_edges = graph.grab().toImage()
    graph.set_edges(None)
    without = graph.grab().toImage()
    rect = graph.photo_rect()
    y = round(rect.top() + rect.height() / 8)  # the middle of the first row of cells
    differ = [
        with_edges.pixel(x, y) != without.pixel(x, y)
        for x in np.linspace(rect.left() + 2, rect.right() - 3, 64).astype(int).tolist()
    ]
    assert np.mean(differ[16:36]) > 0.9  # from the first cell's border to the third's middle
    assert not any(differ[48:])


def test_every_control_has_a_name_and_tab_reaches_it(comparison: Comparison) -> None:
    found = controls(comparison)
    assert [widget for widget in found if not name_of(widget)] == []
    shown = {widget for widget in found if widget.isVisible() and widget.isEnabled()}
    shown.discard(comparison.switch.second)
    widget, visited = not_none(comparison.edit.nextInFocusChain()), set()
    for _ in range(300):
        visited.add(widget)
        widget = not_none(widget.nextInFocusChain())
    assert shown <= visited
    assert all(widget.focusPolicy() & Qt.FocusPolicy.TabFocus for widget in shown)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("size", [(900, 660), (1280, 720), (1920, 1080)])
def test_it_fits_over_the_window(
    qtbot: QtBot, make_app: MakeApp, language: str, size: tuple[int, int]
) -> None:
    app = make_app(FakeEngine(model=THREE, certainty=0.1), language=language)
    app.window.resize(*size)
    comparison = open_comparison(app)
    wait_idle(qtbot, comparison)
    assert comparison.width() <= size[0]
    assert comparison.height() <= size[1]
    assert len({column.width() for column in comparison.columns}) <= 2  # but for a pixel
    for widget in controls(comparison):
        if isinstance(widget, QAbstractButton) and widget.isVisible() and widget.text():
            assert widget.width() >= widget.minimumSizeHint().width(), widget.text()
    for column in comparison.columns:
        assert column.picture.view.photo_rect().height() >= 100


def test_nothing_of_a_closed_comparison_stays(
    qtbot: QtBot, make_app: MakeApp, gated: FakeEngine
) -> None:
    app = make_app(gated)
    comparison = open_comparison(app)
    gated.release(2)
    qtbot.waitUntil(lambda: comparison.columns[0].answer.toPlainText() == "A red")
    gone: list[object] = []
    for column in comparison.columns:
        column.heatmaps.destroyed.connect(lambda: gone.append(True))
    comparison.close()  # answers stop, the window goes
    qtbot.waitUntil(lambda: len(gone) == 3)
    app.theme.choose("dark")
    app.chat.controller.ask("What?")
    gated.release(len(ANSWER))
    idle(qtbot, app)
    assert [turn.answer for turn in app.chat.controller.conversation.turns] == [TEXT]


def test_closing_the_app_in_mid_comparison_ends_all_threads(
    qtbot: QtBot, make_app: MakeApp, gated: FakeEngine
) -> None:
    app = make_app(gated)
    comparison = open_comparison(app)
    gated.release()
    qtbot.waitUntil(lambda: comparison.columns[0].answer.toPlainText() == "A")
    app.window.close()
    assert app.ended_in_time
    assert gated.closed
