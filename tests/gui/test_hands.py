"""What hands do without meaning it, and by habits of other programs."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QComboBox, QSlider, QWidget
from pytestqt.qtbot import QtBot

from mmgpt_desktop.session.recent import RecentSession
from mmgpt_desktop.ui.event.presenter import Presenter
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import idle
from tests.gui.conftest import MakeApp
from tests.gui.event_parts import MakeShow
from tests.gui.hands import turn_wheel
from tests.gui_fakes import THREE, FakeEngine, make_photo

CONTROL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


def hold(widget: QWidget, key: Qt.Key, times: int, text: str = "") -> None:
    """A key that goes down, stays down, and repeats itself."""
    for number in range(times):
        QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, key, NONE, text, number > 0))


def ask(qtbot: QtBot, app: App, question: str = "What?") -> None:
    app.chat.controller.ask(question)
    qtbot.waitUntil(
        lambda: not app.chat.controller.busy and bool(app.chat.controller.conversation.turns)
    )


def choices(root: QWidget) -> list[QComboBox]:
    boxes = [box for box in root.findChildren(QComboBox) if box.isEnabled() and box.count() > 1]
    assert boxes
    return boxes


def test_the_wheel_over_a_choice_chooses_nothing(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(model=THREE))
    for box in choices(app.window):
        before = box.currentIndex()
        box.setFocus()
        assert not turn_wheel(box)
        assert box.currentIndex() == before


def test_the_wheel_over_the_presenters_controls_changes_nothing(make_show: MakeShow) -> None:
    show = make_show()
    show.presenting.open()
    window = show.presenting.window
    assert isinstance(window, Presenter)
    for box in choices(window):
        before = box.currentIndex()
        turn_wheel(box)
        assert box.currentIndex() == before
    slider = window.findChild(QSlider)
    assert isinstance(slider, QSlider)
    before = slider.value()
    slider.clearFocus()
    assert not turn_wheel(slider)
    assert slider.value() == before


def test_ctrl_and_the_wheel_leave_the_answers_letters_as_large_as_they_are(
    qtbot: QtBot, app: App
) -> None:
    ask(qtbot, app)
    view = app.window.output.view
    before = view.font().pointSizeF()
    turn_wheel(view.viewport(), CONTROL, by=+600)
    assert view.font().pointSizeF() == before


def test_a_copied_piece_of_the_answer_is_plain_text(qtbot: QtBot, make_app: MakeApp) -> None:
    """White letters on a dark ground would be unreadable where they are pasted."""
    app = make_app(theme="dark")
    ask(qtbot, app)
    view = app.window.output.view
    view.selectAll()
    view.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert "A red ball in the corner." in data.text().splitlines()
    assert not data.hasHtml()
    assert data.formats() == ["text/plain"]


def test_enter_held_down_asks_once(qtbot: QtBot, app: App) -> None:
    edit = app.window.prompt.edit
    edit.setPlainText("What?")
    hold(edit, Qt.Key.Key_Return, 5, "\r")
    idle(qtbot, app)
    assert len(app.chat.controller.conversation.turns) == 1
    assert not app.window.prompt.problem.isVisible()


def test_ctrl_enter_asks_as_well(qtbot: QtBot, app: App) -> None:
    edit = app.window.prompt.edit
    edit.setPlainText("What?")
    qtbot.keyClick(edit, Qt.Key.Key_Return, CONTROL)
    assert [turn.question for turn in app.chat.controller.conversation.turns] == ["What?"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_while_chinese_is_composed_asks_nothing(qtbot: QtBot, app: App, key: Qt.Key) -> None:
    edit = app.window.prompt.edit
    edit.setPlainText("What is a ")
    edit.setFocus()
    QApplication.sendEvent(edit, QInputMethodEvent("ni hao", []))
    qtbot.keyClick(edit, key)
    assert app.chat.controller.conversation.turns == []
    assert not app.window.prompt.problem.isVisible()
    done = QInputMethodEvent()
    done.setCommitString("你好")
    QApplication.sendEvent(edit, done)
    qtbot.keyClick(edit, key)
    assert len(app.chat.controller.conversation.turns) == 1


def test_arrow_keys_leave_what_is_composed_alone(qtbot: QtBot, app: App) -> None:
    edit = app.window.prompt.edit
    edit.remember("an older question")
    edit.setFocus()
    QApplication.sendEvent(edit, QInputMethodEvent("ni", []))
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert "older" not in edit.toPlainText()


def test_what_throws_away_happens_once_however_long_the_keys_are_held(app: App) -> None:
    repeated = {name for name, action in app.window.actions_by_name.items() if action.autoRepeat()}
    assert repeated == {"undo", "zoom-in", "zoom-out", "next", "previous"}


def test_delete_held_down_removes_one_picture(app: App) -> None:
    for seed in range(4):
        app.pictures.photos.add(make_photo(seed=seed))
    hold(app.window.image.thumbnails, Qt.Key.Key_Delete, 3)
    assert app.pictures.photos.count == 3


def test_delete_held_down_forgets_one_session(qtbot: QtBot) -> None:
    entries = tuple(RecentSession(f"/x/{name}.mmgpt", 1.0, 1, 1, name) for name in "abc")
    dialog = RecentDialog(entries)
    qtbot.addWidget(dialog)
    forgotten: list[str] = []
    dialog.forgotten.connect(forgotten.append)
    dialog.list.setCurrentRow(0)
    hold(dialog.list, Qt.Key.Key_Delete, 3)
    assert len(forgotten) == 1
