"""Text that comes from files, models and profiles is shown as it stands, wherever it comes up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6 import QtGui
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QHelpEvent, QTextCursor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QTextEdit,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.profile import Brand
from mmgpt_desktop.honesty import Doubt
from mmgpt_desktop.messages import FusionInfo, HeadChoice, ModelInfo
from mmgpt_desktop.note import plain
from mmgpt_desktop.resources import SamplePhoto, mini_path
from mmgpt_desktop.session.recent import RecentSession
from mmgpt_desktop.session.session_file import save_session
from mmgpt_desktop.session.session_record import Session
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.formula import FormulaDialog
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid
from mmgpt_desktop.ui.pictures.samples_dialog import SamplesDialog
from mmgpt_desktop.ui.widgets.plain import FileDialog, tip
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.dialogs import AboutDialog
from tests import sessions
from tests.gui.answers import idle
from tests.gui.conftest import MakeApp
from tests.gui.event_parts import MakeShow, until
from tests.gui_fakes import FakeEngine, make_photo
from tests.not_none import not_none
from tests.records import FUSION as FAKE_FUSION

MARK = "hostile"
# "/" can't be in a file's name, but HTML writes it in other ways.
HOSTILE = f'<img src="file:&#47;&#47;&#47;dev&#47;{MARK}">&lt;b&gt;'
ROLES = (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.WhatsThisRole, Qt.ItemDataRole.StatusTipRole)


def _how(fusion: FusionInfo, name: str) -> FusionInfo:
    return replace(
        fusion, name=name, head_choice=HeadChoice(fusion.head_choice.heads, plain(HOSTILE))
    )


FUSIONS = (_how(FAKE_FUSION, HOSTILE), _how(FAKE_FUSION, "graph"))
MODEL = ModelInfo(HOSTILE, HOSTILE, 512, FUSIONS, HOSTILE, doubt=Doubt(0.3, 0.3))


def tips(widget: QWidget) -> Iterator[str]:
    """All that Qt may show in a small window of its own for a widget, its items and actions."""
    yield from (widget.toolTip(), widget.whatsThis(), widget.statusTip())
    for action in widget.actions():
        yield from (action.toolTip(), action.whatsThis(), action.statusTip())
    model = widget.model() if isinstance(widget, QAbstractItemView | QComboBox) else None
    if model is not None:
        for row in range(model.rowCount()):
            for role in ROLES:
                yield str(model.index(row, 0).data(role) or "")


def check(root: QWidget) -> int:
    """Nothing in it is taken for HTML; how often something said the hostile text."""
    said = 0
    for widget in (root, *root.findChildren(QWidget)):
        if isinstance(widget, QLabel):
            assert widget.textFormat() == Qt.TextFormat.PlainText, widget.text()
            said += MARK in widget.text()
        if isinstance(widget, QTextEdit):
            assert "<img" not in widget.toHtml()
            said += MARK in widget.toPlainText()
        for text in tips(widget):
            assert not QtGui.Qt.mightBeRichText(text), text
            said += MARK in text
    for action in root.findChildren(QAction):
        assert not QtGui.Qt.mightBeRichText(action.toolTip())
    return said


def check_windows() -> int:
    return sum(check(window) for window in QApplication.topLevelWidgets())


def hostile_turn(turn: Turn) -> Turn:
    message = replace(turn.request.messages[0], text=HOSTILE)
    request = replace(turn.request, messages=(message,), fusion=HOSTILE)
    steps = tuple(replace(step, text=f" {HOSTILE}") for step in turn.steps)
    error = AppError("{said}", "{said}", said=HOSTILE)
    outcome = replace(not_none(turn.outcome), error=error, notes=(plain(HOSTILE),))
    info = replace(FAKE_FUSION, name=HOSTILE, head_choice=HeadChoice(((0, 1),), plain(HOSTILE)))
    model = replace(MODEL, fusions=(info,))
    return replace(turn, request=request, steps=steps, outcome=outcome, model=model, typed=HOSTILE)


def hostile_session() -> Session:
    """Two photos, so that they are listed; the one in view has an answer."""
    first, second = (replace(make_photo(seed=seed), name=HOSTILE) for seed in (1, 2))
    first, second = (replace(photo, notes=(plain(HOSTILE),)) for photo in (first, second))
    turns = [hostile_turn(sessions.turn(first))]
    with_photos = Conversation(first, turns), Conversation(second)
    return Session((Conversation(None), *with_photos), 1, HOSTILE)


@pytest.fixture
def hostile(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> App:
    """A window on a hostile model, with a hostile session that was opened by a hostile name."""
    app = make_app(FakeEngine((f" {HOSTILE}",) * 3, model=MODEL))
    path = tmp_path / f"{HOSTILE}.mmgpt"
    save_session(hostile_session(), path)
    app.files.sessions.open(path)
    assert check(app.window) > 0  # that it is being opened
    qtbot.waitUntil(lambda: bool(app.chat.controller.conversation.turns))
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[0], 1)
    qtbot.waitUntil(app.window.output.strip.isVisible)
    return app


def test_a_hostile_session_is_shown_as_it_stands(qtbot: QtBot, hostile: App) -> None:
    app = hostile
    assert check_windows() > 5
    assert MARK in app.window.heatmap.how.text()
    assert MARK in app.window.image.thumbnails.item(0).toolTip()
    assert MARK in app.window.output.strip.item(0).toolTip()
    menu = app.window.prompt.pictures.fill_menu()
    assert HOSTILE.replace("&", "&&") in menu.actions()[0].text()
    assert check(menu) == len(menu.actions())


def _cursor(view: QTextEdit, position: int) -> QTextCursor:
    cursor = view.textCursor()
    cursor.setPosition(position)
    return cursor


def test_a_words_tooltip_shows_it_as_it_stands(qtbot: QtBot, hostile: App) -> None:
    view = hostile.window.output.view
    places = (view.cursorRect(_cursor(view, at)).center() for at in range(len(view.toPlainText())))
    hit = next(place for place in places if view.span_at(place) is not None)
    event = QHelpEvent(QEvent.Type.ToolTip, hit, view.viewport().mapToGlobal(hit))
    QApplication.sendEvent(view.viewport(), event)
    shown = QToolTip.text()
    QToolTip.hideText()
    assert MARK in shown
    assert not QtGui.Qt.mightBeRichText(shown)


def ask(qtbot: QtBot, app: App) -> None:
    app.chat.controller.ask(HOSTILE)
    idle(qtbot, app)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[-1], 1)


def test_an_answer_and_an_error_are_shown_as_they_stand(qtbot: QtBot, hostile: App) -> None:
    app = hostile
    ask(qtbot, app)
    app.pictures.photos.open([Path(f"{HOSTILE}.png")])
    qtbot.waitUntil(lambda: bool(app.window.notices.current()))
    assert any(MARK in each.title.text() for each in app.window.notices.current())
    assert check_windows() > 5


def test_dialogs_show_hostile_text_as_it_stands(qtbot: QtBot, hostile: App) -> None:
    window = hostile.window
    entry = RecentSession(f"/{HOSTILE}/a.mmgpt", 1.0, 1, 1, HOSTILE)
    sample = SamplePhoto(mini_path(), HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    plain: tuple[QDialog, ...] = (
        AboutDialog(MODEL, window),
        RecentDialog((entry,), window),
        SamplesDialog((sample,), window),
    )
    for dialog in plain:
        assert check(dialog) > 0
        dialog.deleteLater()
    ask(qtbot, hostile)
    for kind, open_it in (
        (HeadGrid, hostile.heatmap.inspector.open_grid),
        (FormulaDialog, hostile.heatmap.inspector.open_brightest_formula),
        (Comparison, hostile.heatmap.comparisons.compare),
    ):
        open_it()
        qtbot.waitUntil(partial(lambda kind: bool(window.findChildren(kind)), kind))
        dialog = window.findChildren(kind)[0]
        check(dialog)
        dialog.reject()


def test_a_models_folder_is_shown_as_it_stands(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    folder = tmp_path / HOSTILE
    folder.symlink_to(mini_path())
    app = make_app(FakeEngine(model=MODEL), model_folders=(str(folder),), model=str(folder))
    with qtbot.waitSignal(app.models.list.changed):
        app.models.open_dialog()
    dialog = app.models.dialog
    assert dialog is not None
    dialog.choose(str(folder))
    assert check(dialog) > 0
    dialog.reject()


def test_a_shows_profile_and_files_are_shown_as_they_stand(
    make_show: MakeShow, tmp_path: Path
) -> None:
    (tmp_path / f"{HOSTILE}.png").symlink_to(tmp_path / "one.png")
    engine = FakeEngine((f" {HOSTILE}",) * 3, model=MODEL)
    show: EventApp = make_show(
        engine, title=HOSTILE, questions=(HOSTILE,), brand=Brand(None, None, HOSTILE)
    )
    assert check(show.window) > 0
    show.stage.open(tmp_path / f"{HOSTILE}.png")
    until(lambda: show.stage.visit.conversations)
    show.stage.ask(HOSTILE)
    until(lambda: not show.stage.asker.busy)
    assert check_windows() > 2


def test_a_file_that_would_be_replaced_is_named_as_it_stands(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    name = f"<img src=file:&#47;{MARK}>.mmgpt"
    (tmp_path / name).touch()
    dialog = FileDialog(None, "", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    line = dialog.findChild(QLineEdit)
    assert line is not None
    line.setText(name)
    asked: list[tuple[Qt.TextFormat, str]] = []

    def look() -> None:
        for box in dialog.findChildren(QMessageBox):
            asked.append((box.textFormat(), box.text()))
            box.reject()

    dialog.show()
    QTimer.singleShot(0, look)  # the question has an event loop of its own
    dialog.accept()
    assert [format_ for format_, _ in asked] == [Qt.TextFormat.PlainText]
    assert MARK in asked[0][1]
    assert dialog.result() != QDialog.DialogCode.Accepted
    dialog.deleteLater()


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "<b>", " \n<i>x", "a &lt; b", "<table bgcolor=red>", "a<a href='x'>b", "<p/>"],
)
def test_a_tip_is_never_html(text: str) -> None:
    assert QtGui.Qt.mightBeRichText(text)
    shown = tip(text)
    assert not QtGui.Qt.mightBeRichText(shown)
    assert shown.replace("\u2060", "") == text


@pytest.mark.parametrize("text", ["a cat & a dog", "a < b", "R&D", "", "1 > 0"])
def test_ordinary_text_stays_as_it_is_in_a_tip(text: str) -> None:
    assert tip(text) == text
