"""A photo that one can zoom and pan, with a layer painted exactly over it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from mmgpt_desktop.messages import Box, PatchGrid, Photo
from mmgpt_desktop.ui.widgets.shown_photo import level_for
from mmgpt_desktop.ui.widgets.theme import Theme

LARGEST_ZOOM = 24.0
_STEP = 1.25
_PAN = 48
ARROWS = {  # to the right, down
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
ON_ANY_PHOTO = ((Qt.GlobalColor.black, 4.0), (Qt.GlobalColor.white, 2.0))
"""Colours and widths of a line to be seen on any photo: light in a dark one."""


class PictureArea(QWidget):
    """Takes all the room that there is, and the focus."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(480, 360)

    def paint_focus(self, painter: QPainter) -> None:
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)


class PhotoView(PictureArea):
    """Zoom 1 shows the whole photo; `centre` is the photo's point in the middle, 0..1.

    The photo and the layer are painted into the same rectangle, so a layer that covers the
    whole photo lies exactly on it. `boxes`, in photo pixels, are outlined over both.
    """

    view_changed = Signal(float, QPointF)  # zoom, centre: by the user only
    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._photo: Photo | None = None
        self._layer: QImage | None = None
        self._boxes: tuple[Box, ...] = ()
        self._opacity = 1.0
        self._smooth = True
        self._zoom = 1.0
        self._centre = QPointF(0.5, 0.5)
        self._dragged_from: QPointF | None = None
        self._cached: QPixmap | None = None
        self._cached_for: tuple[object, ...] = ()

    @property
    def zoom(self) -> float:
        return self._zoom

    @property
    def layer(self) -> QImage | None:
        return self._layer

    @property
    def boxes(self) -> tuple[Box, ...]:
        return self._boxes

    @property
    def centre(self) -> QPointF:
        return self._centre

    def set_photo(self, photo: Photo | None) -> None:
        """Without a layer; a photo that was shown already keeps its zoom."""
        if photo is not self._photo:
            self._photo = photo
            self._cached = None
            self._zoom, self._centre = 1.0, QPointF(0.5, 0.5)
        self._layer, self._boxes = None, ()
        self.update()

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        self._boxes = tuple(boxes)
        self.update()

    def set_layer(self, layer: QImage | None, *, smooth: bool = True) -> None:
        self._layer, self._smooth = layer, smooth
        self.update()

    def set_opacity(self, opacity: float) -> None:
        self._opacity = opacity
        self.update()

    def photo_rect(self) -> QRectF:
        """Where the whole photo lies in the widget, also the parts outside of it."""
        if self._photo is None:
            return QRectF()
        photo = self._photo
        scale = self._zoom * min(self.width() / photo.width, self.height() / photo.height)
        width, height = max(1.0, photo.width * scale), max(1.0, photo.height * scale)
        left = self.width() / 2 - self._centre.x() * width
        top = self.height() / 2 - self._centre.y() * height
        return QRectF(left, top, width, height)

    def cell_rect(self, grid: PatchGrid, cell: int) -> QRectF:
        """Where a cell lies in the widget."""
        return self._box_rect(grid.cell_box(cell), grid.photo_width)

    def _box_rect(self, box: Box, photo_width: int) -> QRectF:
        rect = self.photo_rect()
        scale = rect.width() / photo_width
        left, top = rect.left() + box.left * scale, rect.top() + box.top * scale
        return QRectF(left, top, box.width * scale, box.height * scale)

    def cell_at(self, grid: PatchGrid, point: QPointF) -> int | None:
        """The cell under a point of the widget, if there is one."""
        cells = range(grid.cells)
        return next((cell for cell in cells if self.cell_rect(grid, cell).contains(point)), None)

    def set_view(self, zoom: float, centre: QPointF) -> None:
        self._zoom = min(max(zoom, 1.0), LARGEST_ZOOM)
        self._centre = self._clamped(centre)
        self.update()

    def zoom_in(self) -> None:
        self._zoom_at(QPointF(self.rect().center()), _STEP)

    def zoom_out(self) -> None:
        self._zoom_at(QPointF(self.rect().center()), 1 / _STEP)

    def zoom_fit(self) -> None:
        self._change_view(1.0, QPointF(0.5, 0.5))

    def _zoom_at(self, point: QPointF, factor: float) -> None:
        """The photo's place under `point` stays there."""
        before = self.photo_rect()
        if before.isEmpty():
            return
        zoom = min(max(self._zoom * factor, 1.0), LARGEST_ZOOM)
        factor = zoom / self._zoom
        place_x = (point.x() - before.left()) / before.width()
        place_y = (point.y() - before.top()) / before.height()
        middle_x, middle_y = self.width() / 2, self.height() / 2
        centre_x = place_x + (middle_x - point.x()) / (before.width() * factor)
        centre_y = place_y + (middle_y - point.y()) / (before.height() * factor)
        self._change_view(zoom, QPointF(centre_x, centre_y))

    def _pan(self, delta: QPointF) -> None:
        rect = self.photo_rect()
        if not rect.isEmpty():
            moved = QPointF(delta.x() / rect.width(), delta.y() / rect.height())
            self._change_view(self._zoom, self._centre - moved)

    def _change_view(self, zoom: float, centre: QPointF) -> None:
        self.set_view(zoom, centre)
        self.view_changed.emit(self._zoom, self._centre)

    def _clamped(self, centre: QPointF) -> QPointF:
        """A photo larger than the widget fills it; a smaller one stays in the middle."""
        rect = self.photo_rect()
        if rect.isEmpty():
            return QPointF(0.5, 0.5)

        def clamp(value: float, shown: float, whole: float) -> float:
            half = min(0.5, shown / whole / 2)
            return min(max(value, half), 1 - half)

        return QPointF(
            clamp(centre.x(), self.width(), rect.width()),
            clamp(centre.y(), self.height(), rect.height()),
        )

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._centre = self._clamped(self._centre)
        super().resizeEvent(event)
        self.resized.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        turns = event.angleDelta().y() / 120
        if turns and self._photo is not None:
            self._zoom_at(event.position(), _STEP**turns)
            event.accept()

    def event(self, event: QEvent) -> bool:
        """Two fingers on a touchpad zoom as well."""
        if isinstance(event, QNativeGestureEvent) and self._photo is not None:
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._zoom_at(event.position(), max(1 + event.value(), 1 / _STEP))
                return True
            if event.gestureType() == Qt.NativeGestureType.SmartZoomNativeGesture:
                self._toggle_zoom(event.position())
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton and self._zoom > 1:
            self._dragged_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragged_from is not None:
            self._pan(event.position() - self._dragged_from)
            self._dragged_from = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._dragged_from = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._toggle_zoom(event.position())

    def _toggle_zoom(self, point: QPointF) -> None:
        if self._zoom > 1:
            self.zoom_fit()
        else:
            self._zoom_at(point, 2.5)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.zoom_fit()
        elif key in ARROWS and self._zoom > 1:
            self._pan(QPointF(*ARROWS[Qt.Key(key)]) * -_PAN)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._photo is not None:
            painter.drawPixmap(0, 0, self._base())
            self._paint_layer(painter)
            self._paint_boxes(painter, self._photo.width)
        self.paint_focus(painter)
        painter.end()

    def _paint_layer(self, painter: QPainter) -> None:
        if self._layer is None:
            return
        painter.setOpacity(self._opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        painter.drawImage(self._painted_rect(), self._layer)
        painter.setOpacity(1.0)

    def _paint_boxes(self, painter: QPainter, photo_width: int) -> None:
        for colour, width in ON_ANY_PHOTO:
            painter.setPen(QPen(colour, width))
            for box in self._boxes:
                painter.drawRect(self._box_rect(box, photo_width))

    def _painted_rect(self) -> QRectF:
        """`photo_rect` on whole device pixels: else a seam shows where the layer ends."""
        rect, ratio = self.photo_rect(), self.devicePixelRatioF()
        left, top = round(rect.left() * ratio), round(rect.top() * ratio)
        right, bottom = round(rect.right() * ratio), round(rect.bottom() * ratio)
        width, height = max(1, right - left), max(1, bottom - top)
        return QRectF(left / ratio, top / ratio, width / ratio, height / ratio)

    def _base(self) -> QPixmap:
        """The photo as painted for this view: scaling it anew for each token is slow."""
        rect, ratio = self._painted_rect(), self.devicePixelRatioF()
        wanted = (id(self._photo), rect.getRect(), self.size().toTuple(), ratio)
        if self._cached is None or self._cached_for != wanted:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            self._draw_visible(painter, rect, ratio)
            painter.end()
            self._cached, self._cached_for = pixmap, wanted
        return self._cached

    def _draw_visible(self, painter: QPainter, rect: QRectF, ratio: float) -> None:
        """Draw from the smallest level that is fine enough, and only what can be seen."""
        assert self._photo is not None
        level = level_for(self._photo, rect.width() * ratio)
        seen = rect.intersected(QRectF(QRect(0, 0, self.width(), self.height())))
        scale_x, scale_y = level.width() / rect.width(), level.height() / rect.height()
        source = QRectF(
            (seen.left() - rect.left()) * scale_x,
            (seen.top() - rect.top()) * scale_y,
            seen.width() * scale_x,
            seen.height() * scale_y,
        )
        painter.drawImage(seen, level, source)


class LinkedViews(QObject):
    """Where one photo is zoomed or moved, the others show the same part."""

    def __init__(self, *views: PhotoView) -> None:
        super().__init__(views[0])
        self._views = views
        for view in views:
            view.view_changed.connect(self._follow)

    def _follow(self, zoom: float, centre: QPointF) -> None:
        for view in self._views:
            if view is not self.sender():
                view.set_view(zoom, centre)
