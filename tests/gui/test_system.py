"""What the system around the window does with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.app import App

STATE = Qt.WindowState


def test_a_maximized_window_is_so_again_after_full_screen(app: App) -> None:
    window, full_screen = app.window, app.window.actions_by_name["full-screen"]
    window.showMaximized()
    full_screen.trigger()
    assert window.isFullScreen()
    full_screen.trigger()
    assert window.isMaximized()
    assert not window.isFullScreen()


def test_the_menu_knows_that_the_desktop_ended_full_screen(app: App) -> None:
    window, full_screen = app.window, app.window.actions_by_name["full-screen"]
    full_screen.trigger()
    window.setWindowState(STATE.WindowNoState)
    assert not full_screen.isChecked()
    full_screen.trigger()
    assert window.isFullScreen()


def test_a_sessions_name_stands_in_the_title_as_it_is(
    qtbot: QtBot, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "draft [*] 2.mmgpt"
    monkeypatch.setattr(app.sessions, "ask_where_to", lambda _proposed: path)
    app.window.prompt.edit.setPlainText("A draft")
    app.sessions.save_as()
    qtbot.waitUntil(path.exists)
    handle = app.window.windowHandle()
    assert handle is not None
    qtbot.waitUntil(lambda: "draft [*] 2" in handle.title())
