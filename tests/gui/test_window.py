from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QProxyStyle,
    QPushButton,
    QStyle,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.ui.pictures.samples_dialog import SamplesDialog
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog
from tests.gui.answers import ask, ask_about_photo, idle
from tests.gui.conftest import MakeApp
from tests.gui.controls import controls, name_of
from tests.gui_fakes import ANSWER, FakeEngine, make_photo
from tests.not_none import not_none
from tests.records import MODEL


def test_every_control_has_a_name_and_a_place_in_the_tab_order(qtbot: QtBot, app: App) -> None:
    for seed in (1, 2):
        app.pictures.photos.add(make_photo(seed=seed))
    ask(qtbot, app)
    nameless = [widget for widget in controls(app.window) if not name_of(widget)]
    assert nameless == []
    unreachable = [
        name_of(widget)
        for widget in controls(app.window)
        if widget.isVisible() and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert unreachable == []


def test_tab_visits_all_visible_controls(qtbot: QtBot, app: App) -> None:
    ask_about_photo(qtbot, app)
    wanted = {
        widget for widget in controls(app.window) if widget.isVisible() and widget.isEnabled()
    }
    # Of a group of buttons that exclude each other, Tab stops at the chosen one.
    wanted.discard(app.window.heatmap.switch.second)
    widget: QWidget = app.window.prompt.edit
    visited = set()
    for _ in range(400):
        visited.add(widget)
        widget = not_none(widget.nextInFocusChain())
    assert wanted <= visited


@pytest.mark.parametrize("dialog", ["samples", "keys", "about"])
def test_dialogs_name_their_controls(qtbot: QtBot, qapp: QApplication, dialog: str) -> None:
    makers: dict[str, Callable[[], QDialog]] = {
        "samples": lambda: SamplesDialog(read_samples()),
        "keys": KeysDialog,
        "about": lambda: AboutDialog(MODEL),
    }
    made = makers[dialog]()
    qtbot.addWidget(made)
    assert all(name_of(widget) for widget in controls(made))


class StyleWithIcons(QProxyStyle):
    """As many desktops have it."""

    def styleHint(self, hint: QStyle.StyleHint, *about: Any) -> int:  # noqa: N802
        if hint == QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons:
            return 1
        return super().styleHint(hint, *about)


def test_buttons_of_dialogs_have_no_black_icons(qapp: QApplication, app: App) -> None:
    """A desktop's icons don't follow our theme."""
    qapp.setStyle(StyleWithIcons("Fusion"))
    dialog = AboutDialog(app.chat.controller.model, app.window)
    dialog.show()
    buttons = [button for button in dialog.findChildren(QPushButton) if button.isVisible()]
    qapp.setStyle("Fusion")
    assert [button.icon().isNull() for button in buttons] == [True]
    dialog.close()


def test_samples_tell_where_they_are_from(qtbot: QtBot, qapp: QApplication) -> None:
    samples = read_samples()
    dialog = SamplesDialog(samples)
    qtbot.addWidget(dialog)
    assert dialog.list.count() == len(samples) >= 3
    dialog.list.setCurrentRow(1)
    for part in (samples[1].author, samples[1].licence, samples[1].source):
        assert part in dialog.source.text()
    assert dialog.paths == [samples[1].path]


def test_samples_open_as_photos(qtbot: QtBot, app: App) -> None:
    app.pictures.photos.open([read_samples()[0].path])
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    photo = app.chat.controller.conversation.photo
    assert photo is not None
    assert not levels_of(photo)[0].isNull()


def test_f11_is_full_screen_and_back(qtbot: QtBot, app: App) -> None:
    qtbot.keyClick(app.window, Qt.Key.Key_F11)
    assert app.window.isFullScreen()
    qtbot.keyClick(app.window, Qt.Key.Key_F11)
    assert not app.window.isFullScreen()


def test_ctrl_l_clears_from_within_the_prompt(qtbot: QtBot, app: App) -> None:
    ask(qtbot, app)
    qtbot.keyClick(app.window.prompt.edit, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert app.chat.controller.conversation.turns == []
    qtbot.keyClick(app.window.output.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(app.chat.controller.conversation.turns) == 1


def test_ctrl_z_in_the_prompt_takes_back_what_came_last(qtbot: QtBot, app: App) -> None:
    edit, control = app.window.prompt.edit, Qt.KeyboardModifier.ControlModifier
    qtbot.keyClicks(edit, "What?")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    idle(qtbot, app)
    qtbot.keyClick(edit, Qt.Key.Key_L, control)
    qtbot.keyClick(edit, Qt.Key.Key_Z, control)
    assert len(app.chat.controller.conversation.turns) == 1
    assert edit.toPlainText() == ""
    qtbot.keyClick(edit, Qt.Key.Key_L, control)
    qtbot.keyClicks(edit, "more")
    qtbot.keyClick(edit, Qt.Key.Key_Z, control)
    assert edit.toPlainText() == ""
    assert app.chat.controller.conversation.turns == []


def test_ctrl_numbers_go_to_the_panes(qtbot: QtBot, app: App) -> None:
    ask_about_photo(qtbot, app)
    window = app.window
    qtbot.waitUntil(lambda: window.heatmap.picture.view.isVisible())
    window.activateWindow()
    places = (
        window.image.view,
        window.prompt.edit,
        window.output.view,
        window.heatmap.picture.view,
    )
    for number, place in enumerate(places, start=1):
        key = Qt.Key(int(Qt.Key.Key_0) + number)
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.focusWidget() is place


def test_copy_takes_the_last_answer(qtbot: QtBot, app: App) -> None:
    ask(qtbot, app)
    app.window.actions_by_name["copy"].trigger()
    assert QGuiApplication.clipboard().text() == "".join(ANSWER)


def test_layout_and_theme_are_remembered(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    across = app.window.splitters[0]
    across.setSizes([700, 540])
    sizes = across.sizes()
    app.window.theme_chosen.emit("dark")
    app.window.close()
    stored = json.loads((tmp_path / "settings.json").read_text())
    assert stored["theme"] == "dark"
    again = make_app(theme="dark")
    left, right = again.window.splitters[0].sizes()
    assert left / right == pytest.approx(sizes[0] / sizes[1], abs=0.02)


def test_changes_are_saved_while_it_runs(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    app.window.heatmap.drawing.opacity.setValue(11)
    path = tmp_path / "settings.json"
    qtbot.waitUntil(lambda: path.exists() and '"opacity": 0.11' in path.read_text())


def test_damaged_layout_bytes_do_no_harm(make_app: MakeApp) -> None:
    app = make_app(geometry="%%% no base64 ", splitters=("x", "eHh4", "é"))
    assert app.window.isVisible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (900, 660)])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_nothing_is_cut_off(
    qtbot: QtBot, make_app: MakeApp, theme: str, size: tuple[int, int], language: str
) -> None:
    app = make_app(theme=theme, language=language)
    app.window.resize(*size)
    ask_about_photo(qtbot, app)
    assert app.window.size() == QSize(*size)
    for widget in controls(app.window):
        if isinstance(widget, QAbstractButton) and widget.isVisible() and widget.text():
            assert widget.width() >= widget.minimumSizeHint().width(), widget.text()
    image: QImage = app.window.grab().toImage()
    ground = app.theme.colour("window")
    assert image.pixelColor(4, image.height() // 2) == ground


def test_closing_in_mid_answer_ends_all_threads(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    engine.release(2)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 2)
    app.window.close()
    assert app.ended_in_time
    assert engine.closed
