"""The window without a mouse, without sight of it, with large text, and without motion."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QFont, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QProgressBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.session.recent import RecentSession
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.heatmap.check_card import Bars
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.formula import FormulaDialog
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid
from mmgpt_desktop.ui.heatmap.heatmap_view import Legend
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.pictures.samples_dialog import SamplesDialog
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.window import app as ui
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog
from mmgpt_desktop.ui.window.tour import Tour
from tests.gui.answers import ask, fill, idle
from tests.gui.conftest import MakeApp
from tests.gui.controls import check_keyboard_and_names, controls, name_of, opened
from tests.gui_fakes import THREE, FakeEngine, make_photo
from tests.not_none import not_none


def stops_of(root: QWidget) -> list[QWidget]:
    """Where Tab stops in a window, as Qt has them in a ring, from the first one on."""
    stops, widget = list[QWidget](), not_none(root.nextInFocusChain())
    while widget is not root:
        tabbed = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if tabbed and widget.isVisibleTo(root) and widget.window() is root:
            stops.append(widget)
        widget = not_none(widget.nextInFocusChain())
    rects = [_rect(each, root) for each in stops]
    highest = min(rects, key=QRect.top)
    row = [at for at, rect in enumerate(rects) if rect.top() <= highest.bottom()]
    first = min(row, key=lambda at: rects[at].left())
    return [*stops[first:], *stops[:first]]


def _rect(widget: QWidget, root: QWidget) -> QRect:
    return QRect(widget.mapTo(root, QPoint()), widget.size())


def pane_of(widget: QWidget) -> Pane | None:
    above = widget.parentWidget()
    while above is not None and not isinstance(above, Pane):
        above = None if above.isWindow() else above.parentWidget()
    return above


def check_reading_order(root: QWidget) -> None:
    """Right or down, and up only into a new column; each pane once."""
    stops = stops_of(root)
    assert [pane for pane, _ in itertools.groupby(map(pane_of, stops)) if pane] == list(
        dict.fromkeys(pane for pane in map(pane_of, stops) if pane)
    )
    for before, after in itertools.pairwise(stops):
        one, other = _rect(before, root), _rect(after, root)
        if pane_of(before) is pane_of(after):
            back = other.right() < one.left() and other.top() < one.bottom()
            up = other.bottom() < one.top() and other.left() < one.right()
            assert not back, f"back from {name_of(before)} to {name_of(after)}"
            assert not up, f"up from {name_of(before)} to {name_of(after)}"


def check_enter(qtbot: QtBot, root: QWidget) -> None:
    """Enter presses each button once, and a key that is held down does not press again."""
    buttons = [each for each in controls(root) if isinstance(each, QAbstractButton)]
    for button in buttons:
        if not (button.isVisible() and button.isEnabled()):
            continue
        pressed: list[str] = []
        button.clicked.connect(pressed.clear)  # there is somebody to be disconnected
        button.clicked.disconnect()
        button.clicked.connect(lambda _=False, pressed=pressed: pressed.append("pressed"))
        button.setFocus()
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            qtbot.keyClick(button, key)
        assert len(pressed) == 2, name_of(button)
        assert root.isVisible()


def test_every_control_of_the_window_and_its_dialogs_has_a_name_and_a_key(
    qtbot: QtBot, full: App
) -> None:
    window = full.window
    check_keyboard_and_names(window)
    check_keyboard_and_names(window.heatmap.drawing)
    entry = RecentSession("/a/b.mmgpt", 1.0, 1, 1, "text")
    plain: tuple[QDialog, ...] = (
        SamplesDialog(read_samples(), window),
        KeysDialog(window),
        AboutDialog(THREE, window),
        RecentDialog((entry,), window),
    )
    for dialog in plain:
        check_keyboard_and_names(dialog)
        dialog.deleteLater()
    for kind, open_it in (
        (HeadGrid, full.heatmap.inspector.open_grid),
        (FormulaDialog, full.heatmap.inspector.open_brightest_formula),
        (Comparison, full.heatmap.comparisons.compare),
    ):
        open_it()
        dialog = opened(qtbot, full, kind)
        check_keyboard_and_names(dialog)
        dialog.reject()


def test_tab_walks_the_panes_as_one_reads_them(qtbot: QtBot, full: App) -> None:
    window = full.window
    window.notices.tell("Something happened.").add_action("Do it", lambda: None)
    for size in ((1920, 1080), (800, 560), (620, 640), (1280, 720)):
        window.resize(*size)

        def walk() -> None:  # once it is laid out
            qtbot.keyClick(window, Qt.Key.Key_Tab)
            check_reading_order(window)

        qtbot.waitUntil(walk)
        check_keyboard_and_names(window)
    found = list(dict.fromkeys(map(pane_of, stops_of(window))))
    assert found == [None, window.image, window.heatmap, window.prompt, window.output]


@pytest.mark.qt_log_ignore("grabbing the keyboard", extend=True)
def test_tab_and_enter_do_the_same_in_every_window(qtbot: QtBot, full: App) -> None:
    window = full.window
    windows: list[QWidget] = [
        window.heatmap.drawing,
        SamplesDialog(read_samples(), window),
        KeysDialog(window),
        AboutDialog(THREE, window),
        RecentDialog((RecentSession("/a/b.mmgpt", 1.0, 1, 1, "text"),), window),
        ModelsDialog(full.theme, full.models.list, full.models.exports, window),
    ]
    for open_it in (
        full.heatmap.inspector.open_grid,
        full.heatmap.inspector.open_brightest_formula,
        full.heatmap.comparisons.compare,
    ):
        open_it()
    for kind in (HeadGrid, FormulaDialog, Comparison):
        windows.append(opened(qtbot, full, kind))
    for each in windows:
        each.show()
        qtbot.waitUntil(each.isVisible)
        check_reading_order(each)
        check_enter(qtbot, each)
        each.close()
    check_enter(qtbot, window)
    assert {*map(type, windows)} >= {*all_kinds(QDialog)} - {Dialog}  # which has no content


def all_kinds(kind: type[QWidget]) -> Iterator[type[QWidget]]:
    """The program's own."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("mmgpt_desktop.") and not issubclass(each, QFileDialog):
            yield each
        yield from all_kinds(each)


