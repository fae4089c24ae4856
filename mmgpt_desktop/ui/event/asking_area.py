"""Where visitors ask: questions as cards, and a line for their own."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QT_TRANSLATE_NOOP, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QInputDevice, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.ui.event.cards import QuestionCard, in_turn, take_away
from mmgpt_desktop.ui.event.keyboard import Keyboard
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.texts import Retranslated, translated, usual_question
from mmgpt_desktop.ui.widgets.theme import Theme

MOST_CARDS = 6
_USUAL = (
    QT_TRANSLATE_NOOP("questions", "What is this?"),
    QT_TRANSLATE_NOOP("questions", "What is happening here?"),
    QT_TRANSLATE_NOOP("questions", "Describe this picture."),
)


def as_said(question: str) -> str:
    """A usual question in the window's language; any other as it is."""
    return translated("questions", question)


class AskingArea(Retranslated, QWidget):
    """A card says a usual question in the window's language, and asks it so where the model reads
    that."""

    asked = Signal(str)

    def __init__(self, theme: Theme, scale: Scale, most_chars: int) -> None:
        super().__init__()
        self._scale = scale
        self._questions: tuple[str, ...] = ()
        self._model: ModelInfo | None = None  # whom is asked
        self.cards: list[QuestionCard] = []
        self.line = QLineEdit(maxLength=most_chars)
        self.line.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.line.setAcceptDrops(False)  # the window takes what is dropped, wherever
        self.line.installEventFilter(self)
        self.letters, self.ask = push_button(), push_button(clicked=self._ask_typed, look="primary")
        self.letters.setCheckable(True)
        self.keyboard = Keyboard(theme, scale, self.line)
        self.keyboard.hide()
        self.line.returnPressed.connect(self._ask_typed)
        self.letters.toggled.connect(self.show_keyboard)
        self._arrange()
        scale.set_icon(self.letters, theme, "keyboard", 4)
        self.retranslate_ui()

    def _arrange(self) -> None:
        self._cards = QWidget()
        self._grid = self._scale.grid(gap=1.4)
        self._cards.setLayout(self._grid)
        row = self._scale.hbox((self.line, 1), self.letters, self.ask, gap=1)
        self.setLayout(self._scale.vbox(self._cards, row, self.keyboard, gap=1.6))

    def retranslate_ui(self) -> None:
        self.line.setPlaceholderText(self.tr("Or ask your own question"))
        self.line.setAccessibleName(self.line.placeholderText())
        self.letters.setAccessibleName(self.tr("Letters on the screen"))
        self.ask.setText(self.tr("Ask"))
        self.set_questions(self._questions)

    def set_model(self, model: ModelInfo) -> None:
        self._model = model

    def set_questions(self, questions: tuple[str, ...]) -> None:
        self._questions = questions
        take_away(self._grid, self.cards)
        self.cards = [self._card(question) for question in questions[:MOST_CARDS]]
        for place, card in enumerate(self.cards):
            alone = place == len(self.cards) - 1 and place % 2 == 0
            self._grid.addWidget(card, place // 2, place % 2, 1, 2 if alone else 1)
        in_turn([*self.cards, self.line, self.letters, self.ask])

    def _card(self, question: str) -> QuestionCard:
        card = QuestionCard(self._scale, question, as_said(question))
        card.clicked.connect(partial(self._ask_usual, question))
        return card

    def _ask_usual(self, question: str, _checked: bool = False) -> None:
        self._ask(usual_question(question, self._model))

    def _ask_typed(self) -> None:
        if self.line.text().strip():
            self._ask(self.line.text())

    def _ask(self, question: str) -> None:
        self.letters.setChecked(False)
        self.asked.emit(question)

    def show_keyboard(self, wanted: bool) -> None:
        self.keyboard.setVisible(wanted)
        self._cards.setVisible(not wanted)
        if wanted:
            self.line.setFocus()

    def clear(self) -> None:
        """Also what could be taken back in the line."""
        self.line.setText("")
        self.letters.setChecked(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """A finger on the line wants letters to touch."""
        touched = (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.device().type() == QInputDevice.DeviceType.TouchScreen
        )
        if touched:
            self.letters.setChecked(True)
        return super().eventFilter(watched, event)
