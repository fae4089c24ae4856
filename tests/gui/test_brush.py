from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from mmgpt_desktop.attention.maps import scale_of
from mmgpt_desktop.conversation import Turn, WordCheck
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import Box, CellMaps, Check, PatchGrid, TokenStep
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.heatmap.brush import needs
from mmgpt_desktop.ui.widgets import notices
from mmgpt_desktop.ui.widgets.cell_view import CellView
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.widgets.undo import MOST_STEPS
from mmgpt_desktop.ui.window.app import App
from tests.fakes import whole_grid
from tests.gui.answers import ask_about_photo
from tests.gui.conftest import MakeApp
from tests.gui_fakes import FakeEngine, make_photo
from tests.records import asked

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> CellView:
    view = CellView(Theme(qapp, "light"))
    qtbot.addWidget(view)
    view.resize(400, 400)
    view.set_photo(make_photo(100, 100))
    view.set_cells(whole_grid(4, 4, 100, 100), lambda cell: f"cell {cell}")
    view.show()
    return view


def cell_point(view: CellView, cell: int) -> QPoint:
    row, column = divmod(cell, 4)
    rect = view.photo_rect()
    x, y = (column + 0.5) / 4 * rect.width(), (row + 0.5) / 4 * rect.height()
    return (rect.topLeft() + QPointF(x, y)).toPoint()


def drag(qtbot: QtBot, view: CellView, *cells: int) -> None:
    qtbot.mousePress(view, LEFT, pos=cell_point(view, cells[0]))
    for cell in cells[1:]:
        qtbot.mouseMove(view, cell_point(view, cell))
    qtbot.mouseRelease(view, LEFT, pos=cell_point(view, cells[-1]))


def cells_of(app: App) -> CellView:
    view = app.window.heatmap.picture.view
    assert isinstance(view, CellView)
    return view


def lit(app: App) -> list[str]:
    """What is highlighted in the answer, the chosen word left out."""
    view = app.window.output.view
    accent = app.theme.colour("accent").rgb()
    return [
        each.cursor.selectedText()
        for each in view.extraSelections()
        if each.format.background().color().rgb() != accent
    ]


def test_dragging_brushes_the_cells_under_the_pointer(qtbot: QtBot, view: CellView) -> None:
    drag(qtbot, view, 5, 6, 10)
    assert view.cells == {5, 6, 10}
    drag(qtbot, view, 0)
    assert view.cells == {0}
    drag(qtbot, view, 0)
    assert view.cells == frozenset()


def test_zoomed_in_it_takes_shift(qtbot: QtBot, view: CellView) -> None:
    view.set_view(2.0, QPointF(0.5, 0.5))
    drag(qtbot, view, 5, 6)
    assert view.cells == frozenset()
    qtbot.mousePress(view, LEFT, Qt.KeyboardModifier.ShiftModifier, QPoint(200, 200))
    qtbot.mouseRelease(view, LEFT, Qt.KeyboardModifier.ShiftModifier, QPoint(200, 200))
    assert len(view.cells) == 1


def test_the_arrow_keys_move_a_brush_of_one_cell(qtbot: QtBot, view: CellView) -> None:
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Right):
        qtbot.keyClick(view, key)
    assert view.cells == {7}
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert view.cells == frozenset()


def test_the_brush_is_seen(qtbot: QtBot, view: CellView) -> None:
    plain = view.grab().toImage()
    drag(qtbot, view, 5)
    assert view.grab().toImage() != plain


def test_a_tooltip_tells_the_cell(view: CellView) -> None:
    point = cell_point(view, 6)
    event = QHelpEvent(QEvent.Type.ToolTip, point, view.mapToGlobal(point))
    QApplication.sendEvent(view, event)
    assert QToolTip.text() == "cell 6"
    QToolTip.hideText()


