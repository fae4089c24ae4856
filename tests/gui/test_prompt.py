from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QLocale, QMimeData, Qt, QUrl
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.pictures.sources import offers_picture, read_sources
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.widgets.theme import Theme
from tests.gui_fakes import make_image
from tests.records import MODEL


@pytest.fixture
def pane(qtbot: QtBot, qapp: QApplication) -> PromptPane:
    pane = PromptPane(Theme(qapp, "light"))
    qtbot.addWidget(pane)
    pane.resize(620, 220)
    pane.show()
    return pane


def test_enter_asks_and_shift_enter_breaks_the_line(qtbot: QtBot, pane: PromptPane) -> None:
    asked: list[str] = []
    pane.asked.connect(asked.append)
    qtbot.keyClicks(pane.edit, "one")
    qtbot.keyClick(pane.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(pane.edit, "two")
    assert asked == []
    qtbot.keyClick(pane.edit, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert asked == ["one\ntwo"]


def test_up_and_down_walk_the_history_and_return_to_the_draft(
    qtbot: QtBot, pane: PromptPane
) -> None:
    for question in ("first", "second", "second"):
        pane.edit.remember(question)
    pane.edit.replace("draft")
    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(pane.edit, key)
        seen.append(pane.edit.toPlainText())
    assert seen == ["second", "first", "first", "second", "draft"]


def test_up_moves_within_several_lines_first(qtbot: QtBot, pane: PromptPane) -> None:
    pane.edit.remember("old")
    pane.edit.replace("one\ntwo")
    qtbot.keyClick(pane.edit, Qt.Key.Key_Up)
    assert pane.edit.toPlainText() == "one\ntwo"
    qtbot.keyClick(pane.edit, Qt.Key.Key_Up)
    assert pane.edit.toPlainText() == "old"


def test_a_chip_asks_and_leaves_the_draft(qtbot: QtBot, pane: PromptPane) -> None:
    asked: list[str] = []
    pane.asked.connect(asked.append)
    pane.edit.replace("draft")
    pane.chips.buttons[1].click()
    assert asked == ["What is happening here?"]
    pane.accepted(asked[0])
    assert pane.edit.toPlainText() == "draft"


def test_the_last_chip_begins_a_question_with_its_gap_selected(pane: PromptPane) -> None:
    pane.chips.buttons[-1].click()
    assert pane.edit.toPlainText() == "What colour is the …?"
    assert pane.edit.textCursor().selectedText() == "…"


def test_chips_that_do_not_fit_are_left_out(qtbot: QtBot, pane: PromptPane) -> None:
    pane.resize(330, 220)
    shown = [chip for chip in pane.chips.buttons if chip.isVisible()]
    assert 0 < len(shown) < len(pane.chips.buttons)
    assert all(chip.geometry().right() < pane.chips.width() for chip in shown)


def test_a_problem_goes_away_with_the_next_letter(qtbot: QtBot, pane: PromptPane) -> None:
    pane.show_problem("Write a question first.")
    assert pane.problem.isVisible()
    qtbot.keyClicks(pane.edit, "a")
    assert not pane.problem.isVisible()


def test_a_given_back_question_does_not_replace_a_new_one(pane: PromptPane) -> None:
    pane.edit.replace("new")
    pane.give_back("old")
    assert pane.edit.toPlainText() == "new"
    pane.edit.replace("")
    pane.give_back("old")
    assert pane.edit.toPlainText() == "old"


def test_pasted_pictures_and_files_go_to_the_picture_pane(pane: PromptPane) -> None:
    pasted: list[QMimeData] = []
    pane.edit.picture_pasted.connect(pasted.append)
    picture, file, text = QMimeData(), QMimeData(), QMimeData()
    picture.setImageData(make_image())
    file.setUrls([QUrl.fromLocalFile("/tmp/a b.png")])
    file.setText("/tmp/a b.png")
    text.setText("plain")
    for mime in (picture, file, text):
        pane.edit.insertFromMimeData(mime)
    assert pasted == [picture, file]
    assert pane.edit.toPlainText() == "plain"


def test_a_very_long_paste_arrives_whole(qtbot: QtBot, pane: PromptPane) -> None:
    mime = QMimeData()
    mime.setText("word " * 20_000)
    pane.edit.insertFromMimeData(mime)
    QApplication.processEvents()
    qtbot.keyClicks(pane.edit, "x")
    QApplication.processEvents()
    assert len(pane.edit.toPlainText()) == 100_001


def test_of_a_whole_library_the_beginning_is_pasted(pane: PromptPane) -> None:
    """All of it would stop the window for seconds."""
    mime = QMimeData()
    mime.setText("book " * 120_000)
    pane.edit.setPlainText("draft")
    pane.edit.insertFromMimeData(mime)
    assert len(pane.edit.toPlainText()) == 500_005
    assert pane.problem.isVisible()
    assert QLocale().toString(500_000) in pane.problem.text()
    pane.edit.undo()
    assert pane.edit.toPlainText() == "draft"


def test_ctrl_z_in_an_untouched_field_undoes_elsewhere(qtbot: QtBot, pane: PromptPane) -> None:
    with qtbot.waitSignal(pane.edit.undo_wanted):
        qtbot.keyClick(pane.edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    pane.edit.replace("text")
    with qtbot.assertNotEmitted(pane.edit.undo_wanted):
        qtbot.keyClick(pane.edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert pane.edit.toPlainText() == ""


class Hanging(QMimeData):
    """As Qt gives the clipboard of a program that doesn't answer: each question takes long."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = 0

    def formats(self) -> list[str]:
        self.questions += 1
        return []

    def hasFormat(self, mimetype: str) -> bool:  # noqa: N802
        self.questions += 1
        return False

    def retrieveData(self, mimetype: str, preferredType: object) -> object:  # noqa: N802, N803
        self.questions += 1
        return None


def test_a_clipboard_that_does_not_answer_is_asked_once(pane: PromptPane) -> None:
    pane.edit.setPlainText("draft")
    for use in (
        pane.edit.insertFromMimeData,
        pane.edit.canInsertFromMimeData,
        offers_picture,
        read_sources,
    ):
        mime = Hanging()
        assert not use(mime)
        assert mime.questions == 1
    assert pane.edit.toPlainText() == "draft"


@pytest.mark.parametrize(
    ("languages", "asked"),
    [(("en",), "What objects are here?"), ((), "What objects are here?"), (("en", "zh"), None)],
    ids=["English", "nobody knows", "both"],
)
def test_a_chip_asks_in_the_window_s_language_where_the_model_reads_it(
    qapp: QApplication, pane: PromptPane, languages: tuple[str, ...], asked: str | None
) -> None:
    questions: list[str] = []
    pane.asked.connect(questions.append)
    try:
        install_language(qapp, "zh_CN")
        pane.set_model(replace(MODEL, languages=languages))
        chip, begins = pane.chips.buttons[2], pane.chips.buttons[3]
        assert not chip.text().isascii()
        chip.click()
        assert questions == [asked or chip.text()]
        assert questions[0] in chip.toolTip()
        begins.click()
        assert pane.edit.textCursor().selectedText() == "…"
        in_english = pane.edit.toPlainText() == "What colour is the …?"
        assert in_english == (asked is not None)
    finally:
        install_language(qapp, "en")


def test_the_invitation_names_the_languages_that_the_model_reads(pane: PromptPane) -> None:
    said = {}
    for languages in (("en",), ("en", "zh"), ()):
        pane.set_model(replace(MODEL, languages=languages))
        said[languages] = pane.edit.placeholderText()
    assert "in English about" in said["en",]
    assert "English or Chinese" in said["en", "zh"]
    assert "English" not in said[()]
