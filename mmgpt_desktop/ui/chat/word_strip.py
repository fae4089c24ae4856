"""Small maps of all words of an answer, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QIcon, QImage, QMouseEvent, QPixmap
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.ui.widgets.picture_strip import PictureStrip
from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import untinted

ICON = QSize(54, 40)


class WordStrip(Retranslated, PictureStrip):
    """A picture with its word below for each word; a click or the arrow keys choose it."""

    word_chosen = Signal(int)
    word_hovered = Signal(int)  # -1: none

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(ICON, lines=1, parent=parent)
        self.setMouseTracking(True)
        self._pointed = -1
        self.currentRowChanged.connect(self._choose)
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.setAccessibleName(self.tr("Small maps of all words; the arrow keys choose one"))

    def show_words(self, words: Sequence[str], pictures: Sequence[QImage]) -> None:
        if [self.item(row).text() for row in range(self.count())] != list(words):
            self.fill([QIcon()] * len(words), list(words))
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
