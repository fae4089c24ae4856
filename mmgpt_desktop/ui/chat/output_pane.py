"""The answers, and what can be done with them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.chat.answer_view import AnswerView
from mmgpt_desktop.ui.chat.word_strip import WordStrip
from mmgpt_desktop.ui.widgets.box_layout import holder, stack, vbox
from mmgpt_desktop.ui.widgets.buttons import IconButton, push_button
from mmgpt_desktop.ui.widgets.controls import Choice, WaitBar
from mmgpt_desktop.ui.widgets.pane import EmptyState, Pane
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import Retranslated, say
from mmgpt_desktop.ui.widgets.theme import TIGHT, Theme
from mmgpt_desktop.verdicts import LINES

_WAIT_BEFORE_BUSY_MS = 300
_ANSWER_HEIGHT = 60


class OutputPane(Retranslated, Pane):
    """`underline_chosen` says what the words' underlines are to tell: needed or sure."""

    underline_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = AnswerView(theme)
        self._conversation = Conversation()
        self._room_for_legend = True
        self._empty = EmptyState(theme, "answer")
        self._stack = stack(self._empty, self.view)
        self._stack.setMinimumHeight(_ANSWER_HEIGHT)  # not the empty state's, beside the strip
        self.underline = Choice()
        self.underline.setMinimumWidth(110)
        self.underline.addItem("", "needed")
        self.underline.addItem("", "sure")
        self.underline.currentIndexChanged.connect(self._choose_underline)
        self.header.addWidget(self.underline)
        self.stop_button = IconButton(theme, "stop")
        self.copy_button = IconButton(theme, "copy")
        self.regenerate_button = IconButton(theme, "regenerate")
        self.clear_button = IconButton(theme, "clear")
        buttons = (self.stop_button, self.copy_button, self.regenerate_button, self.clear_button)
        for each in buttons:
            self.header.addWidget(each)
        self.body.addWidget(self._stack, 1)
        self.anyway_button = push_button()
        self.anyway_button.hide()
        self.body.addWidget(self.anyway_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.waiting_text = Label(look="muted")
        self._waiting = holder(vbox(self.waiting_text, WaitBar(theme), gap=TIGHT, margins=0))
        self._waiting.hide()
        self.body.addWidget(self._waiting)
        self.strip = WordStrip()
        self.strip.hide()
        # Whether there is room; the strip says if there are words.
        self._strip_place = holder(vbox(self.strip, margins=0))
        self.body.addWidget(self._strip_place)
        self.legend = Label(look="caption", wraps=True, scale=0.9)
        self.body.addWidget(self.legend)
        self.view.copy_wanted.connect(self.copy)
        self._delay = QTimer(self, singleShot=True, interval=_WAIT_BEFORE_BUSY_MS)
        self._delay.timeout.connect(self._waiting.show)
        self.retranslate_ui()
        self.show_conversation(self._conversation)

    def retranslate_ui(self) -> None:
        self.set_title(self.tr("Answer"))
        self.view.setAccessibleName(self.tr("Answers; the arrow keys walk from word to word"))
        self._empty.set_texts(
            self.tr("The answer appears here"),
            self.tr("word by word. Point at a word to see where the model looked for it."),
        )
        self.stop_button.set_name(self.tr("Stop"), "Esc")
        self.copy_button.set_name(self.tr("Copy the last answer"), "Ctrl+Shift+C")
        self.regenerate_button.set_name(self.tr("Answer again"), "Ctrl+R")
        self.clear_button.set_name(self.tr("Clear this conversation"), "Ctrl+L")
        self.anyway_button.setText(self.tr("Ask the model anyway"))
        self.anyway_button.setToolTip(
            self.tr("It will guess. Asking the same again does this too.")
        )
        self.underline.setAccessibleName(self.tr("What a word's underline tells"))
        self.underline.setItemText(0, self.tr("Needs the picture?"))
        self.underline.setItemText(1, self.tr("How sure?"))
        self._write_legend()

    def _choose_underline(self) -> None:
        self._write_legend()
        self.underline_chosen.emit(self.underline.currentData())

    def _write_legend(self) -> None:
        if self.underline.currentData() == "sure":
            text = self.tr(
                "Dashed line under a word: the model was not quite sure. Dotted: it was unsure."
            )
        else:
            text = say(LINES)
        self.legend.setText(text)
        self.underline.setToolTip(tip(f"{self.underline.accessibleName()}\n{text}"))

    def take_settings(self, settings: Settings) -> None:
        self.underline.setCurrentIndex(max(0, self.underline.findData(settings.underline)))
        self.underline_chosen.emit(self.underline.currentData())

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.view.show_conversation(conversation)
        self.refresh()

    def refresh(self) -> None:
        """Fit the pane to what the conversation holds."""
        turns = self._conversation.turns
        self._stack.setCurrentWidget(self.view if turns else self._empty)
        self.legend.setVisible(bool(turns) and self._room_for_legend)
        replied = bool(turns) and turns[-1].reply is not None
        self.anyway_button.setVisible(replied and turns[-1].leads_to_a_guess)

    def set_room(self, *, strip: bool, legend: bool) -> None:
        """Where there is little, the answer itself has it; the choice's tooltip is the legend."""
        self._strip_place.setVisible(strip)
        self._room_for_legend = legend
        self.refresh()

    def wait_for_first_word(self, text: str) -> None:
        self.waiting_text.setText(text)
        self._delay.start()

    def end_waiting(self) -> None:
        self._delay.stop()
        self._waiting.hide()

    def copy(self) -> None:
        """What is selected, else the last answer."""
        selected = self.view.textCursor().selectedText().replace("\u2029", "\n")
        answers = [turn.answer.strip() for turn in self._conversation.turns]
        text = selected or next((answer for answer in reversed(answers) if answer), "")
        if text:
            QGuiApplication.clipboard().setText(text)