def turn_that_needed(*costs: list[float]) -> Turn:
    """A word for each list: what hiding each of two by two cells costs it."""
    turn = asked()
    for place in range(len(costs)):
        turn.add_step(TokenStep(1, place, place, f" w{place}", 0.9))
    weights = np.array(costs, np.float32).reshape(-1, 2, 2)
    grid = whole_grid(2, 2, 10, 10)
    turn.take(Method.OCCLUSION, CellMaps(Method.OCCLUSION, weights, grid))
    return turn


def test_only_words_that_needed_the_place_most_light_up() -> None:
    nan = float("nan")
    turn = turn_that_needed(
        [2.0, 0.1, 0.1, 0.1],  # the place
        [1.5, 2.0, 0.1, 0.1],  # the place too
        [0.5, 2.0, 0.1, 0.1],  # rather another place
        [0.05, 0.0, 0.0, 0.0],  # nothing that counts
        [-3.0, nan, nan, nan],  # likelier without it
    )
    assert needs(turn, frozenset({0})) == {0: 1.0, 1: 0.75}
    assert needs(turn, frozenset({0, 1})) == {0: 1.0, 1: 1.0, 2: 1.0}
    assert needs(turn, frozenset({3})) == {}
    assert needs(asked(), frozenset({3})) is None


def test_where_a_map_is_brightest_its_word_lights_up() -> None:
    for most in (0.1, 0.15, 0.2, 3.0):  # below and above what counts as a need
        turn = turn_that_needed([0.0, most, 0.0, 0.0], [0.0, 0.0, 0.0, 9.0])
        maps = turn.found(Method.OCCLUSION)
        assert isinstance(maps, CellMaps)
        scale = scale_of(Method.OCCLUSION, maps.weights[0])
        assert scale is not None
        assert most / scale[1] >= 0.5, "half as bright as can be, or more"
        assert set(needs(turn, frozenset({1})) or {}) == {0}


def test_the_brush_agrees_with_the_check() -> None:
    turn = turn_that_needed([0.0, 0.01, 0.002, 0.0])
    assert needs(turn, frozenset({1})) == {}
    for hidden, lit_then in ((0.1, {0}), (0.5, {0}), (0.78, set())):
        check = Check(Method.OCCLUSION, 0, 1, 0.8, hidden, (0.79,), 0.7, 0.05)
        turn.checks = (WordCheck(check, 0),)
        assert set(needs(turn, frozenset({1})) or {}) == lit_then
        assert needs(turn, frozenset({2})) == {}


def test_where_the_whole_answers_map_is_brightest_a_word_lights_up() -> None:
    turn = turn_that_needed(
        [0.9, 2.0, 0.0, 0.0], [0.9, 0.0, 2.0, 0.0], [0.9, 0.0, 0.0, 2.0], [0.1, 0.0, 0.0, 2.0]
    )
    assert needs(turn, frozenset({0})) == {}
    assert needs(turn, frozenset({0}), whole=True) == {0: 1.0, 1: 1.0, 2: 1.0}
    assert needs(turn, frozenset({1}), whole=True) == {0: 1.0}


@pytest.mark.parametrize(
    "way", ["escape", "escape in the answer", "escape in the question", "beside", "word", "whole"]
)
def test_the_brush_goes(qtbot: QtBot, app: App, way: str) -> None:
    turn = ask_about_photo(qtbot, app)
    explainer = app.heatmap.explainer
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION) and not explainer.busy)
    picture, window = app.window.heatmap.picture, app.window
    qtbot.waitUntil(lambda: picture.view.layer is not None)
    drag(qtbot, cells_of(app), 1, 2)
    app.heatmap.heatmaps.hover(turn, 0)  # to point at a word is not to choose it
    app.heatmap.heatmaps.hover(None, 0)
    assert lit(app) == ["red", "ball"]
    if way == "escape":
        qtbot.keyClick(picture.view, Qt.Key.Key_Escape)
    elif way == "escape in the answer":
        qtbot.keyClick(window.output.view, Qt.Key.Key_Escape)
    elif way == "escape in the question":
        qtbot.keyClick(window.prompt.edit, Qt.Key.Key_Escape)
    elif way == "beside":
        qtbot.mouseClick(picture.caption, LEFT)
    elif way == "word":
        app.heatmap.heatmaps.choose(turn, 0)
    else:
        window.heatmap.switch.second.click()
    assert cells_of(app).cells == frozenset()
    assert lit(app) == []
    assert "without this place" not in picture.caption.text()


