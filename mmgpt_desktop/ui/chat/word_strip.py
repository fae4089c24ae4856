"""Small maps of all words of an answer, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSize, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QMouseEvent, QPixmap
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.chat.conversation import Turn, chosen_word
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.drawing import draw_strip
from mmgpt_desktop.ui.widgets.picture_strip import PictureStrip
from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import untinted
from mmgpt_desktop.ui.worker import TaskThread

_ICON = QSize(54, 40)
_SHARP = 2  # pictures are drawn as many times as large, for screens with small pixels
_SETTLE_MS = 120  # while words stream in, or occlusion refines


class WordStrip(Retranslated, PictureStrip):
    """A picture with its word below for each word; a click or the arrow keys choose it."""

    word_chosen = Signal(int)
    word_hovered = Signal(int)  # -1: none

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_ICON, lines=1, parent=parent)
        self.setMouseTracking(True)
        self._pointed = -1
        self.currentRowChanged.connect(self._choose)
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.setAccessibleName(self.tr("Small maps of all words; the arrow keys choose one"))

    def show_words(self, words: Sequence[str], pictures: Sequence[QImage]) -> None:
        if [self.item(row).text() for row in range(self.count())] != list(words):
            self.fill([QPixmap()] * len(words), list(words))
            for row, word in enumerate(words):
                self.item(row).setToolTip(tip(word))
        for row, picture in enumerate(pictures):
            self.item(row).setIcon(untinted(QPixmap.fromImage(picture)))

    def _choose(self, row: int) -> None:
        if row >= 0:
            self.word_chosen.emit(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseMoveEvent(event)
        self._point(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self._point(-1)

    def _point(self, row: int) -> None:
        if row != self._pointed:
            self._pointed = row
            self.word_hovered.emit(row)


class Strips(QObject):
    """Has the strip drawn anew when another answer, or another map of it, is in view."""

    def __init__(self, strip: WordStrip, heatmaps: Heatmaps, thread: TaskThread) -> None:
        super().__init__(strip)
        self._strip, self._heatmaps, self._thread = strip, heatmaps, thread
        self._turn: Turn | None = None
        self._shown_for: object = None
        self._drawing = CancelToken()
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self._draw)
        heatmaps.looked.connect(self.refresh)
        strip.word_chosen.connect(self._choose)
        strip.word_hovered.connect(self._hover)

    @Slot()
    def refresh(self) -> None:
        chosen, shown = self._heatmaps.chosen, self._heatmaps.shown
        maps = self._heatmaps.answer_maps(chosen[0]) if chosen is not None else None
        if chosen is None or maps is None or shown is None:
            self._shown_for, self._turn = None, None
            self._drawing.cancel()
            self._strip.hide()
            return
        if chosen[0] is self._turn:
            self._strip.mark(chosen[1])
        if (maps, self._heatmaps.style) != self._shown_for:
            self._settled.start()

    @Slot()
    def _draw(self) -> None:
        chosen, shown = self._heatmaps.chosen, self._heatmaps.shown
        maps = self._heatmaps.answer_maps(chosen[0]) if chosen is not None else None
        if chosen is None or maps is None or shown is None:
            return
        self._turn, style = chosen[0], self._heatmaps.style
        self._shown_for = maps, style
        self._drawing.cancel()
        words = tuple((word.start, word.stop) for word in chosen[0].words)
        photo, size = shown.levels[-1], _ICON * _SHARP
        self._drawing = self._thread.submit(
            lambda task: draw_strip(maps, words, photo, size, style, task), self._show
        )

    def _show(self, pictures: tuple[QImage, ...]) -> None:
        chosen = self._heatmaps.chosen
        if self._turn is None or chosen is None:
            return
        words = [printable(chosen_word(self._turn, index).text) for index in range(len(pictures))]
        self._strip.show_words(words, pictures)
        self._strip.mark(chosen[1] if chosen[0] is self._turn else -1)
        self._strip.show()

    @Slot(int)
    def _choose(self, word: int) -> None:
        if self._turn is not None:
            self._heatmaps.choose(self._turn, word)

    @Slot(int)
    def _hover(self, word: int) -> None:
        self._heatmaps.hover(self._turn if word >= 0 else None, max(0, word))
