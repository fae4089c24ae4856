"""Small pictures side by side, with words below them."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QSizePolicy, QWidget

from mmgpt_desktop.ui.widgets.theme import set_font


class PictureStrip(QListWidget):
    """One row, as wide as there is room; a click or the arrow keys choose from it."""

    def __init__(self, picture: QSize, *, lines: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_font(self, scale=0.85)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setMovement(QListView.Movement.Static)
        self.setWrapping(False)
        self.setWordWrap(lines > 1)
        self.setUniformItemSizes(True)
        self.setIconSize(picture)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._cell = picture + QSize(12, self.fontMetrics().lineSpacing() * lines + 4 * (lines + 1))
        self.setFixedHeight(self._cell.height() + 14)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def fill(self, pictures: list[QIcon], words: list[str]) -> None:
        """In the place of all there are, without a signal. A picture may come later."""
        with QSignalBlocker(self):
            self.clear()
            for picture, text in zip(pictures, words, strict=True):
                item = QListWidgetItem(picture, text)
                item.setSizeHint(self._cell)
                item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
                self.addItem(item)

    def mark(self, row: int) -> None:
        """Show one as chosen, without a signal; -1 for none."""
        with QSignalBlocker(self):
            self.setCurrentRow(row)
