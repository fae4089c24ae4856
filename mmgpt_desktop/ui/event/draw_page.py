"""Where visitors have a picture drawn, and see it grow."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.event.profile import EventDrawing
from mmgpt_desktop.painted import PainterInfo, PaintStep
from mmgpt_desktop.ui.chat.draw_bar import drawn_as
from mmgpt_desktop.ui.event.asking_area import AskingArea
from mmgpt_desktop.ui.event.cards import QuestionCard, words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.pictures.growing_view import GrowingPictures
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.texts import Retranslated, translated
from mmgpt_desktop.ui.widgets.theme import Theme


class WishArea(AskingArea):
    """Prompts as cards; a line for visitors' own words where these are allowed."""

    def __init__(self, theme: Theme, scale: Scale, most_chars: int, drawing: EventDrawing) -> None:
        self._free = drawing.free
        self._painter: PainterInfo | None = None
        super().__init__(theme, scale, most_chars)
        for each in (self.line, self.letters, self.ask):
            each.setVisible(self._free)
        self.set_questions(drawing.prompts)

    def retranslate_ui(self) -> None:
        super().retranslate_ui()
        self.line.setPlaceholderText(self.tr("Or say what I shall draw"))
        self.line.setAccessibleName(self.line.placeholderText())
        self.ask.setText(self.tr("Draw"))

    def set_painter(self, painter: PainterInfo) -> None:
        self._painter = painter

    def _card(self, question: str) -> QuestionCard:
        """In the window's language, and drawn so where the painter reads that."""
        label = translated("PromptPane", question)
        card = QuestionCard(self._scale, question, label)
        card.clicked.connect(partial(self._wish, question, label))
        return card

    def _wish(self, prompt: str, label: str, _checked: bool = False) -> None:
        self._ask(drawn_as(prompt, label, self._painter))


class DrawPage(Retranslated, QWidget):
    """`left` is wanted by whoever goes back to the start."""

    left = Signal()

    def __init__(self, theme: Theme, scale: Scale, most_chars: int, drawing: EventDrawing) -> None:
        super().__init__()
        self.setObjectName("page")
        self.headline, self.said = words("huge", centred=True), words("small", centred=True)
        self.canvas = GrowingPictures(theme)
        self.wishes = WishArea(theme, scale, most_chars, drawing)
        self.back = push_button(clicked=self.left)
        side = scale.vbox(self.wishes, 1, self.back, gap=2)
        self._row = scale.hbox((self.canvas, 1), (side, 1), gap=3)
        parts = (self.headline, (self._row, 1), self.said)
        self.setLayout(scale.vbox(*parts, gap=2, margin=4, top=2))
        self._scale = scale
        scale.changed.connect(self._fit)
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.headline.setText(self.tr("What shall I draw?"))
        self.canvas.setAccessibleName(self.tr("The picture that is being drawn"))
        self.back.setText(self.tr("Back"))
        self.said.setText(self.tr("I learnt to draw a few kinds of things only, and small."))

    def _fit(self) -> None:
        self._row.setDirection(self._scale.direction())

    def show_step(self, step: PaintStep) -> None:
        if step.pixels is not None:
            self.canvas.show_pixels(step.pixels)

    def set_busy(self, busy: bool) -> None:
        """One picture at a time."""
        self.wishes.setEnabled(not busy)

    def clear(self) -> None:
        """Nothing of a visit is left."""
        self.canvas.begin(1)
        self.wishes.clear()
        self.set_busy(False)
