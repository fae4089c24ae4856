from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.heatmap.heatmap_pane import METHODS
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask_about_photo
from tests.gui_fakes import ANSWER

LAST = len(ANSWER) - 2  # the full stop belongs to the last word


def caption(app: App) -> str:
    return app.window.heatmap.picture.caption.text()


def choose(qtbot: QtBot, app: App, turn: Turn, word: int, text: str) -> None:
    app.heatmap.heatmaps.choose(turn, word)
    qtbot.waitUntil(lambda: caption(app).startswith(f"“{text}”"))


def test_the_film_shows_each_word_and_ends(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    pane = app.window.heatmap
    pane.film_button.click()
    seen = []
    while app.heatmap.film.running:
        assert pane.film_button.accessibleName() == "Stop the film"
        chosen = app.heatmap.heatmaps.chosen
        assert chosen is not None
        seen.append(chosen[1])
        app.heatmap.film.step()
    assert seen == list(range(len(turn.words)))
    assert app.heatmap.heatmaps.chosen == (turn, LAST)
    assert pane.film_button.accessibleName() == "Play the answer word by word"


def test_choosing_a_word_or_the_button_ends_the_film(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    app.window.actions_by_name["film"].trigger()
    app.heatmap.heatmaps.choose(turn, 3)
    app.heatmap.film.step()
    assert not app.heatmap.film.running
    assert app.heatmap.heatmaps.chosen == (turn, 3)
    app.window.actions_by_name["film"].trigger()
    app.window.heatmap.film_button.click()
    assert not app.heatmap.film.running


def test_without_an_answer_there_is_no_film(app: App) -> None:
    app.window.actions_by_name["film"].trigger()
    assert not app.heatmap.film.running


def test_a_held_key_shows_the_word_before(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    answer = app.window.output.view
    choose(qtbot, app, turn, 1, "red")
    before = app.window.heatmap.picture.view.layer
    choose(qtbot, app, turn, 2, "ball")
    now = app.window.heatmap.picture.view.layer
    qtbot.keyPress(answer, Qt.Key.Key_X)
    assert caption(app).startswith("Before: “red”")
    assert app.window.heatmap.picture.view.layer is before
    qtbot.keyRelease(answer, Qt.Key.Key_X)
    assert caption(app).startswith("“ball”")
    assert app.window.heatmap.picture.view.layer is now


def test_the_button_shows_the_method_before(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    choose(qtbot, app, turn, 1, "red")
    pane = app.window.heatmap
    pane.method.setCurrentIndex(METHODS.index(Method.NO_SINKS))
    shown: list[object] = []
    pane.picture.heatmap_shown.connect(shown.append)
    qtbot.waitUntil(lambda: bool(shown))
    pane.before_button.pressed.emit()
    assert caption(app) == "Before: “red” · Attention"
    pane.before_button.released.emit()
    assert caption(app) == "“red”"


def test_when_nothing_was_before_a_held_key_changes_nothing(qtbot: QtBot, app: App) -> None:
    app.heatmap.heatmaps.show_before(True)
    app.heatmap.heatmaps.show_before(False)
    assert app.window.heatmap.picture.view.layer is None
