"""Names that people type where something is to be saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.report.report_files import Kind
from mmgpt_desktop.session.session_file import open_session
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import make_photo

Type = Callable[[str], None]


@pytest.fixture
def type_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """What is typed into the next dialog, and accepted."""
    names: list[str] = []

    def accept(dialog: QFileDialog) -> QDialog.DialogCode:
        dialog.setDirectory(str(tmp_path))
        dialog.selectFile(names[-1])
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QFileDialog, "exec", accept)
    return names.append


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Questions whether a file may be replaced; each is answered with no."""
    questions: list[str] = []

    def refuse(box: QMessageBox) -> int:
        questions.append(box.text())
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "exec", refuse)
    return questions


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("trip", "trip.mmgpt"),
        ("trip.2024", "trip.2024.mmgpt"),
        ("trip.mmgpt", "trip.mmgpt"),
        ("trip.MMGPT", "trip.MMGPT"),
    ],
)
def test_a_session_gets_its_suffix_whatever_dots_its_name_has(
    qtbot: QtBot, app: App, type_name: Type, tmp_path: Path, typed: str, saved: str
) -> None:
    app.window.prompt.edit.setPlainText("A draft")
    type_name(typed)
    app.files.sessions.save_as()
    qtbot.waitUntil((tmp_path / saved).exists)


def test_no_session_is_replaced_unasked(
    app: App, type_name: Type, asked: list[str], tmp_path: Path
) -> None:
    old = tmp_path / "trip.2024.mmgpt"
    old.write_bytes(b"an older session")
    type_name("trip.2024")
    assert app.files.sessions.ask_where_to("x.mmgpt") is None
    assert len(asked) == 1
    assert "trip.2024.mmgpt" in asked[0]
    assert old.read_bytes() == b"an older session"


@pytest.mark.parametrize(
    ("typed", "saved"), [("my.cat", "my.cat.png"), ("cat.PDF", "cat.PDF"), ("cat.png", "cat.png")]
)
def test_a_card_gets_one_of_its_suffixes(
    app: App, type_name: Type, tmp_path: Path, typed: str, saved: str
) -> None:
    type_name(typed)
    assert app.files.exporter.ask_path(("png", "pdf"), "photo.png") == tmp_path / saved


def test_a_very_long_name_is_proposed_so_that_it_fits(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name takes 255 bytes, of which a Chinese character takes three."""
    shown = make_photo()
    object.__setattr__(shown, "name", "图" * 83 + ".jpg")
    app.pictures.photos.add(shown)
    ask(qtbot, app)
    proposed: list[str] = []

    def look(_suffixes: object, name: str) -> None:
        proposed.append(name)

    monkeypatch.setattr(app.files.exporter, "ask_path", look)
    monkeypatch.setattr(app.files.sessions, "ask_where_to", proposed.append)
    for kind in Kind:
        app.files.exporter.export(kind)
    app.files.sessions.save_as()
    assert len(proposed) == len(Kind) + 1
    assert all(name.startswith("图") and len(name.encode()) < 140 for name in proposed)


def test_where_no_program_opens_what_was_saved_that_is_said(
    app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_url: QUrl) -> bool:
        return False

    monkeypatch.setattr(QDesktopServices, "openUrl", refuse)
    app.files.exporter.open(tmp_path / "film.gif")
    notice = app.window.notices.current()[-1]
    assert "film.gif" in notice.title.text()
    assert str(tmp_path) in notice.hint.text()


def click(app: App, text: str) -> None:
    buttons = app.window.notices.findChildren(QPushButton)
    next(button for button in buttons if button.text() == text).click()


def draft_in(path: Path) -> str:
    return open_session(path).draft


def test_what_another_window_saved_is_not_undone_unasked(
    qtbot: QtBot, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "shared.mmgpt"
    first, second = make_app(), make_app()
    monkeypatch.setattr(first.files.sessions, "ask_where_to", lambda _proposed: path)
    first.window.prompt.edit.setPlainText("Written first")
    first.files.sessions.save()
    qtbot.waitUntil(lambda: "Saved as shared.mmgpt." in notices(first))
    second.pictures.photos.open([path])
    qtbot.waitUntil(lambda: second.window.prompt.edit.toPlainText() == "Written first")
    second.window.prompt.edit.setPlainText("Written second, and longer")
    second.files.sessions.save()
    qtbot.waitUntil(lambda: "Saved as shared.mmgpt." in notices(second))
    first.window.prompt.edit.setPlainText("Written third")
    first.files.sessions.save()
    qtbot.waitUntil(lambda: "was changed by another window" in notices(first)[-1])
    assert draft_in(path) == "Written second, and longer"
    click(first, "Replace it")
    qtbot.waitUntil(lambda: draft_in(path) == "Written third")


def test_saving_again_and_after_the_file_is_gone_asks_nothing(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "mine.mmgpt"
    monkeypatch.setattr(app.files.sessions, "ask_where_to", lambda _proposed: path)
    for draft in ("one", "another one", "a third"):
        app.window.prompt.edit.setPlainText(draft)
        app.files.sessions.save()
        qtbot.waitUntil(partial(lambda draft: path.exists() and draft_in(path) == draft, draft))
        if draft == "another one":
            path.unlink()
    assert not any("changed by another" in title for title in notices(app))
