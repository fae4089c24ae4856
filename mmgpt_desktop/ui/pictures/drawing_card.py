"""What drew a picture: its prompt, word by word, and what can be done with that."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QLocale, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QListWidget, QListWidgetItem, QWidget

from mmgpt_desktop.painted import Drawing, LeftOut
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import IconButton, push_button
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import TIGHT, Theme

_MOST_LINES = 2
_MUCH = 2.0
"""So many times as far inside a word's map as outside: the map points at what the word did."""
_HARDLY = 3.0
"""Of 255: two drawings that are no further apart on average look the same."""


class PromptWords(QListWidget):
    """Words in lines, as they were typed; a click or the arrow keys choose one, another click or
    Enter none, and pointing shows one. `pointed` carries its number, -1 for none."""

    pointed = Signal(int)
    chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._under = theme, -1
        self.setObjectName("words")
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSpacing(1)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentRowChanged.connect(self.chosen)

    def show_words(self, words: Collection[str]) -> None:
        with QSignalBlocker(self):
            self.clear()
            for word in map(printable, words):
                item = QListWidgetItem(word)
                item.setToolTip(tip(word))
                self.addItem(item)
        self._under = -1
        self._fit()

    def light(self, words: Collection[int]) -> None:
        """Those that drew the place that is pointed at: bold, on a ground of their own."""
        if sorted(words) == sorted(self.lit):
            return
        for row in range(self.count()):
            item, lit = self.item(row), row in words
            font = self.font()
            font.setBold(lit)
            item.setFont(font)
            ground = self._theme.colour("accent_soft") if lit else Qt.GlobalColor.transparent
            item.setBackground(ground)

    @property
    def lit(self) -> tuple[int, ...]:
        return tuple(row for row in range(self.count()) if self.item(row).font().bold())

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as the lines are, up to two."""
        line = self.fontMetrics().lineSpacing() + 8
        last = self.visualItemRect(self.item(self.count() - 1)) if self.count() else None
        lines = 1 if last is None or last.bottom() + self.verticalOffset() < line * 1.5 else 2
        self.setFixedHeight(min(lines, _MOST_LINES) * line + 6)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A second press on the chosen word puts its map away."""
        row = self.indexAt(event.position().toPoint()).row()
        if row in (self.currentRow(), -1):
            self.setCurrentRow(-1)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """So do Enter and the space bar."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.setCurrentRow(-1)
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseMoveEvent(event)
        self._point(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, _event: object) -> None:  # noqa: N802
        self._point(-1)

    def _point(self, row: int) -> None:
        if row != self._under:
            self._under = row
            self.pointed.emit(row)


class DrawingCard(Retranslated, QFrame):
    """Below a picture that was drawn. `word_shown` carries the number of the word whose map is to
    be seen, -1 for none."""

    word_shown = Signal(int)
    change_shown = Signal(bool)
    leave_out_wanted = Signal(int)
    seed_wanted = Signal(int)
    save_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawing: Drawing | None = None
        self._roomy = True
        self.words = PromptWords(theme)
        self.words.pointed.connect(self._point)
        self.words.chosen.connect(self._choose)
        self.leave_out = push_button(look="flat", clicked=self._leave_out)
        self.change = push_button(look="flat")
        self.change.setCheckable(True)
        self.change.toggled.connect(self.change_shown)
        self.seed = push_button(look="flat", clicked=self._want_seed)
        self.save = IconButton(theme, "drop", self.save_wanted)
        self.said = Label(look="caption", wraps=True, scale=0.9)
        said = hbox((self.words, 1), self.seed, self.save, gap=TIGHT)
        buttons = hbox(self.leave_out, self.change, 1, gap=TIGHT)
        self.setLayout(vbox(said, buttons, self.said, gap=TIGHT, margins=0))
        self.retranslate_ui()
        self.show_drawing(None)

    def retranslate_ui(self) -> None:
        self.words.setAccessibleName(
            self.tr("The words that drew this picture; the arrow keys choose one")
        )
        self.leave_out.setText(self.tr("Leave this word out"))
        self.leave_out.setToolTip(
            self.tr("Draw again with the same seed and without the chosen word: did it matter?")
        )
        self.change.setText(self.tr("What changed"))
        self.change.setToolTip(self.tr("Bright: where this picture differs from the one before"))
        self.seed.setAccessibleName(self.tr("Draw with this seed from now on"))
        self.seed.setToolTip(tip(self.seed.accessibleName()))
        self.save.set_name(self.tr("Save this picture, with its prompt inside"))
        self._write()

    @property
    def drawing(self) -> Drawing | None:
        return self._drawing

    @property
    def word(self) -> int:
        """The chosen one's number; -1: none."""
        return self.words.currentRow()

    def show_drawing(self, drawing: Drawing | None) -> None:
        """Hidden below a picture that was not drawn here."""
        self._drawing = drawing
        self.setVisible(drawing is not None)
        self.words.show_words([word.text for word in drawing.words] if drawing else ())
        with QSignalBlocker(self.change):
            self.change.setChecked(False)
        self.change.setVisible(drawing is not None and drawing.left_out is not None)
        self._write()

    def _write(self) -> None:
        drawing = self._drawing
        self.leave_out.setEnabled(self.word >= 0)
        if drawing is None:
            return
        self.seed.setText(self.tr("Seed {seed}").format(seed=drawing.seed))  # as it is typed
        told = self.tr(
            "Point at a word: bright is where the picture read it most while it was drawn. Point "
            "at a place: the words that it read most are marked."
        )
        self.words.setToolTip(tip(told))
        self.said.setText(told if drawing.left_out is None else self._verdict(drawing.left_out))
        self.said.setVisible(self._roomy or drawing.left_out is not None)

    def set_room(self, *, roomy: bool) -> None:
        """Where there is little, the tooltip says how words and places are pointed at."""
        self._roomy = roomy
        self._write()

    def _verdict(self, left_out: LeftOut) -> str:
        named = {"word": printable(left_out.word)}
        if left_out.ratio is None or float(left_out.change.mean()) < _HARDLY:
            said = self.tr("Without “{word}” the picture is nearly the same: it did not matter.")
            return said.format(**named)
        times = QLocale().toString(left_out.ratio, "f", 1)
        if left_out.ratio >= _MUCH:
            said = self.tr(
                "Without “{word}”. Where the word had been read most, the picture changed {times} "
                "times as much as elsewhere: there it mattered."
            )
        else:
            said = self.tr(
                "Without “{word}”. The picture changed {times} times as much where the word had "
                "been read most as elsewhere: it mattered, but its map does not say where."
            )
        return said.format(times=times, **named)

    def _point(self, row: int) -> None:
        self.word_shown.emit(row if row >= 0 else self.word)

    def _choose(self, row: int) -> None:
        with QSignalBlocker(self.change):
            self.change.setChecked(False)
        self.leave_out.setEnabled(row >= 0)
        self.word_shown.emit(row)

    def _leave_out(self) -> None:
        if self.word >= 0:
            self.leave_out_wanted.emit(self.word)

    def _want_seed(self) -> None:
        if self._drawing is not None:
            self.seed_wanted.emit(self._drawing.seed)
