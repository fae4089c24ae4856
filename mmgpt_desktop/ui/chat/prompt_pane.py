"""Where one asks."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QLocale, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QSizePolicy, QWidget

from mmgpt_desktop.messages import ModelInfo, Photo
from mmgpt_desktop.painted import PainterInfo
from mmgpt_desktop.ui.chat.draw_bar import AskOrDraw, DrawBar, drawn_as, taught_text
from mmgpt_desktop.ui.chat.fusion_switch import FusionSwitch
from mmgpt_desktop.ui.chat.picture_chips import PictureButton, PictureNames
from mmgpt_desktop.ui.pictures.sources import is_files, is_silent, offers_picture
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.widgets.picture_names import reference, select_reference
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import (
    Retranslated,
    asked_as,
    invitation,
)
from mmgpt_desktop.ui.widgets.theme import SMALL, Theme, set_font

MOST_HISTORY = 200
_MOST_PASTED = 500_000  # characters: far more than can be asked, and soon there
_OTHER_LINE = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
_FEWEST_LINES = 2
# A chip shows its translation, and asks so where the model reads that.
_CHIPS = (
    "Describe this picture.",
    "What is happening here?",
    "What objects are here?",
    "What colour is the …?",
)
_EXAMPLES = (
    "a yellow sunflower",
    "a pink rose",
    "a blue shirt",
    "an orange flower",
)


class PromptEdit(QPlainTextEdit):
    """Enter asks, Shift+Enter breaks the line, Up and Down at the edges walk the history.

    Ctrl+Enter asks too: many are used to that.
    As high as its text, from two lines on; from `set_most_lines` on it scrolls.
    Ctrl+Z takes back typing, unless something else was thrown away since the last letter.
    """

    asked = Signal()
    picture_pasted = Signal(object)  # QMimeData
    text_cut = Signal()  # what was pasted was far too long
    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: list[str] = []
        self._place = 0
        self._draft = ""
        self._undo_elsewhere = False
        self._most_lines = _FEWEST_LINES
        self.textChanged.connect(self._typed)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self.setTabChangesFocus(True)
        set_font(self, scale=1.05)

    def set_most_lines(self, count: int) -> None:
        self._most_lines = count
        self._grow()

    def _grow(self) -> None:
        """By the blocks themselves: another script's lines may be higher than the font's."""
        line, margins = self.fontMetrics().lineSpacing(), 2 * self.document().documentMargin()
        least, most = (count * line + margins for count in (_FEWEST_LINES, self._most_lines))
        block, height = self.document().firstBlock(), 0.0
        while block.isValid() and height < most:
            height += self.blockBoundingRect(block).height()  # margins included
            block = block.next()
        around = self.height() - self.viewport().height()
        self.setFixedHeight(math.ceil(min(max(height, least), most)) + around)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._grow()

    def remember(self, question: str) -> None:
        if self._history[-1:] != [question]:
            self._history = [*self._history, question][-MOST_HISTORY:]
        self._place, self._draft = len(self._history), ""

    def set_undo_elsewhere(self, available: bool) -> None:
        self._undo_elsewhere = available

    def _typed(self) -> None:
        self._undo_elsewhere = False

    def replace(self, text: str) -> None:
        """Like typing it: Ctrl+Z brings back what was there."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key, held = event.key(), event.modifiers()
        plain = not held & ~Qt.KeyboardModifier.KeypadModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not held & _OTHER_LINE:
            if not event.isAutoRepeat():  # a key that is held down asks once
                self._enter()
        elif self._composing:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Up and plain and self._at_edge(QTextCursor.MoveOperation.Up):
            self._walk(-1)
        elif key == Qt.Key.Key_Down and plain and self._at_edge(QTextCursor.MoveOperation.Down):
            self._walk(+1)
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete) and plain and self._remove_name(key):
            pass  # a picture's name goes as a whole
        elif event.matches(QKeySequence.StandardKey.Undo) and (
            self._undo_elsewhere or not self.document().isUndoAvailable()
        ):
            self.undo_wanted.emit()
        else:
            super().keyPressEvent(event)

    @property
    def _composing(self) -> bool:
        """An input method's letters stand there and are not yet a part of the text."""
        return bool(self.textCursor().block().layout().preeditAreaText())

    def _enter(self) -> None:
        """Asks, or ends what is being composed: Chinese is typed so, whoever saw the key first."""
        if self._composing:
            QGuiApplication.inputMethod().commit()
        else:
            self.asked.emit()

    def _remove_name(self, key: int) -> bool:
        cursor = self.textCursor()
        if cursor.hasSelection():
            return False
        found = select_reference(cursor, before=key == Qt.Key.Key_Backspace)
        if found:
            cursor.removeSelectedText()
        return found

    def name_picture(self, number: int) -> None:
        """Put a picture's name where the cursor is, with a space around it where need be."""
        cursor = self.textCursor()
        text, start, stop = self.toPlainText(), cursor.selectionStart(), cursor.selectionEnd()
        before = " " if start and not text[start - 1].isspace() else ""
        after = "" if text[stop : stop + 1].isspace() else " "
        cursor.insertText(f"{before}{reference(number)}{after}")
        self.setTextCursor(cursor)
        self.setFocus()

    def _at_edge(self, direction: QTextCursor.MoveOperation) -> bool:
        return not QTextCursor(self.textCursor()).movePosition(direction)

    def _walk(self, step: int) -> None:
        place = self._place + step
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.toPlainText()
        self._place = place
        self.replace(self._history[place] if place < len(self._history) else self._draft)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if offers_picture(event.mimeData()):
            event.ignore()  # the window takes it
        else:
            super().dragEnterEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802
        if is_silent(source):
            return False
        return offers_picture(source) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802
        if is_silent(source):
            return
        if is_files(source) or (offers_picture(source) and not source.hasText()):
            self.picture_pasted.emit(source)
        elif len(text := source.text()) > _MOST_PASTED:
            self.textCursor().insertText(text[:_MOST_PASTED])  # all would stop the window
            self.text_cut.emit()
        else:
            super().insertFromMimeData(source)


