"""What the system around the window does with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.session.session_file import open_session
from mmgpt_desktop.settings import load_settings
from mmgpt_desktop.ui.application import choose_input_method
from mmgpt_desktop.ui.widgets.texts import install_language, remove_language
from mmgpt_desktop.ui.widgets.theme import resized
from mmgpt_desktop.ui.window.app import App
from tests.gui.conftest import MakeApp
from tests.gui_fakes import thread_of

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
    monkeypatch.setattr(app.files.sessions, "ask_where_to", lambda _proposed: path)
    app.window.prompt.edit.setPlainText("A draft")
    app.files.sessions.save_as()
    qtbot.waitUntil(path.exists)
    handle = app.window.windowHandle()
    assert handle is not None
    qtbot.waitUntil(lambda: "draft [*] 2" in handle.title())


PLUGINS = "platforminputcontexts"


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ({"QT_IM_MODULE": "fcitx"}, ("ibus", "compose"), "ibus"),
        ({"QT_IM_MODULE": "fcitx5"}, ("ibus", "compose"), "ibus"),
        ({"QT_IM_MODULE": "fcitx"}, ("ibus", "fcitx5"), "fcitx"),
        ({"XMODIFIERS": "@im=fcitx"}, ("ibus", "compose"), "ibus"),
        ({"XMODIFIERS": "@im=ibus"}, ("ibus", "compose"), "ibus"),
        ({"QT_IM_MODULE": "compose", "XMODIFIERS": "@im=fcitx"}, ("ibus",), "compose"),
        ({"XMODIFIERS": "@im=fcitx", "WAYLAND_DISPLAY": "wayland-0"}, ("ibus",), None),
        ({"QT_IM_MODULE": "fcitx", "QT_IM_MODULES": "wayland;ibus"}, ("ibus",), "fcitx"),
        ({"QT_IM_MODULE": "xim"}, ("ibus",), "xim"),
        ({}, ("ibus",), None),
    ],
)
def test_chinese_can_be_typed_with_fcitx_where_qt_has_no_plugin_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, str],
    there: tuple[str, ...],
    chosen: str | None,
) -> None:
    for name in ("QT_IM_MODULE", "QT_IM_MODULES", "XMODIFIERS", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, "")  # for it to be put back, whoever sets it
        monkeypatch.delenv(name)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    (tmp_path / PLUGINS).mkdir()
    for name in there:
        (tmp_path / PLUGINS / f"lib{name}platforminputcontextplugin.so").touch()
    choose_input_method(tmp_path)
    assert os.environ.get("QT_IM_MODULE") == chosen


@pytest.fixture
def font_in_pixels(qapp: QApplication) -> Iterator[QFont]:
    before = QApplication.font()
    font = QFont(before)
    font.setPixelSize(20)
    QApplication.setFont(font)
    yield font
    QApplication.setFont(before)


def test_a_system_font_with_its_size_in_pixels_is_scaled_as_well(
    font_in_pixels: QFont, app: App
) -> None:
    """Qt only writes a warning that no size is below 0, and all text stays as large as it is."""
    assert app.window.image.heading.font().pixelSize() == 21
    assert resized(font_in_pixels, 0.5).pixelSize() == 10
    assert resized(QFont("Sans", 10), 1.5).pointSizeF() == 15


def test_who_saves_and_quits_at_once_has_saved(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(autosave=False)
    path = tmp_path / "last.mmgpt"
    app.files.sessions.ask_where_to = lambda proposed: path  # type: ignore[method-assign]
    app.window.prompt.edit.setPlainText("A draft")
    at_work, go_on = threading.Event(), threading.Event()

    def long_work(cancel: CancelToken) -> None:
        at_work.set()
        cancel.on_cancel(go_on.set)
        assert go_on.wait(30)

    thread_of(app, "sessions").submit(long_work)
    assert at_work.wait(30)
    app.files.sessions.save_as()
    app.window.close()
    assert open_session(path).draft == "A draft"


def test_of_two_windows_each_writes_only_what_was_changed_in_it(
    make_app: MakeApp, tmp_path: Path
) -> None:
    first, second = make_app(), make_app()
    first.window.theme_chosen.emit("dark")
    second.window.heatmap.drawing.opacity.setValue(11)
    first.window.close()
    second.window.close()
    stored = load_settings(tmp_path / "settings.json")
    assert stored.theme == "dark"
    assert stored.opacity == 0.11


@pytest.mark.parametrize(
    ("system", "chinese"),
    [
        ("zh_CN", True),
        ("zh_SG", True),
        ("zh_MY", True),
        ("zh_Hans_HK", True),
        ("zh_TW", False),
        ("en_SG", False),
        ("de_DE", False),
    ],
)
def test_wherever_simplified_chinese_is_read_the_window_speaks_it(
    qapp: QApplication, system: str, chinese: bool
) -> None:
    install_language(qapp, system)
    said = QCoreApplication.translate("PromptPane", "Ask")
    remove_language(qapp)
    assert said == ("提问" if chinese else "Ask")


def test_the_opening_dialog_shows_names_in_capital_letters_too(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cameras write IMG_1.JPG; GTK's dialog tells it from IMG_1.jpg."""
    offered: list[str] = []

    def look(_parent: object, _title: str, _folder: str, names: str, **_: object) -> object:
        offered.extend(names.split(";;")[0].partition("(")[2].rstrip(")").split())
        return [], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", look)
    app.pictures.open_files()
    assert {"*.jpg", "*.JPG", "*.png", "*.PNG", "*.mp4", "*.MP4"} <= set(offered)
    assert len(offered) == len(set(offered))
