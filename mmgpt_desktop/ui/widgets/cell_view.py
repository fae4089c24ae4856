"""A photo whose cells can be brushed, and tell their values."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QToolTip

from mmgpt_desktop.messages import PatchGrid, Photo
from mmgpt_desktop.ui.widgets.photo_view import ARROWS, ON_ANY_PHOTO, PhotoView
from mmgpt_desktop.ui.widgets.plain import tip


class CellView(PhotoView):
    """Dragging brushes cells while the whole photo is shown, and with Shift always.

    A click on what is brushed or beside the photo, or Delete, takes the brush away; the arrow
    keys move a brush of one cell. `brushed` carries the cells, none when it is taken away.
    """

    brushed = Signal(object)  # frozenset[int]
    _grid: PatchGrid | None = None
    _cells: frozenset[int] = frozenset()
    _brushing = False
    _before: frozenset[int] = frozenset()  # what was brushed when the button went down
    _tell: Callable[[int], str] | None = None

    @property
    def cells(self) -> frozenset[int]:
        return self._cells

    def set_cells(self, grid: PatchGrid | None, tell: Callable[[int], str] | None = None) -> None:
        """The grid of what is shown, and what a cell's tooltip says."""
        if self._grid is None or grid is None or grid != self._grid:
            self.clear_brush()
        self._grid, self._tell = grid, tell

    def set_photo(self, photo: Photo | None) -> None:
        if photo is not self._photo:
            self.set_cells(None)
        super().set_photo(photo)

    def clear_brush(self) -> None:
        self._brush(frozenset())

    def _brush(self, cells: frozenset[int]) -> None:
        if cells != self._cells:
            self._cells = cells
            self.update()
            self.brushed.emit(cells)

    def _under(self, point: QPointF) -> frozenset[int]:
        """None beside the photo, where a letterbox has cells too."""
        inside = self._grid is not None and self.photo_rect().contains(point)
        cell = self.cell_at(self._grid, point) if self._grid is not None and inside else None
        return frozenset() if cell is None else frozenset({cell})

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._grid is not None and (shift or self.zoom == 1):
            self._brushing, self._before = True, self._cells
            self._brush(self._under(event.position()))
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._brushing:
            self._brush(self._cells | self._under(event.position()))
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._brushing:
            self._brushing = False
            if self._cells <= self._before:
                self.clear_brush()
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.clear_brush()
        super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._cells:
            self.clear_brush()
        elif key in ARROWS and self.zoom == 1 and self._grid is not None:
            self._brush(frozenset({self._moved(self._grid, *ARROWS[key])}))
        else:
            super().keyPressEvent(event)

    def _moved(self, grid: PatchGrid, right: int, down: int) -> int:
        if not self._cells:
            return grid.rows // 2 * grid.columns + grid.columns // 2
        return grid.neighbour(min(self._cells), right, down)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            under = self._under(QPointF(event.pos()))
            text = self._tell(min(under)) if under and self._tell is not None else ""
            QToolTip.showText(event.globalPos(), tip(text), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._grid is None or not self._cells:
            return
        region = QPainterPath()
        for cell in self._cells:
            one = QPainterPath()
            one.addRect(self.cell_rect(self._grid, cell))
            region = region.united(one)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ON_ANY_PHOTO:
            painter.strokePath(region.simplified(), QPen(colour, width))
        painter.end()
