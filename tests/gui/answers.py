"""A question asked in the window, its answer waited for; what the window tells."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.ui.window.app import App
from tests.gui_fakes import make_photo


def idle(qtbot: QtBot, app: App) -> None:
    """No answer is being written, and none waits."""
    qtbot.waitUntil(lambda: not app.chat.controller.busy)


def ask(qtbot: QtBot, app: App, question: str = "What?") -> Turn:
    """About the photo in view, if there is one: the turn with the answer, which comes."""
    app.chat.controller.ask(question)
    idle(qtbot, app)
    return app.chat.controller.conversation.turns[-1]


def ask_about_photo(qtbot: QtBot, app: App) -> Turn:
    """About a photo that is added where there is none yet."""
    if app.pictures.photos.count == 0:
        app.pictures.photos.add(make_photo())
    return ask(qtbot, app)


def fill(qtbot: QtBot, app: App) -> None:
    """Two photos, an answer about the second, its checks, and a word that is chosen."""
    for seed in (1, 2):
        app.pictures.photos.add(make_photo(seed=seed))
    turn = ask(qtbot, app)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    app.heatmap.heatmaps.choose(turn, 2)
    qtbot.waitUntil(app.window.output.strip.isVisible)


def notices(app: App) -> list[str]:
    """The titles of what the window tells, the oldest first."""
    return [notice.title.text() for notice in app.window.notices.current()]