class Chips(QWidget):
    """Buttons in a row; those that don't fit are left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.buttons: list[QPushButton] = []

    def add(self, button: QPushButton) -> None:
        button.setParent(self)
        self.buttons.append(button)
        self.setMinimumHeight(button.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.place()
        super().resizeEvent(event)

    def place(self) -> None:
        left = 0
        for button in self.buttons:
            size = button.sizeHint()
            button.setVisible(left + size.width() <= self.width())
            button.setGeometry(left, (self.height() - size.height()) // 2, *size.toTuple())
            left += size.width() + SMALL


class PromptPane(Retranslated, Pane):
    """Where one asks, or says what is to be drawn. The switch between both is there once a painter
    is."""

    asked = Signal(str)
    draw_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model: ModelInfo | None = None  # whom is asked
        self._painter: PainterInfo | None = None
        self._answering = self._drawing = False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.mode, self.draw_bar, self.fusions = AskOrDraw(), DrawBar(), FusionSwitch(theme)
        self.mode.changed.connect(self._change_mode)
        for part in (self.mode, self.draw_bar, self.fusions):
            self.header.addWidget(part)
        self.edit = PromptEdit()
        self.edit.asked.connect(self._ask)
        self.edit.textChanged.connect(self._clear_problem)
        self.edit.text_cut.connect(self._tell_cut)
        self.names = PictureNames(theme, self.edit.document())
        self.pictures = PictureButton(theme)
        self.pictures.chosen.connect(self.edit.name_picture)
        self.problem = Label(look="problem", wraps=True)
        self.problem.hide()
        self.ask_button = push_button(clicked=self._ask, look="primary")
        self.stop_button = push_button()
        for each in (self.ask_button, self.stop_button):
            each.setIconSize(QSize(16, 16))
        self.chips, self.examples = Chips(), Chips()
        self._make_chips()
        parts = ((self.chips, 1), (self.examples, 1), self.pictures)
        row = hbox(*parts, self.stop_button, self.ask_button, gap=SMALL)
        self.body.addWidget(self.edit)
        self.body.addWidget(self.problem)
        self.body.addLayout(row)
        theme.changed.connect(self._draw)
        self.retranslate_ui()
        self._change_mode()
        self.set_busy(False)

    def retranslate_ui(self) -> None:
        self._write_mode()
        self.pictures.set_name(self.tr("Name another picture in the question"), "Ctrl+I")
        self.stop_button.setText(self.tr("Stop"))
        self._offer_stop()
        labels = (
            self.tr("Describe this picture."),
            self.tr("What is happening here?"),
            self.tr("What objects are here?"),
            self.tr("What colour is the …?"),
        )
        for chip, label, question in zip(self.chips.buttons, labels, _CHIPS, strict=True):
            chip.setText(label)
            asked = asked_as(question, label, self._model)
            chip.setToolTip(tip(self.tr("Ask: {question}").format(question=asked)))
            if "…" in question:
                chip.setToolTip(self.tr("Begin this question, to be completed"))
        self._write_examples()
        self.chips.place()
        self._clear_problem()

    def _write_examples(self) -> None:
        labels = (
            self.tr("a yellow sunflower"),
            self.tr("a pink rose"),
            self.tr("a blue shirt"),
            self.tr("an orange flower"),
        )
        for chip, label, prompt in zip(self.examples.buttons, labels, _EXAMPLES, strict=True):
            chip.setText(label)
            drawn = drawn_as(prompt, label, self._painter)
            chip.setToolTip(tip(self.tr("Draw: {prompt}").format(prompt=drawn)))
        self.examples.place()

    def _write_mode(self) -> None:
        """What is said of asking, or of drawing."""
        if self.draws:
            self.set_title(self.tr("Drawing"))
            things, said = taught_text(self._painter), self.tr("What is to be drawn? Enter draws.")
            if things:
                said = self.tr("What is to be drawn? The painter learnt {things}. Enter draws.")
            self.edit.setPlaceholderText(said.format(things=things))
            self.edit.setAccessibleName(self.tr("What is to be drawn"))
            self.ask_button.setText(self.tr("Draw"))
            self.ask_button.setToolTip(self.tr("Draw (Enter)"))
            return
        self.set_title(self.tr("Question"))
        self.edit.setPlaceholderText(
            self.tr("{invitation}. Enter asks, Shift+Enter breaks the line.").format(
                invitation=invitation(self._model)
            )
        )
        self.edit.setAccessibleName(self.tr("Your question"))
        self.ask_button.setText(self.tr("Ask"))
        self.ask_button.setToolTip(self.tr("Ask (Enter)"))

    def set_model(self, model: ModelInfo) -> None:
        self._model = model
        self.fusions.set_model(model)
        self.retranslate_ui()
        self._change_mode()

    def set_painter(self, painter: PainterInfo) -> None:
        """From now on one can have something drawn."""
        self._painter = painter
        self.retranslate_ui()
        self._change_mode()

    @property
    def draws(self) -> bool:
        return self._painter is not None and self.mode.on_second

    def _change_mode(self) -> None:
        draws = self.draws
        self.mode.setVisible(self._painter is not None)
        self.draw_bar.setVisible(draws)
        self.fusions.setVisible(not draws and self.fusions.fusion is not None)
        self.chips.setVisible(not draws)
        self.examples.setVisible(draws)
        self.pictures.set_wanted(not draws)
        self._write_mode()
        self._clear_problem()
        self._draw()

    def set_photos(self, photos: list[Photo]) -> None:
        """What can be named in the question."""
        self.names.set_count(len(photos))
        self.pictures.set_photos(photos)

    def _make_chips(self) -> None:
        for question in _CHIPS:
            chip = push_button(look="chip")
            chip.clicked.connect(partial(self._press, chip, question))
            self.chips.add(chip)
        for prompt in _EXAMPLES:
            chip = push_button(look="chip")
            chip.clicked.connect(partial(self._press_example, chip, prompt))
            self.examples.add(chip)

    def _press(self, chip: QPushButton, question: str, _checked: bool = False) -> None:
        asked = asked_as(question, chip.text(), self._model)
        if "…" in asked:
            self._begin(asked)
        else:
            self.asked.emit(asked)

    def _press_example(self, chip: QPushButton, prompt: str, _checked: bool = False) -> None:
        """It stays in the field, to be changed."""
        self.edit.replace(drawn_as(prompt, chip.text(), self._painter))
        self._ask()

    def _begin(self, question: str) -> None:
        """Put the question into the field with its gap selected."""
        self.edit.replace(question)
        gap = question.find("…")
        cursor = self.edit.textCursor()
        cursor.setPosition(gap)
        cursor.setPosition(gap + 1, QTextCursor.MoveMode.KeepAnchor)
        self.edit.setTextCursor(cursor)
        self.edit.setFocus()

    def _ask(self) -> None:
        (self.draw_wanted if self.draws else self.asked).emit(self.edit.toPlainText())

    def accepted(self, question: str) -> None:
        """The question is on its way: keep it in the history, empty the field if it was there."""
        self.edit.remember(question)
        if self.edit.toPlainText().strip() == question:
            self.edit.replace("")
        self._clear_problem()

    def give_back(self, question: str) -> None:
        """A question that could not be asked; what was written since then stays."""
        if not self.edit.toPlainText().strip():
            self.edit.replace(question)

    def _tell_cut(self) -> None:
        said = self.tr("That was too long: only its first {limit} characters were pasted.")
        self.show_problem(said.format(limit=QLocale().toString(_MOST_PASTED)))

    def show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setAccessibleName(text)
        self.problem.show()
        announce(self.problem, text)

    def _clear_problem(self) -> None:
        if not self.problem.isHidden():
            self.problem.hide()

    def set_busy(self, busy: bool) -> None:
        """Whether an answer is being written."""
        self._answering = busy
        self._offer_stop()

    def set_drawing(self, busy: bool) -> None:
        """Whether something is being drawn."""
        self._drawing = busy
        self._offer_stop()

    def _offer_stop(self) -> None:
        """It stops all that is under way, and says what that is."""
        self.stop_button.setVisible(self._answering or self._drawing)
        both = self.tr("Stop the answer and the drawing (Esc)")
        alone = self.tr("Stop drawing (Esc)") if self._drawing else self.tr("Stop the answer (Esc)")
        self.stop_button.setToolTip(tip(both if self._answering and self._drawing else alone))

    def _draw(self) -> None:
        self.ask_button.setIcon(self._theme.icon("draw" if self.draws else "ask", "on_accent"))
        self.stop_button.setIcon(self._theme.icon("stop"))