def test_a_letterboxs_bars_are_beside_the_photo(qtbot: QtBot, view: CellView) -> None:
    view.set_photo(make_photo(100, 50))
    view.set_cells(PatchGrid(4, 4, Box(0, -25, 100, 75), 100, 50))
    middle = QPoint(200, 200)
    qtbot.mouseClick(view, LEFT, pos=middle)
    assert view.cells
    above = view.photo_rect().topLeft().toPoint() + QPoint(200, -20)
    qtbot.mouseClick(view, LEFT, pos=above)
    assert view.cells == frozenset()


def test_words_that_needed_the_brushed_place_light_up(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))
    qtbot.waitUntil(lambda: app.window.heatmap.picture.view.layer is not None)
    drag(qtbot, cells_of(app), 1, 2)
    assert lit(app) == ["red", "ball"]
    caption = app.window.heatmap.picture.caption
    assert caption.text() == "Less sure without this place: “red”, “ball”"
    drag(qtbot, cells_of(app), 15)
    assert lit(app) == []
    assert caption.text() == "No word needs this place more than others."
    drag(qtbot, cells_of(app), 15)
    assert caption.text().startswith("“corner”")


def test_the_brush_says_when_nothing_is_measured_yet(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: app.window.heatmap.picture.view.layer is not None)
    drag(qtbot, cells_of(app), 1)
    caption = app.window.heatmap.picture.caption
    assert caption.text() == "What the words needed is not measured yet."
    assert lit(app) == []
    engine.explain_gate.release(2)
    qtbot.waitUntil(lambda: caption.text().endswith("“red” · still being measured"))
    engine.explain_gate.release(100)
    qtbot.waitUntil(lambda: caption.text() == "Less sure without this place: “red”")
    assert lit(app) == ["red"]
    assert turn.is_measured(Method.OCCLUSION)


def test_the_brush_says_why_it_can_not_be_measured(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(explain_error=RuntimeFailure("It is too old.", "Export it anew.")))
    turn = ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: Method.OCCLUSION in turn.failed)
    qtbot.waitUntil(lambda: app.window.heatmap.picture.view.layer is not None)
    drag(qtbot, cells_of(app), 1)
    assert app.window.heatmap.picture.caption.text() == "It is too old."


def test_a_cells_tooltip_has_its_value_and_rank(qtbot: QtBot, app: App) -> None:
    ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: app.window.heatmap.picture.view.layer is not None)
    view = cells_of(app)
    point = cell_point(view, 5)
    tip = QHelpEvent(QEvent.Type.ToolTip, point, view.mapToGlobal(point))
    QApplication.sendEvent(view, tip)
    first = QToolTip.text().splitlines()[0]
    assert first == "Row 2, column 2: 25.0 % (how much of its look); brightest 1 of 16"


def test_what_undo_forgot_is_gone_from_memory(
    qtbot: QtBot, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen, brushed, drawn and checked: nothing of a photo's answers stays behind."""
    monkeypatch.setattr(notices, "UNDO_MS", 1)
    engine = FakeEngine()
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    app.heatmap.heatmaps.choose(turn, 1)
    app.heatmap.brush.take(frozenset({2}))
    qtbot.waitUntil(lambda: bool(lit(app)) and not app.heatmap.explainer.busy)
    kept = weakref.ref(turn), weakref.ref(engine.requests[0].images[0])
    app.pictures.photos.remove()
    for _ in range(MOST_STEPS):
        app.window.undo.offer("Something else.", lambda: None)
    engine.requests.clear()
    del turn

    def gone() -> bool:
        gc.collect()
        return [each() for each in kept] == [None, None]

    qtbot.waitUntil(gone)
