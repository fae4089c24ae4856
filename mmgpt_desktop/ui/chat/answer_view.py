"""The conversation as text in which each word of an answer can be chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QTextEdit, QToolTip, QWidget

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.words import bare_word
from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.honesty import before_doubted
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.chat.answer_figures import certainty_text, details
from mmgpt_desktop.ui.chat.underlines import VERDICT_MARKS, mark
from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import (
    Retranslated,
    error_hint,
    error_title,
    note_text,
    percent,
    say,
)
from mmgpt_desktop.ui.widgets.theme import LARGE, SMALL, TIGHT, Theme, resized
from mmgpt_desktop.verdicts import VERDICTS

_ANSWER = 1.25  # how large its letters are, relative to the question's
_REPLY = 1.05  # the app doesn't speak as the model does


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, eq=False)
class WordSpan:
    """Word `index` of `turn` lies in the document from `start` to `stop`."""

    start: int
    stop: int
    turn: Turn
    index: int
    probability: float


class AnswerView(Retranslated, QTextEdit):
    """Text of the model is inserted as plain text only, never as markup.

    Pointing at a word hovers it, a click or the arrow keys choose it. Without `questions`
    the answers stand alone, and what wrote them is said elsewhere. A word's underline tells
    how sure the model was or, with a choice of maps, the verdict on its map, once measured. With
    details, figures stand below an answer.
    """

    word_chosen = Signal(object, int)  # Turn, index
    copy_wanted = Signal()  # nothing is selected
    word_hovered = Signal(object, int)  # Turn or None, index

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, questions: bool = True
    ) -> None:
        super().__init__(parent)
        self._questions, self._details = questions, False
        self.setObjectName("answer")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.document().setDocumentMargin(TIGHT)
        self._theme = theme
        self._conversation = Conversation()
        self._spans: list[WordSpan] = []
        self._positions: list[int] = []  # where each step of the last turn starts, and the end
        self._chosen: tuple[Turn, int] | None = None
        self._hovered: WordSpan | None = None
        self._lit: tuple[Turn | None, dict[int, float]] = (None, {})
        self._pressed_at: QPoint | None = None
        self._choice_of: Callable[[Turn], MapChoice] | None = None
        theme.changed.connect(self.redraw)

    @property
    def spans(self) -> tuple[WordSpan, ...]:
        return tuple(self._spans)

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._chosen = self._hovered = None
        self._lit = None, {}
        self.redraw()

    def retranslate_ui(self) -> None:
        self.redraw()

    def show_details(self, shown: bool) -> None:
        if shown != self._details:
            self._details = shown
            self.redraw()

    def redraw(self) -> None:
        self._spans.clear()  # first: the view may be resized meanwhile
        self.clear()
        for turn in self._conversation.turns:
            self.begin(turn)
            for index in range(len(turn.steps)):
                self._append(turn.steps[index].text)
            self._mark_words(turn, 0)
            if turn.outcome is not None:
                self.finish(turn)
        self._highlight()
        self._scroll_down()

    def begin(self, turn: Turn) -> None:
        """Write the question; the answer's words follow it."""
        follow = self._at_bottom()
        if self._questions:
            style = self._format(1.0, "muted", bold=True)
            self._block(printable(turn.question), style, top=LARGE)
        self._block("", self._answer_format(), top=SMALL)
        self._positions = [self._end().position()]
        self._highlight()  # a highlight at the end would grow with what is written after it
        if follow:
            self._scroll_down()

    def add_step(self, turn: Turn) -> None:
        """Write the last step of `turn`, which is the conversation's last turn."""
        follow = self._at_bottom()
        self._append(turn.steps[-1].text)
        self._mark_words(turn, max(0, len(turn.words) - 2))
        if follow:
            self._scroll_down()

    def finish(self, turn: Turn) -> None:
        """Write how the answer ended under it, and in front of it that it is unsure; or what the
        app says instead."""
        follow = self._at_bottom()
        if turn.reply is not None:
            self._end().insertText(turn.reply.text, self._format(_REPLY, "text"))
        if turn.unsure:
            self._write_doubt(turn)
        for text in self._endings(turn):
            self._block(text, self._format(0.9, "muted"), top=TIGHT)
        self._highlight()
        if follow:
            self._scroll_down()

    def _write_doubt(self, turn: Turn) -> None:
        """The window's words before the model's own: these move on."""
        start = self._positions[0]
        cursor = self._select(start, start)
        style = self._format(_ANSWER, "muted", italic=True)
        cursor.insertText(say(before_doubted(turn.hedge)) + " ", style)
        moved = cursor.position() - start
        self._positions = [position + moved for position in self._positions]
        self._spans = [
            replace(span, start=span.start + moved, stop=span.stop + moved)
            if span.turn is turn
            else span
            for span in self._spans
        ]

    def choose(self, turn: Turn | None, index: int = 0) -> None:
        """Mark a word as the chosen one, without a signal."""
        chosen = None if turn is None else (turn, index)
        if chosen != self._chosen:  # the window echoes what was picked here
            self._chosen = chosen
            self._highlight()

    def light(self, turn: Turn | None, words: dict[int, float]) -> None:
        """Light up words of an answer, each with a strength from 0 to 1."""
        self._lit = turn, words
        self._highlight()

    def _endings(self, turn: Turn) -> list[str]:
        outcome = turn.outcome
        assert outcome is not None
        texts = [self._end_of(turn), " · ".join(self._figures(turn))]
        return [printable(text) for text in (*texts, *map(note_text, outcome.notes)) if text]

    def _end_of(self, turn: Turn) -> str:
        """Why there is no more of it, or nothing at all."""
        assert turn.outcome is not None
        if (error := turn.outcome.error) is not None:
            return f"{error_title(error)} {error_hint(error)}".strip()
        if turn.outcome.kind == "cancelled":
            return self.tr("Stopped.")
        said = turn.reply is not None or turn.answer.strip()
        return "" if said else self.tr("The model had nothing to say.")

    def announce_answer(self, turn: Turn) -> None:
        """Once, when it is whole: word by word nobody could follow."""
        doubt = say(before_doubted(turn.hedge)) if turn.unsure else ""
        end = self._end_of(turn) if turn.reply is None else certainty_text(turn)
        said = (doubt, self.said(turn), printable(end))
        announce(self, " ".join(filter(None, said)))

    def said(self, turn: Turn) -> str:
        """The answer, or what the app said instead."""
        if turn.reply is not None:
            return turn.reply.text
        return printable(turn.answer.strip())

    def _figures(self, turn: Turn) -> list[str]:
        more = details(turn, fusion=self._questions) if self._details else ()
        return [text for text in (certainty_text(turn), *more) if text]

    def _end(self) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        return cursor

    def _block(self, text: str, style: QTextCharFormat, *, top: int) -> None:
        cursor = self._end()
        layout = QTextBlockFormat()
        if self.document().isEmpty():
            cursor.setBlockFormat(layout)
        else:
            layout.setTopMargin(top)
            cursor.insertBlock(layout)
        cursor.setBlockCharFormat(style)
        cursor.insertText(text, style)

    def _append(self, text: str) -> None:
        cursor = self._end()
        if cursor.position() == self._positions[0]:
            text = text.lstrip()
        cursor.insertText(printable(text), self._answer_format())
        self._positions.append(cursor.position())

    def _mark_words(self, turn: Turn, first: int) -> None:
        """Note where the words from `first` on lie, and underline them."""
        self._spans = [span for span in self._spans if span.turn is not turn or span.index < first]
        for index, word in enumerate(turn.words[first:], start=first):
            start, stop = self._trimmed(self._positions[word.start], self._positions[word.stop])
            if start < stop:
                span = WordSpan(start, stop, turn, index, word.probability)
                self._spans.append(span)
                self._underline(span)
        self._highlight()

    def underline(self, choice_of: Callable[[Turn], MapChoice] | None) -> None:
        """Tell verdicts on the maps chosen for each turn, or with None how sure the model was."""
        self._choice_of = choice_of
        self.underline_again()

    def underline_again(self) -> None:
        """Other maps are chosen."""
        whole = QTextCursor(self.document())
        whole.beginEditBlock()  # one layout for all of them
        for span in self._spans:
            self._underline(span)
        whole.endEditBlock()

    def underline_word(self, turn: Turn, index: int) -> None:
        """A verdict has come."""
        for span in self._spans:
            if (span.turn, span.index) == (turn, index):
                self._underline(span)

    def verdict(self, span: WordSpan) -> Verdict | None:
        """On the map in view; None until it was measured, and while verdicts aren't told."""
        if self._choice_of is None:
            return None
        return span.turn.verdict(self._choice_of(span.turn), span.index)

    def _underline(self, span: WordSpan) -> None:
        style = self._answer_format()
        verdict = self.verdict(span)
        needed = verdict in (Verdict.MATTERED, Verdict.PARTLY)
        told = mark(span.probability) if self._choice_of is None else VERDICT_MARKS[verdict]
        style.setUnderlineStyle(told)
        style.setUnderlineColor(self._theme.colour("accent" if needed else "muted"))
        self._select(span.start, span.stop).setCharFormat(style)

    def _trimmed(self, start: int, stop: int) -> tuple[int, int]:
        """Without spaces and marks around it; positions count UTF-16 units, as Qt does."""
        cursor = self._select(start, stop)
        lead, word = bare_word(cursor.selectedText())
        start += _units(lead)
        return start, start + _units(word)

    def _select(self, start: int, stop: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(stop, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _format(
        self, scale: float, colour: str, *, bold: bool = False, italic: bool = False
    ) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setFont(resized(self.font(), scale))
        style.setForeground(self._theme.colour(colour))
        if bold:
            style.setFontWeight(QFont.Weight.DemiBold)
        style.setFontItalic(italic)
        return style

    def _answer_format(self) -> QTextCharFormat:
        return self._format(_ANSWER, "text")

    def _highlight(self) -> None:
        self.setExtraSelections(
            [selection for span in self._spans if (selection := self._selection(span)) is not None]
        )

    def _selection(self, span: WordSpan) -> QTextEdit.ExtraSelection | None:
        turn, lit = self._lit
        style = QTextCharFormat()
        if self._chosen == (span.turn, span.index):
            style.setForeground(self._theme.colour("on_accent"))
            style.setBackground(self._theme.colour("accent"))
        elif span.turn is turn and span.index in lit:
            ground = self._theme.colour("lit")
            ground.setAlphaF(0.25 + 0.75 * lit[span.index])
            style.setBackground(ground)
        elif span is self._hovered:
            style.setBackground(self._theme.colour("accent_soft"))
        else:
            return None
        selection = QTextEdit.ExtraSelection()
        selection.cursor = self._select(span.start, span.stop)
        selection.format = style
        return selection

    def _at_bottom(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - 4

    def _scroll_down(self) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """What was last in view stays so, as when the strip of maps takes its place below."""
        follow = self._at_bottom()
        super().resizeEvent(event)
        if follow:
            self._scroll_down()

    def span_at(self, point: QPoint) -> WordSpan | None:
        """The word under a point of the viewport."""
        place = point + QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())
        position = (
            self.document().documentLayout().hitTest(place.toPointF(), Qt.HitTestAccuracy.ExactHit)
        )
        return next((span for span in self._spans if span.start <= position < span.stop), None)

    def describe(self, span: WordSpan) -> str:
        text = self._select(span.start, span.stop).selectedText()
        said = self.tr("“{word}”: {percent} sure").format(
            word=text, percent=percent(span.probability)
        )
        if self._choice_of is None:
            return said
        check = span.turn.check(self._choice_of(span.turn), span.index)
        return said if check is None else f"{said}. {say(VERDICTS[check.verdict])}"

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        pressed, self._pressed_at = self._pressed_at, None
        still = pressed is not None and not self.textCursor().hasSelection()
        if still and (span := self.span_at(event.position().toPoint())) is not None:
            self._pick(span)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseMoveEvent(event)
        span = self.span_at(event.position().toPoint())
        self.viewport().setCursor(
            Qt.CursorShape.PointingHandCursor if span else Qt.CursorShape.IBeamCursor
        )
        self._hover(span)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._hover(None)
        super().leaveEvent(event)

    def _hover(self, span: WordSpan | None) -> None:
        if span is not self._hovered:
            self._hovered = span
            self._highlight()
            self.word_hovered.emit(span.turn if span else None, span.index if span else 0)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QHelpEvent):
            span = self.span_at(event.pos())
            if span is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), tip(self.describe(span)), self)
            return True
        return super().viewportEvent(event)

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802
        """Without the theme's colours and sizes, which spoil whatever it is pasted into."""
        data = QMimeData()
        data.setText(self.textCursor().selection().toPlainText())
        return data

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()  # Qt would make the text larger, and nothing here makes it smaller
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = event.key()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.matches(QKeySequence.StandardKey.Copy) and not self.textCursor().hasSelection():
            self.copy_wanted.emit()
        elif plain and self._spans and (span := self._neighbour(Qt.Key(key))) is not None:
            self._pick(span)
        else:
            super().keyPressEvent(event)

    def _neighbour(self, key: Qt.Key) -> WordSpan | None:
        """The word that an arrow key leads to from the chosen one; at an end, that one."""
        spans = self._spans
        place = next(
            (i for i, span in enumerate(spans) if self._chosen == (span.turn, span.index)), None
        )
        last = len(spans) - 1
        if key == Qt.Key.Key_Left:
            return spans[last if place is None else max(place - 1, 0)]
        if key == Qt.Key.Key_Right:
            return spans[0 if place is None else min(place + 1, last)]
        if key == Qt.Key.Key_Home:
            return spans[0]
        if key == Qt.Key.Key_End:
            return spans[last]
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            return self._on_other_line(spans[place or 0], -1 if key == Qt.Key.Key_Up else 1)
        return None

    def _on_other_line(self, span: WordSpan, direction: int) -> WordSpan:
        """The nearest word on the next line, above or below, that has words."""
        x, y = self._middle(span)
        places = [(other, *self._middle(other)) for other in self._spans]
        beyond = [item for item in places if (item[2] - y) * direction > 2]
        if not beyond:
            return span
        line = min(abs(item[2] - y) for item in beyond)
        on_line = [item for item in beyond if abs(item[2] - y) <= line + 2]
        return min(on_line, key=lambda item: abs(item[1] - x))[0]

    def _middle(self, span: WordSpan) -> tuple[float, float]:
        cursor = QTextCursor(self.document())
        cursor.setPosition((span.start + span.stop) // 2)
        middle = self.cursorRect(cursor).center()
        return middle.x(), middle.y()

    def _pick(self, span: WordSpan) -> None:
        self.choose(span.turn, span.index)
        cursor = QTextCursor(self.document())
        cursor.setPosition(span.start)
        self.setTextCursor(cursor)  # scrolls to it, and screen readers follow
        announce(self, self.describe(span))
        self.word_chosen.emit(span.turn, span.index)
