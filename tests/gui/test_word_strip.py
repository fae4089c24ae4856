from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.chat.word_strip import WordStrip
from mmgpt_desktop.ui.heatmap.heatmap_pane import METHODS
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, ask_about_photo
from tests.gui.conftest import MakeApp
from tests.gui_fakes import FakeEngine

WORDS = ["A", "red", "ball", "in", "the", "corner"]


def shown_words(strip: WordStrip) -> list[str]:
    return [strip.item(row).text() for row in range(strip.count())]


def picture(strip: WordStrip, row: int) -> QImage:
    return strip.item(row).icon().pixmap(QSize(54, 40)).toImage()


def bright_cell(strip: WordStrip, row: int) -> tuple[int, int]:
    """Column and row, of four by four, where a small map is brightest."""
    image = picture(strip, row)
    places = [(x, y) for x in range(4) for y in range(4)]

    def lightness(place: tuple[int, int]) -> int:
        x, y = ((part + 0.5) / 4 for part in place)
        colour = image.pixelColor(int(x * image.width()), int(y * image.height()))
        return colour.red() + colour.green()

    return max(places, key=lightness)


def test_each_word_has_its_own_small_map(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(smooth=False)
    assert app.window.output.strip.isHidden()
    ask_about_photo(qtbot, app)
    strip = app.window.output.strip
    qtbot.waitUntil(lambda: shown_words(strip) == WORDS)
    assert [bright_cell(strip, row) for row in range(5)] == [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1)]
    assert strip.currentRow() == 5


def test_words_without_spaces_have_their_own_maps(qtbot: QtBot, make_app: MakeApp) -> None:
    answer = ("一只", "", "猫", "坐在", "「", "沙发", "」", "上", "。", "")
    app = make_app(FakeEngine(answer), smooth=False)
    turn = ask_about_photo(qtbot, app)
    strip = app.window.output.strip
    qtbot.waitUntil(lambda: shown_words(strip) == ["一只", "猫", "坐在", "沙发", "上"])
    assert "".join(answer) in app.window.output.view.toPlainText()
    assert bright_cell(strip, 0) == (0, 0)
    strip.setCurrentRow(1)
    assert app.heatmap.heatmaps.chosen == (turn, 1)
    chosen = app.window.output.view.extraSelections()
    assert [each.cursor.selectedText() for each in chosen] == ["猫"]


def test_the_strip_and_the_answer_choose_the_same_word(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    strip = app.window.output.strip
    qtbot.waitUntil(lambda: strip.count() == len(WORDS))
    strip.setCurrentRow(1)
    assert app.heatmap.heatmaps.chosen == (turn, 1)
    app.heatmap.heatmaps.choose(turn, 4)
    assert strip.currentRow() == 4
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert app.heatmap.heatmaps.chosen == (turn, 3)


def test_pointing_in_the_strip_previews(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    strip = app.window.output.strip
    qtbot.waitUntil(lambda: strip.isVisible())
    middle = strip.visualItemRect(strip.item(0)).center()
    qtbot.mouseMove(app.window.prompt.edit)  # wherever the tests before have left it
    qtbot.mouseMove(strip.viewport(), middle)
    qtbot.waitUntil(lambda: app.heatmap.heatmaps.in_view == (turn, 0))
    strip.leaveEvent(None)
    assert app.heatmap.heatmaps.in_view == app.heatmap.heatmaps.chosen == (turn, 5)


def test_the_strip_follows_the_method(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(smooth=False)
    turn = ask_about_photo(qtbot, app)
    strip = app.window.output.strip
    qtbot.waitUntil(lambda: strip.count() == len(WORDS))
    before = picture(strip, 0)
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))
    app.window.heatmap.method.setCurrentIndex(METHODS.index(Method.OCCLUSION))
    app.window.heatmap.drawing.contours.setChecked(True)
    qtbot.waitUntil(lambda: picture(strip, 0) != before)


def test_an_answer_without_a_picture_has_no_strip(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine())
    ask(qtbot, app)
    assert app.window.output.strip.isHidden()
