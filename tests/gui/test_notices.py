"""Notices: one line for all, news passes, problems stay, Esc closes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.widgets import notices as module
from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import idle
from tests.gui.conftest import MakeApp
from tests.gui_fakes import FakeEngine

ESCAPE = Qt.Key.Key_Escape
LONG = "The sea is wide and the sky is blue, and the ship sails on. " * 6


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PASS_MS", 20)
    monkeypatch.setattr(module, "UNDO_MS", 20)


@pytest.fixture
def board(qtbot: QtBot, qapp: QApplication) -> Iterator[Notices]:
    """In a window where something else has the focus."""
    theme = Theme(qapp, "light")
    window, board, edit = QWidget(), Notices(theme), QLineEdit()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    column.addWidget(board)
    column.addWidget(edit)
    window.resize(640, 200)
    window.show()
    edit.setFocus()
    yield board
    theme.deleteLater()


def said(board: Notices) -> list[str]:
    return [notice.title.text() for notice in board.current()]


def in_view(board: Notices) -> list[str]:
    return [notice.title.text() for notice in board.current() if notice.isVisible()]


def test_news_passes_by_itself(qtbot: QtBot, soon: None, board: Notices) -> None:
    board.tell("Saved as cat.png.").add_action("Open", lambda: None)
    board.offer_undo("The conversation was cleared.", lambda: None)
    assert len(said(board)) == 2
    qtbot.waitUntil(lambda: said(board) == [])
    assert board.isHidden()


def test_problems_questions_and_progress_stay(qtbot: QtBot, soon: None, board: Notices) -> None:
    board.tell("It broke.", problem=True)
    board.tell_error(AppError("The model is damaged.", "Get it anew."))
    board.tell("Download this picture?", stays=True)
    board.tell("Opening…").set_progress(0.5)
    board.tell("Saved.")
    qtbot.waitUntil(lambda: "Saved." not in said(board))
    left = ["It broke.", "The model is damaged.", "Download this picture?", "Opening…"]
    assert said(board) == left


def test_what_is_pointed_at_waits(qtbot: QtBot, soon: None, board: Notices) -> None:
    pointed = board.tell("Saved as cat.png.")
    place = QPointF(5, 5)
    QApplication.sendEvent(pointed, QEnterEvent(place, place, place))
    clock = board.tell("A clock")
    clock.pass_after(100)  # five times as long
    qtbot.waitUntil(lambda: "A clock" not in said(board))
    assert said(board) == ["Saved as cat.png."]
    QApplication.sendEvent(pointed, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: said(board) == [])


def test_what_has_the_focus_waits(qtbot: QtBot, soon: None, app: App) -> None:
    board = app.window.notices
    app.window.activateWindow()
    qtbot.waitUntil(app.window.isActiveWindow)
    qtbot.mouseMove(app.window.prompt.edit)  # wherever the tests before have left it
    board.tell("Saved as cat.png.").cross.setFocus()
    board.tell("Another one.").cross.setFocus()
    board.tell("News.", problem=True)
    qtbot.waitUntil(lambda: "Saved as cat.png." not in said(board))
    held = board.tell("Kept.")
    held.cross.setFocus()
    qtbot.waitUntil(lambda: held.cross.hasFocus() and said(board) == ["News.", "Kept."])
    app.window.prompt.edit.setFocus()
    qtbot.waitUntil(lambda: said(board) == ["News."])


def test_one_line_shows_the_newest_and_counts_the_others(qtbot: QtBot, board: Notices) -> None:
    board.tell("First.", problem=True)
    height = board.sizeHint().height()
    for title in ("Second. " + LONG, "Third."):
        board.tell(title, LONG, problem=True)
    assert board.sizeHint().height() == height
    assert in_view(board) == ["Third."]
    assert board.others.text() == "+2"
    board.others.click()
    assert in_view(board)[0].startswith("Second.")
    board.others.click()
    assert in_view(board) == ["First."]
    board.current()[-1].cross.click()
    assert in_view(board) == ["Third."]
    assert board.others.text() == "+1"
    board.current()[-1].cross.click()
    assert not board.others.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
@pytest.mark.parametrize("width", [400, 640, 1900])
def test_what_does_not_fit_can_be_read_on_demand(qtbot: QtBot, board: Notices, width: int) -> None:
    window = board.window()
    window.resize(width, 200)
    notice = board.tell("It broke.", LONG, problem=True)
    notice.add_action("Copy details", lambda: None, closes=False)
    qtbot.waitUntil(notice.more.isVisible)
    assert window.width() == width

    def inside(button: QWidget) -> bool:
        corner = button.mapTo(window, QPoint())
        return window.rect().contains(QRect(corner, button.size()))

    qtbot.waitUntil(lambda: all(map(inside, (notice.cross, *notice.findChildren(QPushButton)))))
    assert LONG.strip() in notice.hint.toolTip()
    notice.more.click()
    popup = QApplication.activePopupWidget()
    assert popup is not None
    assert any(LONG.strip() in label.text() for label in popup.findChildren(QLabel))
    qtbot.keyClick(popup, ESCAPE)
    assert QApplication.activePopupWidget() is None
    assert board.current()


def test_a_short_notice_has_nothing_more_to_read(qtbot: QtBot, board: Notices) -> None:
    notice = board.tell("Saved.")
    qtbot.waitUntil(lambda: notice.width() > 300)
    assert not notice.more.isVisible()


def test_esc_closes_one_notice_after_the_other(qtbot: QtBot, app: App) -> None:
    board = app.window.notices
    for title in ("First.", "Second."):
        board.tell(title, problem=True)
    qtbot.keyClick(app.window.prompt.edit, ESCAPE)
    assert said(board) == ["First."]
    qtbot.keyClick(app.window.output.view, ESCAPE)
    assert said(board) == []
    qtbot.keyClick(app.window, ESCAPE)
    assert app.window.isVisible()


def test_esc_stops_an_answer_before_it_closes_a_notice(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.window.activateWindow()
    qtbot.waitUntil(app.window.isActiveWindow)
    app.window.notices.tell("It broke.", problem=True)
    app.chat.controller.ask("What?")
    engine.release(1)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 1)
    qtbot.keyClick(app.window.prompt.edit, ESCAPE)
    engine.release(10)
    idle(qtbot, app)
    assert app.chat.controller.conversation.turns[0].outcome.kind == "cancelled"  # type: ignore[union-attr]
    assert said(app.window.notices) == ["It broke."]
    qtbot.keyClick(app.window.prompt.edit, ESCAPE)
    assert said(app.window.notices) == []


def test_esc_in_the_models_dialog_closes_a_notice_then_the_dialog(qtbot: QtBot, app: App) -> None:
    app.models.open_dialog()
    dialog = app.models.dialog
    assert isinstance(dialog, ModelsDialog)
    dialog.notices.tell("It broke.", problem=True)
    qtbot.keyClick(dialog, ESCAPE)
    assert said(dialog.notices) == []
    assert dialog.isVisible()
    qtbot.keyClick(dialog, ESCAPE)
    assert not dialog.isVisible()


def test_what_is_told_is_announced_once(
    qtbot: QtBot, board: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(module, "announce", lambda _widget, text: heard.append(text))
    board.tell("Saved as cat.png.", "/home")
    board.tell("It broke.", problem=True)
    assert heard == ["Saved as cat.png. /home", "It broke."]


def test_the_panes_stay_where_they_are_however_much_is_told(app: App) -> None:
    app.window.resize(1024, 600)
    app.window.notices.tell("It broke.", problem=True)
    app.window.centralWidget().layout().activate()  # type: ignore[union-attr]
    place = app.window.panes.geometry()
    for number in range(5):
        app.window.notices.tell(f"{number}: {LONG}", LONG, problem=True)
    app.window.centralWidget().layout().activate()  # type: ignore[union-attr]
    assert app.window.panes.geometry() == place
