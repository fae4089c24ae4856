from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage
from pytestqt.qtbot import QtBot

from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import AttentionMap
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.heatmap.formula import FormulaDialog
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid, InspectedWord
from mmgpt_desktop.ui.heatmap.heatmap_pane import METHODS
from mmgpt_desktop.ui.heatmap.heatmap_view import HeadSelection
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import TaskThread
from tests.gui.answers import ask_about_photo
from tests.gui.conftest import MakeApp
from tests.gui_fakes import FakeEngine, attention_map, make_photo
from tests.not_none import not_none

STYLE = MapStyle("viridis", smooth=False)


def word_with_heads(layers: int, heads: int, *, best: tuple[int, int]) -> InspectedWord:
    """One head looks at cell 5 alone, the others at all cells alike."""
    shown = make_photo()
    grid = attention_map(shown, 0).grid
    weights = np.full((layers, heads, grid.cells), 0.01, np.float16)
    weights[best] = 0
    weights[best][5] = 0.5
    needed = np.zeros((grid.rows, grid.columns), np.float32)
    needed[1, 1] = 2
    return InspectedWord("ball", (AttentionMap(weights, grid),), shown, STYLE, needed)


def open_grid(qtbot: QtBot, word: InspectedWord) -> tuple[HeadGrid, TaskThread]:
    thread = TaskThread("small maps")
    grid = HeadGrid(word, thread)
    grid.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(grid)
    return grid, thread


def end(thread: TaskThread) -> None:
    thread.begin_close()
    assert thread.end_close()


def test_the_head_that_agrees_most_is_first(qtbot: QtBot) -> None:
    grid, _ = open_grid(qtbot, word_with_heads(3, 4, best=(2, 1)))
    assert grid.model.rowCount() == 12
    assert grid.model.head(0) == (2, 1)
    assert grid.model.data(grid.model.index(0)) == "Layer 3, head 2: 100 %"
    grid.order.setCurrentIndex(grid.order.findData("concentration"))
    assert grid.model.head(0) == (2, 1)
    grid.order.setCurrentIndex(grid.order.findData(""))
    assert [grid.model.head(row) for row in range(5)] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    assert grid.model.data(grid.model.index(0)) == "Layer 1, head 1"


def test_only_what_is_seen_is_drawn(qtbot: QtBot) -> None:
    grid, thread = open_grid(qtbot, word_with_heads(24, 16, best=(20, 1)))
    thread.start()
    grid.resize(700, 400)
    grid.show()
    qtbot.waitUntil(lambda: grid.model.drawn > 0)
    role = Qt.ItemDataRole.DecorationRole
    first = grid.model.index(0)

    def image() -> QImage:
        picture: QIcon = grid.model.data(first, role)
        return picture.pixmap(QSize(128, 96)).toImage()

    qtbot.waitUntil(lambda: image().pixelColor(40, 36).alpha() > 0)
    assert grid.model.drawn < 24 * 16 / 4
    bright, dark = (image().pixelColor(x, 36) for x in (48, 100))
    assert bright.green() > dark.green() + 40
    end(thread)


def test_a_head_of_the_wall_is_shown_in_the_heatmap(qtbot: QtBot, app: App) -> None:
    ask_about_photo(qtbot, app)
    app.window.heatmap.method.setCurrentIndex(METHODS.index(Method.OCCLUSION))
    app.window.heatmap.grid_button.click()
    grid = app.window.findChildren(HeadGrid)[0]
    grid.order.setCurrentIndex(grid.order.findData(""))
    grid.list.setCurrentIndex(grid.model.index(4))
    grid.show_button.click()
    assert app.window.heatmap.selection == HeadSelection(False, 1, 1)
    assert app.window.heatmap.picture.method is Method.HEADS
    grid.close()


def test_no_label_of_the_wall_is_cut(qtbot: QtBot) -> None:
    grid, _ = open_grid(qtbot, word_with_heads(12, 12, best=(11, 11)))
    for at in range(grid.order.count()):
        grid.order.setCurrentIndex(at)
        for row in range(grid.model.rowCount()):
            index = grid.model.index(row)
            label = grid.model.data(index)
            width = grid.list.fontMetrics().horizontalAdvance(label)
            assert width < grid.list.visualRect(index).width() - 8


def test_without_an_answer_the_wall_says_what_to_do(app: App) -> None:
    app.window.actions_by_name["heads"].trigger()
    app.window.actions_by_name["formula"].trigger()
    (notice,) = app.window.notices.current()
    assert notice.title.text() == "There is no word to look inside the model for."


def formula(app: App) -> FormulaDialog:
    return app.window.findChildren(FormulaDialog)[0]


def test_the_formula_is_worked_with_the_numbers(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    app.heatmap.heatmaps.choose(turn, 2)
    app.window.actions_by_name["formula"].trigger()
    page = formula(app)
    qtbot.waitUntil(lambda: page.table.rowCount() == 4)
    assert engine.numbers_asked == [(2, 0, 1)]
    assert "“ball”, layer 1, head 2" in page.what.text()
    assert page.query.text() == "q = (1.00, 1.00, 1.00, 1.00), 4 numbers; √d = 2.00"
    rows = [[not_none(page.table.item(row, c)).text() for c in range(6)] for row in range(4)]
    four = "(2.00, 2.00, 2.00, 2.00)"
    assert rows[0] == [
        "row 2, column 2", four, "4.00", "54.60", "75.0 %", "(1.00, 1.00, 1.00, 1.00)"
    ]  # fmt: skip
    assert rows[2][4] == "5.0 %"
    assert rows[3][:5] == ["together", "", "", "72.80", "100 %"]
    assert "q·k = 8.00, divided by 2.00 is 4.00. exp(4.00) = 54.60" in page.worked.text()
    page.close()
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))


def test_numbers_that_can_not_be_had_are_told(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_error=RuntimeFailure("PyTorch is not here.", "Install it."))
    app = make_app(engine)
    ask_about_photo(qtbot, app)
    app.window.actions_by_name["formula"].trigger()
    page = formula(app)
    qtbot.waitUntil(lambda: page.worked.text() == "PyTorch is not here. Install it.")
    assert page.table.isHidden()
    page.close()


def test_a_page_closed_early_lets_explaining_go_on(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    app.window.actions_by_name["formula"].trigger()
    formula(app).close()
    engine.explain_gate.release(1000)
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))
