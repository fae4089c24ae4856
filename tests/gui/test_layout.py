"""The window on small screens: nothing is out of reach, and nothing is lost on the way there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMargins, QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.session.recent import RecentSession
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.formula import FormulaDialog
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid
from mmgpt_desktop.ui.pictures.samples_dialog import SamplesDialog
from mmgpt_desktop.ui.widgets.fitting import ScrollArea
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog
from mmgpt_desktop.ui.window.main_window import MainWindow
from tests.gui.answers import idle
from tests.gui.conftest import MakeApp
from tests.gui.controls import controls, opened
from tests.gui_fakes import THREE, FakeEngine
from tests.not_none import not_none

SMALL = [(1024, 563), (960, 500), (640, 440)]  # screens of 1024x600, 960x540, 640x480, less a frame
CONTROL = Qt.KeyboardModifier.ControlModifier


def seen(widget: QWidget) -> QRect:
    """The part of a widget that neither its parents nor the window cut off."""
    window, part = widget.window(), widget
    place = QRect(widget.mapTo(window, QPoint()), widget.size())
    while part is not window:
        part = not_none(part.parentWidget())
        place &= QRect(part.mapTo(window, QPoint()), part.size())
    return place


def can_be_seen(window: MainWindow, control: QWidget) -> bool:
    """All of it, or as much as fits of what is larger than the room; of a text its cursor."""
    window.panes.ensureWidgetVisible(control, 0, 0)
    part, room = seen(control).size(), window.panes.viewport().size()
    if isinstance(control, QTextEdit | QPlainTextEdit):
        return part.width() == control.width() and part.height() >= 40
    return part == control.size().boundedTo(room)


def go(qtbot: QtBot, app: App, number: int) -> None:
    app.window.activateWindow()
    qtbot.waitUntil(app.window.isActiveWindow)  # keys of the menus are for such a one
    qtbot.keyClick(app.window, Qt.Key(int(Qt.Key.Key_0) + number), CONTROL)


@pytest.mark.parametrize("size", SMALL)
@pytest.mark.parametrize("trouble", [False, True])
def test_no_control_is_out_of_reach_on_a_small_screen(
    qtbot: QtBot, full: App, size: tuple[int, int], trouble: bool
) -> None:
    window = full.window
    if trouble:
        window.notices.tell("It broke. " * 20, "Try again. " * 20, problem=True)
        window.prompt.edit.setPlainText("Why is that so? " * 100)
    window.resize(*size)
    assert (window.width(), window.height()) == size
    panes = (window.image, window.prompt, window.heatmap, window.output)
    for number, pane in zip((1, 2, 4, 3), panes, strict=True):
        go(qtbot, full, number)
        wanted = [each for each in controls(pane) if each.isVisible()]
        assert len(wanted) > 4
        for control in wanted:
            qtbot.waitUntil(lambda: can_be_seen(window, control))  # noqa: B023


@pytest.mark.parametrize("size", [*SMALL, (1280, 720)])
def test_ctrl_numbers_bring_a_pane_in_view_and_the_focus_to_it(
    qtbot: QtBot, full: App, size: tuple[int, int]
) -> None:
    window = full.window
    window.resize(*size)
    places = (
        window.image.view,
        window.prompt.edit,
        window.output.view,
        window.heatmap.picture.view,
    )
    for number, place in enumerate(places, start=1):
        go(qtbot, full, number)
        assert window.focusWidget() is place
        assert place.isVisible()
        qtbot.waitUntil(lambda: min(seen(place).size().toTuple()) >= 40)  # noqa: B023


@pytest.mark.parametrize("size", SMALL)
def test_one_can_ask_by_keyboard_and_by_mouse(
    qtbot: QtBot, full: App, size: tuple[int, int]
) -> None:
    window = full.window
    window.resize(*size)
    turns = full.chat.controller.conversation.turns
    go(qtbot, full, 2)
    qtbot.keyClicks(window.prompt.edit, "By keyboard?")
    qtbot.keyClick(window.prompt.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(turns) == 2 and not full.chat.controller.busy)
    qtbot.keyClicks(window.prompt.edit, "By mouse?")
    button = window.prompt.ask_button
    qtbot.waitUntil(lambda: seen(button).size() == button.size())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(turns) == 3 and not full.chat.controller.busy)
    assert window.output.view.isVisible()


def test_all_panes_are_in_view_from_a_small_laptop_on(full: App) -> None:
    window = full.window
    panes = (window.image, window.prompt, window.heatmap, window.output)
    window.resize(1024, 563)
    assert all(pane.isVisible() for pane in panes)
    window.resize(640, 440)
    assert not all(pane.isVisible() for pane in panes)


def test_a_window_that_is_made_smaller_keeps_focus_and_state(qtbot: QtBot, full: App) -> None:
    window = full.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.resize(1280, 720)
    window.splitters[1].setSizes([200, 400])
    divided = window.splitters[1].sizes()
    view = window.heatmap.picture.view
    view.setFocus()
    window.prompt.edit.setPlainText("Half a question")
    chosen = full.heatmap.heatmaps.chosen
    for size in (*SMALL, *reversed(SMALL), (1280, 720)):
        window.resize(*size)
        assert window.focusWidget() is view
        assert view.isVisible()
    assert window.prompt.edit.toPlainText() == "Half a question"
    assert full.heatmap.heatmaps.chosen == chosen
    qtbot.waitUntil(lambda: window.splitters[1].sizes() == divided)


def test_a_small_window_forgets_nothing_of_a_large_ones_layout(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    app = make_app()
    app.window.splitters[1].setSizes([150, 420])
    above, below = app.window.splitters[1].sizes()
    app.window.resize(640, 440)
    app.window.close()
    again = make_app().window
    again.resize(1280, 720)

    def as_before() -> bool:
        heatmap, answer = again.splitters[1].sizes()
        return bool(heatmap / answer == pytest.approx(above / below, abs=0.05))

    qtbot.waitUntil(as_before)


def test_the_map_of_a_chosen_word_comes_to_the_front(qtbot: QtBot, full: App) -> None:
    window = full.window
    window.resize(960, 500)
    go(qtbot, full, 1)
    assert window.image.view.isVisible()
    go(qtbot, full, 3)
    qtbot.keyClick(window.output.view, Qt.Key.Key_Left)
    assert window.heatmap.picture.view.isVisible()
    assert window.focusWidget() is window.output.view


def test_the_focus_stays_with_the_tabs_when_its_pane_is_left_by_mouse(
    qtbot: QtBot, full: App
) -> None:
    window = full.window
    window.resize(640, 440)
    window.notices.tell("It broke.", problem=True)
    go(qtbot, full, 2)
    tabs = window.panes.tabs
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(2).center())
    assert window.heatmap.picture.view.isVisible()
    assert window.focusWidget() is tabs
    qtbot.keyClick(tabs, Qt.Key.Key_Left)
    assert window.prompt.edit.isVisible()
    assert window.focusWidget() is tabs


def test_the_tour_shows_each_pane_of_a_small_window(full: App) -> None:
    full.window.resize(640, 440)
    full.window.tour.begin()
    panes = (full.window.image, full.window.prompt, full.window.output, full.window.heatmap)
    for step, pane in enumerate(panes):
        full.window.tour.go(step)
        assert pane.isVisible()
        assert full.window.rect().contains(full.window.tour.geometry())


def test_a_window_of_a_large_screen_is_brought_onto_a_small_one(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    app = make_app()
    app.window.setGeometry(2500, 1200, 3000, 1800)
    app.window.close()
    again = make_app().window
    screen = QGuiApplication.primaryScreen().availableGeometry()
    frame = QMargins(8, 40, 8, 8)
    assert screen.marginsAdded(frame).contains(again.geometry())
    assert screen.size().width() >= again.width()
    assert screen.size().height() >= again.height()


def test_a_new_window_is_no_larger_than_the_screen(qtbot: QtBot, app: App) -> None:
    app.window.resize(5000, 4000)
    app.window.fit_screen()
    room = app.window.screen().availableGeometry()
    assert app.window.width() <= room.width()
    assert app.window.height() <= room.height()


def edit_height(window: MainWindow, text: str) -> int:
    window.prompt.edit.setPlainText(text)
    return window.prompt.edit.height()


@pytest.mark.parametrize("size", [(1920, 1080), (960, 500)])
def test_the_question_box_grows_with_its_text_up_to_a_limit(
    qtbot: QtBot, full: App, size: tuple[int, int]
) -> None:
    window = full.window
    window.resize(*size)
    go(qtbot, full, 2)
    empty = edit_height(window, "")
    two, three = edit_height(window, "a\nb"), edit_height(window, "a\nb\nc")
    many, more = edit_height(window, "a\n" * 30), edit_height(window, "word " * 3000)
    assert empty == two < three <= many == more
    assert window.prompt.edit.verticalScrollBar().isVisible()
    button = window.prompt.ask_button
    qtbot.waitUntil(lambda: seen(button).size() == button.size())
    assert edit_height(window, "") == empty


def test_a_line_that_wraps_makes_the_question_box_grow_too(qtbot: QtBot, full: App) -> None:
    window = full.window
    window.resize(1920, 1080)
    assert edit_height(window, "word " * 120) > edit_height(window, "")


def test_the_answer_has_the_room_on_a_large_screen(full: App) -> None:
    window = full.window
    window.resize(1920, 1080)
    assert window.output.height() > 2 * window.prompt.height()
    assert window.output.view.height() >= 9 * window.output.view.fontMetrics().lineSpacing()


@pytest.mark.parametrize("size", SMALL)
def test_the_newest_line_of_a_long_answer_stays_in_sight(
    qtbot: QtBot, make_app: MakeApp, size: tuple[int, int]
) -> None:
    engine = FakeEngine(gated=True, answer=tuple(f" word{number}" for number in range(80)))
    app = make_app(engine)
    app.window.resize(*size)
    go(qtbot, app, 3)
    app.chat.controller.ask("What?")
    view, turns = app.window.output.view, app.chat.controller.conversation.turns
    for _ in range(4):
        written = len(turns[0].steps)
        engine.release(20)
        qtbot.waitUntil(lambda: len(turns[0].steps) == written + 20)  # noqa: B023
        assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()
        app.window.resize(size[0], size[1] + written % 3)
    idle(qtbot, app)
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum() > 0


def check_fits(qtbot: QtBot, dialog: QDialog) -> None:
    """Its buttons below are in view on a screen of 640x480, whatever must scroll above them."""
    dialog.resize(632, 440)
    assert (dialog.width(), dialog.height()) == (632, 440)
    buttons = [
        each
        for each in dialog.findChildren(QPushButton)
        if each.isVisible() and not isinstance(each.parentWidget(), Pane)
    ]
    assert buttons
    for button in buttons:
        qtbot.waitUntil(lambda: seen(button).size() == button.size())  # noqa: B023


def test_plain_dialogs_fit_a_small_screen(qtbot: QtBot, app: App) -> None:
    entries = tuple(
        RecentSession(f"/a/{number}.mmgpt", 1.0, 1, 1, "text " * 40) for number in range(30)
    )
    for dialog in (
        SamplesDialog(read_samples(), app.window),
        KeysDialog(app.window),
        AboutDialog(THREE, app.window),
        RecentDialog(entries, app.window),
    ):
        dialog.show()
        screen = app.window.screen().availableSize()
        assert dialog.width() <= screen.width()
        assert dialog.height() <= screen.height()
        check_fits(qtbot, dialog)
        dialog.deleteLater()


@pytest.mark.parametrize("kind", [HeadGrid, FormulaDialog, Comparison])
def test_dialogs_about_an_answer_fit_a_small_screen(
    qtbot: QtBot, full: App, kind: type[QDialog]
) -> None:
    full.window.resize(640, 440)
    open_it = {
        HeadGrid: full.heatmap.inspector.open_grid,
        FormulaDialog: full.heatmap.inspector.open_brightest_formula,
        Comparison: full.heatmap.comparisons.compare,
    }[kind]
    open_it()
    dialog = opened(qtbot, full, kind)
    check_fits(qtbot, dialog)
    dialog.reject()


def test_the_models_dialog_fits_a_small_screen_with_a_question_in_it(
    qtbot: QtBot, full: App
) -> None:
    full.models.open_dialog()
    dialog = full.models.dialog
    assert dialog is not None
    dialog.notices.tell("It broke. " * 20, problem=True)
    check_fits(qtbot, dialog)
    dialog.details.form.ask("model", Path("/a/long/path" * 9))
    area = dialog.findChild(ScrollArea)
    assert isinstance(area, ScrollArea)

    def reached() -> bool:
        area.ensureWidgetVisible(dialog.details.form.yes, 0, 0)
        return seen(dialog.details.form.yes).size() == dialog.details.form.yes.size()

    qtbot.waitUntil(reached)


def test_the_columns_of_a_comparison_scroll_only_where_they_lack_room(
    qtbot: QtBot, full: App
) -> None:
    full.window.resize(1280, 720)
    full.heatmap.comparisons.compare()
    dialog = opened(qtbot, full, Comparison)
    qtbot.waitUntil(lambda: not dialog.busy)  # type: ignore[attr-defined]
    area = dialog.findChild(ScrollArea)
    assert isinstance(area, ScrollArea)
    assert area.verticalScrollBar().maximum() == area.horizontalScrollBar().maximum() == 0
    dialog.resize(632, 440)
    views = [column.picture.view for column in dialog.columns]  # type: ignore[attr-defined]
    for view in views:
        qtbot.waitUntil(lambda: min(seen(view).size().toTuple()) >= 40)  # noqa: B023
    dialog.reject()
