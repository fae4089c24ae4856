"""A word's map on the picture that it drew, and the words that drew a place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF
from PySide6.QtGui import QImage, QMouseEvent

from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.attention.word_maps import words_at
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.messages import Box, PatchGrid, Photo
from mmgpt_desktop.painted import Drawing
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.widgets.drawing import draw_cells
from mmgpt_desktop.ui.worker import TaskThread

_EDGE = 384  # pixels of the layer


class WordOverlay(QObject):
    """Follows the photo in view. Maps are drawn on a thread, the latest one that was wanted."""

    def __init__(self, pane: ImagePane, thread: TaskThread, style: Callable[[], MapStyle]) -> None:
        super().__init__(pane)
        self._pane, self._thread, self._style = pane, thread, style
        self._photo: Photo | None = None
        self._drawing: Drawing | None = None
        self._task = CancelToken()
        pane.card.word_shown.connect(self._show_word)
        pane.card.change_shown.connect(self._show_change)
        pane.view.installEventFilter(self)
        pane.view.setMouseTracking(True)

    def follow(self, conversation: Conversation) -> None:
        """Another photo is in view."""
        if conversation.drawing is not self._drawing or conversation.photo is not self._photo:
            self._photo, self._drawing = conversation.photo, conversation.drawing
            self._clear()
            self._pane.card.show_drawing(self._drawing)
        else:
            self.refresh()

    def refresh(self) -> None:
        """Maps are drawn in another way now."""
        if self._drawing is not None:
            card = self._pane.card
            self._show_change(True) if card.change.isChecked() else self._show_word(card.word)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if self._drawing is not None and self._drawing.words:
            if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
                self._point(event.position())
            elif event.type() == QEvent.Type.Leave:
                self._pane.card.words.light(())
        return super().eventFilter(watched, event)

    def _point(self, point: QPointF) -> None:
        """The words that drew the place under the mouse light up."""
        rect, words = self._pane.view.photo_rect(), tuple[int, ...]()
        if rect.contains(point) and self._drawing is not None:
            rows, columns = self._drawing.maps.shape[1:]
            row = int((point.y() - rect.top()) / rect.height() * rows)
            column = int((point.x() - rect.left()) / rect.width() * columns)
            words = words_at(self._drawing.maps, min(row, rows - 1), min(column, columns - 1))
        self._pane.card.words.light(words)

    def _show_word(self, word: int) -> None:
        if self._drawing is None or not 0 <= word < len(self._drawing.words):
            self._clear()
        else:
            self._show(self._drawing.maps[word])

    def _show_change(self, wanted: bool) -> None:
        left_out = self._drawing.left_out if self._drawing is not None else None
        if wanted and left_out is not None:
            self._show(left_out.change)
        else:
            self._show_word(self._pane.card.word)

    def _show(self, cells: NDArray[np.float32]) -> None:
        photo = self._photo
        if photo is None:
            return
        whole = Box(0, 0, photo.width, photo.height)
        rows, columns = cells.shape
        grid, style = PatchGrid(rows, columns, whole, photo.width, photo.height), self._style()
        self._task.cancel()
        self._task = self._thread.submit(
            lambda _task: draw_cells(cells, grid, style, _EDGE),
            self._take_layer,
            lambda _error: self._clear(),
        )

    def _take_layer(self, layer: QImage) -> None:
        style = self._style()
        self._pane.view.set_opacity(style.opacity)
        self._pane.view.set_layer(layer, smooth=style.smooth)

    def _clear(self) -> None:
        self._task.cancel()
        self._pane.view.set_layer(None)
