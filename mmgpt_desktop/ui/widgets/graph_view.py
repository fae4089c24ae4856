"""The graph of cells, drawn over the photo that it was made of."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from mmgpt_desktop.messages import EdgeMap, Photo
from mmgpt_desktop.ui.widgets.photo_view import ARROWS, ON_ANY_PHOTO, PhotoView
from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import percent

_MOST_EDGES = 16
_CLICK = 4  # px that a pointer may move while it clicks


class GraphView(PhotoView):
    """One cell's strongest edges; a click or the arrow keys choose the cell.

    An edge is the thicker, the more the cell read along it.
    """

    cell_chosen = Signal(int)
    _edges: EdgeMap | None = None
    _cell = 0
    _pressed = QPointF()

    @property
    def edges(self) -> EdgeMap | None:
        return self._edges

    @property
    def cell(self) -> int:
        return self._cell

    def set_edges(self, edges: EdgeMap | None) -> None:
        self._edges = edges
        self._tell()

    def set_photo(self, photo: Photo | None) -> None:
        self._edges = None
        super().set_photo(photo)

    def choose_cell(self, cell: int) -> None:
        if self._edges is None or cell < self._edges.grid.cells:
            self._cell = cell
            self._tell()

    def strongest(self) -> list[tuple[int, float]]:
        """The cells that the chosen one read most from, with their shares, largest first."""
        if self._edges is None:
            return []
        row = self._edges.weights[self._cell].copy()
        row[self._cell] = 0
        order = np.argsort(row)[::-1][:_MOST_EDGES]
        return [(int(cell), float(row[cell])) for cell in order if row[cell] > 0]

    def _tell(self) -> None:
        self.update()
        if self._edges is None:
            return
        row, column = divmod(self._cell, self._edges.grid.columns)
        strongest = self.strongest()[:1]
        text = self.tr("Cell in row {row}, column {column}").format(row=row + 1, column=column + 1)
        for cell, share in strongest:
            row, column = divmod(cell, self._edges.grid.columns)
            reads = self.tr("it read most from row {row}, column {column}: {percent}")
            text += "; " + reads.format(row=row + 1, column=column + 1, percent=percent(share, 1))
        self.setToolTip(tip(text))
        announce(self, text)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        still = (event.position() - self._pressed).manhattanLength() < _CLICK
        if self._edges is not None and still:
            cell = self.cell_at(self._edges.grid, event.position())
            if cell is not None:
                self._pick(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        move = ARROWS.get(Qt.Key(event.key()))
        if self._edges is None or move is None:
            super().keyPressEvent(event)
            return
        self._pick(self._edges.grid.neighbour(self._cell, *move))

    def _pick(self, cell: int) -> None:
        self.choose_cell(cell)
        self.cell_chosen.emit(cell)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._edges is None or self._photo is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_edges(painter)
        painter.end()

    def _paint_edges(self, painter: QPainter) -> None:
        """White in black, to be seen on any photo; the weakest first."""
        assert self._edges is not None
        grid, strongest = self._edges.grid, self.strongest()
        chosen = self.cell_rect(grid, self._cell)
        most = strongest[0][1] if strongest else 1.0
        for cell, share in reversed(strongest):
            end = self.cell_rect(grid, cell).center()
            strength = share / most
            for colour, extra in ((Qt.GlobalColor.black, 2.0), (Qt.GlobalColor.white, 0.0)):
                ink = QColor(colour)
                ink.setAlphaF(0.25 + 0.75 * strength)
                painter.setPen(QPen(ink, 1 + 3 * strength + extra, c=Qt.PenCapStyle.RoundCap))
                painter.drawLine(chosen.center(), end)
                painter.setBrush(ink)
                painter.setPen(Qt.PenStyle.NoPen)
                radius = 2 + 2 * strength + extra / 2
                painter.drawEllipse(end, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ON_ANY_PHOTO:
            painter.setPen(QPen(colour, width))
            painter.drawRect(chosen)
