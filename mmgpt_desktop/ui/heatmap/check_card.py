"""The measured answer to "does the word need what is bright?", as bars and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.messages import Check, Verdict
from mmgpt_desktop.ui.chat.answer_view import AnswerView
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.box_layout import holder, vbox
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import error_title, percent, say
from mmgpt_desktop.ui.widgets.theme import TIGHT, Theme, set_font
from mmgpt_desktop.verdicts import VERDICTS, by_hiding

_BAR, _GAP = 6, 5
_SMALL = 0.1


@dataclass(frozen=True)
class Bar:
    """A probability, and the single draws that it is the mean of."""

    label: str
    value: float
    draws: tuple[float, ...] = ()


def probability(value: float, whole: float) -> str:
    """With a decimal beside a small one: else nobody sees what it falls from and to."""
    return percent(value, 1 if whole < _SMALL else 0)


class Bars(QWidget):
    """Probabilities from 0 to 1 below each other, with a mark where the whole photo's is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._whole = 0.0
        self.bars: tuple[Bar, ...] = ()
        set_font(self, scale=0.9)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_bars(self, whole: float, bars: tuple[Bar, ...]) -> None:
        self._whole, self.bars = whole, bars
        said = (f"{bar.label}: {probability(bar.value, whole)}" for bar in bars)
        self.setAccessibleName("; ".join(said))
        self.updateGeometry()
        self.update()

    def _line_height(self) -> int:
        """Of the labels as they are drawn: another script's font may be taller."""
        metrics = self.fontMetrics()
        labels = (metrics.boundingRect(bar.label).height() for bar in self.bars)
        return max(metrics.height(), *labels, 0)

    def _row_height(self) -> int:
        return self._line_height() + _BAR + _GAP

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, max(3, len(self.bars)) * self._row_height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as the bars grow
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, bar in enumerate(self.bars):
            self._paint_bar(painter, bar, row * self._row_height())
        painter.end()

    def _paint_bar(self, painter: QPainter, bar: Bar, top: int) -> None:
        height, width = self._line_height(), self.width()
        line = QRectF(0, top, width, height)
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, bar.label)
        painter.setPen(self._theme.colour("text"))
        figure = probability(bar.value, self._whole)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, figure)
        below = top + height + 1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("border"))
        painter.drawRoundedRect(QRectF(0, below, width, _BAR), 3, 3)
        painter.setBrush(self._theme.colour("accent"))
        painter.drawRoundedRect(QRectF(0, below, max(2.0, width * bar.value), _BAR), 3, 3)
        painter.setBrush(self._theme.colour("text"))
        for draw in bar.draws:
            painter.drawEllipse(QRectF(width * draw - 1.5, below + _BAR / 2 - 1.5, 3, 3))
        mark = min(width * self._whole, width - 2.0)
        painter.drawRect(QRectF(mark, below - 2, 2, _BAR + 4))


class CheckCard(QWidget):
    """A sentence, empty until something was measured for the word in view.

    `more` has the figures that it follows from; where it stands, others decide.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.waiting = Label(look="caption", wraps=True, scale=0.9)
        self.heading = Label(look="caption", wraps=True, scale=0.9)
        self.verdict = Label(wraps=True, bold=True)
        self.bars = Bars(theme)
        self.more = holder(vbox(self.heading, self.bars, gap=TIGHT, margins=0))
        self.setLayout(vbox(self.verdict, self.waiting, gap=TIGHT, margins=0))
        self.say("")

    def say(self, text: str) -> None:
        """No check now: say why, or nothing at all."""
        self.verdict.hide()
        self.more.hide()
        self.waiting.setText(text)
        self.waiting.setVisible(bool(text))

    def show_check(self, check: Check) -> None:
        self.verdict.setText(say(VERDICTS[check.verdict]))
        self.verdict.setObjectName("muted" if check.verdict is Verdict.LANGUAGE else "")
        self.heading.setText(
            self.tr(
                "How sure of the word: {percent} (the mark) with nothing hidden, and with"
            ).format(percent=probability(check.whole, check.whole).replace(" ", "\u00a0"))
        )
        bars = [Bar(say(what), share) for what, share in by_hiding(check)]
        bars[1] = replace(bars[1], draws=check.random)
        self.bars.show_bars(check.whole, tuple(bars))
        explained = self.tr(
            "The brightest fifth of the map is hidden in the photo, and the model is asked how "
            "sure it is now; then as many places drawn by lot, {count} times (the dots), as many "
            "in the middle, and all of them. The sentence follows from what the bright places "
            "cost more than the drawn ones."
        )
        self.more.setToolTip(tip(explained.format(count=len(check.random))))
        self.waiting.hide()
        self.verdict.show()
        self.more.show()


class Checks(QObject):
    """Shows what the explainer measured: the word in view's in the card, all words' below them."""

    def __init__(
        self, card: CheckCard, answer: AnswerView, heatmaps: Heatmaps, explainer: Explainer
    ) -> None:
        super().__init__(card)
        self._card, self._answer = card, answer
        self._heatmaps, self._explainer = heatmaps, explainer
        self._selection = heatmaps.selection
        self._verdicts = False
        heatmaps.looked.connect(self._look)
        explainer.changed.connect(self.refresh)
        explainer.checked.connect(answer.underline_word)

    def tell_verdicts(self, wanted: bool) -> None:
        """Under the words; else how sure the model was."""
        self._verdicts = wanted
        self._answer.underline(self._heatmaps.map_choice if wanted else None)

    def _look(self) -> None:
        if self._selection != self._heatmaps.selection:
            self._selection = self._heatmaps.selection
            if self._verdicts:
                self._answer.underline_again()
        self.refresh()

    def refresh(self) -> None:
        at = self._heatmaps.in_view
        if at is None:
            self._card.say("")
            return
        turn, word = at
        check = turn.check(self._heatmaps.map_choice(turn), word)
        if check is not None and not self._heatmaps.photo_index(turn):
            self._card.show_check(check)
        else:
            self._card.say(self._why_none(turn))

    def _why_none(self, turn: Turn) -> str:
        if turn.outcome is None or turn.explanation is None or self._heatmaps.photo_index(turn):
            return ""
        if turn.check_failed is not None:
            return error_title(turn.check_failed)
        if self._explainer.busy and not self._heatmaps.is_anothers(turn):
            return self.tr("Testing whether the word needs the bright places…")
        return ""
