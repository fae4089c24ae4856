"""Another language in the running window: every text is the one it would have started with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.widgets.notices import Notice
from mmgpt_desktop.ui.window import missing_font
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask_about_photo, idle, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import THREE, FakeEngine, make_photo


def own_texts(widget: QWidget) -> Iterator[str]:
    yield widget.toolTip()
    yield widget.accessibleName()
    yield widget.accessibleDescription()
    if isinstance(widget, QAbstractButton | QLabel):
        yield widget.text()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(row) for row in range(widget.count()))
    if isinstance(widget, QPlainTextEdit):
        yield widget.placeholderText()
    if isinstance(widget, QTextEdit):
        yield widget.toPlainText()
    if isinstance(widget, QMenu):
        yield widget.title()
        yield from (action.text() for action in widget.actions())


def texts(app: App) -> list[tuple[str, ...]]:
    """Of all that is in the window, but for notices: they were said when they were said."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    widgets = [
        widget
        for widget in app.window.findChildren(QWidget)
        # What a hidden label says is written when it is shown.
        if widget.isVisible() or not isinstance(widget, QLabel)
    ]
    said = {
        (type(widget).__name__, *own_texts(widget))
        for widget in widgets
        if not isinstance(widget, Notice)
        and not widget.findChild(Notice)
        and not (isinstance(widget, QMenu) and not widget.title())  # Qt's own, for what lacks room
    }
    actions = {("QAction", action.text()) for action in app.window.findChildren(QAction)}
    return sorted(said | actions)


def nothing(_qtbot: QtBot, _app: App) -> None:
    pass


def answered(qtbot: QtBot, app: App) -> None:
    ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[0], 2)
    app.window.heatmap.choose_method(Method.OCCLUSION)
    app.window.output.underline.setCurrentIndex(1)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)


STATES = {"nothing yet": nothing, "an answer": answered}


def choose(qtbot: QtBot, app: App, language: str) -> None:
    with qtbot.waitSignal(app.window.rewritten):
        app.window.language_chosen.emit(language)


@pytest.mark.parametrize("state", STATES)
def test_the_running_window_speaks_the_new_language(
    qtbot: QtBot, make_app: MakeApp, state: str
) -> None:
    def start(language: str) -> App:
        app = make_app(FakeEngine(model=THREE, certainty=0.6), language=language)
        STATES[state](qtbot, app)
        return app

    def settled(app: App) -> list[tuple[str, ...]]:
        """What is drawn on another thread has come."""
        if state != "nothing yet":
            qtbot.waitUntil(app.window.output.strip.isVisible)
            caption = app.window.heatmap.picture.caption
            qtbot.waitUntil(lambda: "ball" in caption.text())
        return texts(app)

    def says(wanted: list[tuple[str, ...]]) -> None:
        assert set(texts(app)) ^ set(wanted) == set()

    app = start("zh_CN")
    chinese = settled(app)
    app.window.close()
    app = start("en")
    english = settled(app)
    choose(qtbot, app, "zh_CN")
    qtbot.waitUntil(lambda: says(chinese))
    choose(qtbot, app, "en")
    qtbot.waitUntil(lambda: says(english))


def test_the_status_bar_follows(qtbot: QtBot, make_app: MakeApp) -> None:
    broken = AppError("There is no file {name}.", "Choose a file.", name="x")
    app = make_app(FakeEngine(load_error=broken), wait=False)
    qtbot.waitUntil(app.window.status.load.isVisible)
    choose(qtbot, app, "zh_CN")
    assert app.window.status.text.whole == "没有文件 x。"


def test_actions_and_what_is_checked_stay(qtbot: QtBot, app: App) -> None:
    before = dict(app.window.actions_by_name)
    keys = {name: action.shortcuts() for name, action in before.items()}
    choose(qtbot, app, "zh_CN")
    assert app.window.actions_by_name == before
    assert {name: action.shortcuts() for name, action in before.items()} == keys
    titles = [action.text() for action in app.window.menuBar().actions()]
    assert len(titles) == 6
    assert all(ord(title[0]) > 0x4E00 for title in titles)
    assert app.window.actions_by_name["autosave"].isChecked()


def test_an_answer_goes_on_in_the_new_language(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine, details=True)
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    engine.release(3)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 3)
    choose(qtbot, app, "zh_CN")
    engine.release(10)
    idle(qtbot, app)
    shown = app.window.output.view.toPlainText()
    assert "A red ball in the corner." in shown
    assert "首词" in shown or "毫秒" in shown


def test_menus_stay_when_the_language_changes(app: App) -> None:
    """New ones would leave the old ones' Python halves behind, nine with each change."""
    menus = app.window.findChildren(QMenu)
    actions = app.window.findChildren(QAction)
    titles = [action.text() for action in app.window.menuBar().actions()]
    for language in ("zh_CN", "en"):
        app.window.language_chosen.emit(language)
    assert set(app.window.findChildren(QMenu)) == set(menus)
    assert len(app.window.findChildren(QAction)) == len(actions)
    assert [action.text() for action in app.window.menuBar().actions()] == titles


@pytest.mark.parametrize("there", [True, False])
def test_without_a_chinese_font_that_is_said_in_english(
    app: App, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    assert missing_font.writes_chinese()  # the tests' own font does
    monkeypatch.setattr(missing_font, "writes_chinese", lambda: there)
    app.window.language_chosen.emit("zh_CN")
    said = notices(app)
    assert any("no Chinese font" in text for text in said) is not there