def test_enter_presses_what_has_the_focus_and_else_the_button_of_the_dialog(
    qtbot: QtBot, full: App
) -> None:
    dialog = SamplesDialog(read_samples(), full.window)
    qtbot.addWidget(dialog)
    dialog.show()
    cancel = next(each for each in dialog.findChildren(QAbstractButton) if each.text() == "Cancel")
    with qtbot.waitSignal(dialog.rejected):
        cancel.setFocus()
        qtbot.keyClick(cancel, Qt.Key.Key_Return)
    dialog.show()
    with qtbot.waitSignal(dialog.accepted):
        dialog.list.setFocus()
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)


def test_the_focus_is_seen_on_every_control(qtbot: QtBot, full: App) -> None:
    window = full.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    full.theme.set_still(True)  # a blinking cursor is no mark
    window.menuBar().setFocus()
    unseen = []
    shown = [each for each in controls(window) if each.isVisible() and each.isEnabled()]
    for control in shown:
        window.setFocus()
        before = control.grab().toImage()
        control.setFocus(Qt.FocusReason.TabFocusReason)
        if control.grab().toImage() == before:
            unseen.append(name_of(control))
    assert len(shown) > 20
    assert unseen == []


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a screen reader would say."""
    said: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(
        QAccessible,
        "updateAccessibility",
        lambda event: said.append(event.message()) if hasattr(event, "message") else None,
    )
    return said


def test_an_answer_is_read_out_once_when_it_is_whole(
    qtbot: QtBot, heard: list[str], make_app: MakeApp
) -> None:
    engine = FakeEngine(gated=True, certainty=0.1)
    app = make_app(engine)
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    engine.release(3)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 3)
    assert not any("red" in text for text in heard)
    engine.release(10)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy and not app.chat.controller.busy)
    app.window.language_chosen.emit("en")
    assert heard == ["I'm not sure, perhaps: A red ball in the corner."]


def test_how_an_answer_broke_off_is_read_out_once(
    qtbot: QtBot, heard: list[str], make_app: MakeApp
) -> None:
    engine = FakeEngine(fail_after=3, error=AppError("It broke.", "Ask again."))
    app = make_app(engine)
    ask(qtbot, app)
    assert heard == ["A red ball It broke. Ask again."]
    heard.clear()
    app.chat.controller.ask("  ")
    assert heard == ["Write a question first, or choose one below."]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"answer": ()}, "The model had nothing to say."),
        ({"fail_after": 0, "error": AppError("No answer.", "Ask again.")}, "No answer. Ask again."),
    ],
)
def test_that_there_is_no_answer_is_read_out_once(
    qtbot: QtBot, heard: list[str], make_app: MakeApp, options: dict[str, Any], said: str
) -> None:
    app = make_app(FakeEngine(**options))
    app.chat.controller.ask("What?")
    idle(qtbot, app)
    assert heard == [said]


def test_a_stopped_answer_is_read_out_once(
    qtbot: QtBot, heard: list[str], make_app: MakeApp
) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    engine.release(2)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 2)
    app.chat.controller.stop()
    idle(qtbot, app)
    assert heard == ["A red Stopped."]


@pytest.fixture
def large_text(qapp: QApplication) -> Iterator[None]:
    usual = QApplication.font()
    large = QFont(usual)
    large.setPointSizeF(usual.pointSizeF() * 2)
    QApplication.setFont(large)
    yield
    QApplication.setFont(usual)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_text_of_twice_the_size_is_not_cut_off(
    qtbot: QtBot, large_text: None, make_app: MakeApp, language: str
) -> None:
    app = make_app(FakeEngine(model=THREE), language=language)
    app.window.resize(1920, 1080)
    fill(qtbot, app)
    assert (app.window.width(), app.window.height()) == (1920, 1080)
    qtbot.waitUntil(lambda: cut_texts(app.window) == [])  # once it is laid out


def test_large_text_fits_a_small_window_too(
    qtbot: QtBot, large_text: None, make_app: MakeApp
) -> None:
    app = make_app(FakeEngine(model=THREE))
    app.window.resize(1280, 720)
    app.window.tour.begin()
    for step in range(4):
        app.window.tour.go(step)
        qtbot.waitUntil(lambda: cut_texts(app.window.tour) == [])
        assert app.window.rect().contains(app.window.tour.geometry())
    app.window.tour.end()
    fill(qtbot, app)
    app.window.heatmap.details.click()
    qtbot.waitUntil(app.window.heatmap.check.bars.isVisible)
    card = app.window.heatmap.check
    qtbot.waitUntil(lambda: cut_texts(card) == [] == cut_texts(card.more))


def cut_texts(window: QWidget) -> list[str]:
    cut = []
    for widget in window.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QLabel) and widget.isVisible() and widget.text():
            needs = widget.minimumSizeHint()
            tall = widget.heightForWidth(widget.width()) if widget.hasHeightForWidth() else 0
            if widget.width() < needs.width() or widget.height() < max(tall, needs.height()) - 1:
                cut.append(widget.text())
    return cut


def test_nothing_moves_where_motion_is_unwanted(qtbot: QtBot, app: App) -> None:
    app.window.actions_by_name["still"].trigger()
    notice = app.window.notices.tell("Downloading…")
    notice.set_progress(-1)
    bars = app.window.findChildren(QProgressBar)
    assert len(bars) >= 3
    assert all(bar.maximum() > 0 for bar in bars)  # 0: it runs to and fro
    assert QApplication.cursorFlashTime() == 0
    app.window.actions_by_name["still"].trigger()
    assert notice.bar.maximum() == 0
    assert QApplication.cursorFlashTime() > 0


def test_scales_and_bars_keep_their_ends_from_right_to_left(qtbot: QtBot, full: App) -> None:
    measured = full.window.heatmap.check.bars
    qtbot.waitUntil(lambda: bool(measured.bars))
    legend, bars = Legend(full.theme), Bars(full.theme)
    legend.set_scale(Method.HEADS, 0.0, 0.25)
    bars.show_bars(0.8, measured.bars)
    for widget in (legend, bars):
        qtbot.addWidget(widget)
        widget.resize(300, 80)
        painted = []
        for direction in (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft):
            widget.setLayoutDirection(direction)
            image = QImage(widget.size(), QImage.Format.Format_RGB32)
            image.fill(Qt.GlobalColor.white)
            widget.render(image)
            painted.append(image)
        assert painted[0] == painted[1]


def test_the_tour_is_walked_by_keyboard(qtbot: QtBot, app: App) -> None:
    app.welcome()
    tour = app.window.tour
    app.window.activateWindow()
    check_keyboard_and_names(tour)
    said, places = [], []
    for step in range(4):
        assert app.window.focusWidget() is tour.next_button
        assert tour.step == step
        said.append(tour.accessibleName())
        places.append(tour.geometry())
        assert app.window.rect().contains(tour.geometry())
        pane = tour.panes[step]
        covered = tour.geometry().intersected(
            pane.rect().translated(pane.mapTo(app.window, pane.rect().topLeft()))
        )
        assert covered.isEmpty()
        qtbot.keyClick(tour.next_button, Qt.Key.Key_Space)
    assert len(set(said)) == 4
    assert tour.isHidden()
    assert app.window.focusWidget() is app.window.prompt.edit
    app.welcome()
    assert tour.isHidden()  # once is enough
    app.window.actions_by_name["tour"].trigger()
    assert not tour.isHidden()


def test_esc_skips_the_tour_and_a_photo_moves_it_on(qtbot: QtBot, app: App) -> None:
    app.welcome()
    app.window.activateWindow()
    app.pictures.photos.add(make_photo())
    assert app.window.tour.step == 1
    qtbot.keyClick(app.window.tour.next_button, Qt.Key.Key_Escape)
    assert app.window.tour.isHidden()
    assert not any(pane.property("drop") for pane in app.window.tour.panes)


def test_the_tour_follows_window_and_language(qtbot: QtBot, app: App) -> None:
    app.welcome()
    app.window.tour.go(3)
    app.window.resize(1500, 800)
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert app.window.rect().contains(app.window.tour.geometry())
    with qtbot.waitSignal(app.window.rewritten):
        app.window.language_chosen.emit("zh_CN")
    assert app.window.tour.title.text() == "看模型看了哪里"
    assert isinstance(app.window.tour, Tour)


@pytest.mark.parametrize("images", [[], [Path("cat.jpg")]])
def test_the_tour_is_not_in_the_way_of_a_photo(
    monkeypatch: pytest.MonkeyPatch, images: list[Path]
) -> None:
    made = MagicMock(ended_in_time=True)
    monkeypatch.setattr(ui, "App", lambda *_, **__: made)
    monkeypatch.setattr(ui, "make_application", MagicMock())
    monkeypatch.setattr(ui, "EndFromSystem", MagicMock())
    monkeypatch.setattr(signal, "signal", MagicMock())
    monkeypatch.setattr(ui, "prepare_process", MagicMock())
    ui.run(Path("none"), None, images)
    assert made.welcome.called is (not images)
