"""A part of the screen: grabbed once as a picture, or followed as a camera is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QScreen,
    QShowEvent,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.ui.widgets.photo_view import ARROWS, ON_ANY_PHOTO
from mmgpt_desktop.ui.widgets.screen_reader import announce

SETTLE_MS = 300  # until the screen has been painted without our window
FOLLOW_MS = 500
SMALLEST = 16
_STEP = 20


@dataclass(frozen=True, eq=False)
class ScreenRegion:
    """A rectangle of a screen, in its own device-independent pixels, as it was seen."""

    screen: QScreen
    rect: QRect
    image: QImage


def grab(screen: QScreen) -> QImage:
    """All that a screen shows; null where the desktop doesn't let programs see that."""
    if QGuiApplication.platformName().startswith("wayland"):
        return QImage()
    return screen.grabWindow(0).toImage()


class RegionOverlay(QWidget):
    """A screen as it was, in `image`, on which a rectangle is drawn: by dragging, or with the
    arrow keys (with Shift they change its size). Enter or a double click takes it, Esc cancels."""

    taken = Signal(object)  # ScreenRegion
    cancelled = Signal()

    def __init__(self, screen: QScreen, image: QImage) -> None:
        super().__init__(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.Window)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._screen, self._image = screen, image
        self._from: QPoint | None = None
        self.setGeometry(screen.geometry())
        size = self.size() / 2
        self.chosen = QRect(QPoint(size.width() // 2, size.height() // 2), size)
        self.setAccessibleName(self._said())

    def _said(self) -> str:
        return self.tr(
            "Drag a rectangle, or move it with the arrow keys (Shift changes its size). "
            "Enter takes it, Esc cancels."
        )

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.activateWindow()
        self.setFocus()
        announce(self, self._said())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._from is not None:
            drawn = QRect(self._from, event.position().toPoint()).normalized()
            self._choose(drawn.intersected(self.rect()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A drag takes what it drew; a click alone was no drag."""
        start, self._from = self._from, None
        moved = start is not None and event.position().toPoint() - start
        if moved and min(abs(moved.x()), abs(moved.y())) >= SMALLEST:
            self._take()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._take()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = event.key()
        if key in ARROWS:
            by = QPoint(*ARROWS[Qt.Key(key)]) * _STEP
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._choose(self.chosen.adjusted(0, 0, by.x(), by.y()))
            else:
                self._choose(self.chosen.translated(by))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
        elif key == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _choose(self, rect: QRect) -> None:
        """On the screen, and not too small to be seen."""
        width = min(max(SMALLEST, rect.width()), self.width())
        height = min(max(SMALLEST, rect.height()), self.height())
        left = min(max(0, rect.left()), self.width() - width)
        top = min(max(0, rect.top()), self.height() - height)
        self.chosen = QRect(left, top, width, height)
        self.update()

    def _take(self) -> None:
        across = self._image.width() / self.width()
        down = self._image.height() / self.height()
        part = QTransform.fromScale(across, down).mapRect(QRectF(self.chosen)).toRect()
        self.taken.emit(ScreenRegion(self._screen, self.chosen, self._image.copy(part)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._image)
        painter.setClipRegion(QRegion(self.rect()).subtracted(self.chosen))
        painter.fillRect(self.rect(), QColor(0, 0, 0, 120))
        painter.setClipping(False)
        for colour, width in ON_ANY_PHOTO:
            painter.setPen(QPen(colour, width))
            painter.drawRect(self.chosen)
        self._paint_text(painter)
        painter.end()

    def _paint_text(self, painter: QPainter) -> None:
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = QRectF(self.rect()).adjusted(40, 20, -40, -20)
        needed = painter.boundingRect(room, flags, self._said())
        box = QRectF(0, 0, needed.width() + 32, needed.height() + 20)
        box.moveCenter(room.center())
        box.moveTop(room.top())
        painter.fillRect(box, QColor(0, 0, 0, 210))
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(box, flags, self._said())


class RegionPicker(QObject):
    """Lets a part of a screen be chosen while `window` is out of the way; one at a time.

    `picked` and `to_follow` carry a ScreenRegion, `failed` a sentence.
    """

    picked = Signal(object)
    to_follow = Signal(object)
    failed = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._overlays: list[RegionOverlay] = []
        self._busy = self._follows = False
        self._settled = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settled.timeout.connect(self._look)

    @property
    def overlays(self) -> Sequence[RegionOverlay]:
        return tuple(self._overlays)

    def pick(self) -> None:
        self._begin(follows=False)

    def pick_to_follow(self) -> None:
        self._begin(follows=True)

    def _begin(self, *, follows: bool) -> None:
        if not self._busy:
            self._busy, self._follows = True, follows
            self._window.hide()
            self._settled.start()

    def _look(self) -> None:
        for screen in QGuiApplication.screens():
            image = grab(screen)
            if not image.isNull():
                self._open(screen, image)
        if not self._overlays:
            self._end()
            self.failed.emit(
                self.tr(
                    "This desktop doesn't let programs read the screen. Take a screenshot with "
                    "its own key, then paste it here with Ctrl+V."
                )
            )

    def _open(self, screen: QScreen, image: QImage) -> None:
        overlay = RegionOverlay(screen, image)
        self._overlays.append(overlay)
        overlay.taken.connect(self._take)
        overlay.cancelled.connect(self._end)
        overlay.setScreen(screen)
        if QGuiApplication.platformName() == "offscreen":
            overlay.show()
        else:
            overlay.showFullScreen()

    def _take(self, region: ScreenRegion) -> None:
        self._end()
        (self.to_follow if self._follows else self.picked).emit(region)

    def _end(self) -> None:
        overlays, self._overlays = self._overlays, []
        for overlay in overlays:
            overlay.hide()
            overlay.deleteLater()
        self._busy = False
        self._window.show()
        self._window.activateWindow()


class RegionSource(QObject):
    """Follows a part of a screen; a FrameSource."""

    frame = Signal(QImage)
    failed = Signal(str)

    def __init__(self, region: ScreenRegion, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._region = region
        self._timer = QTimer(self, interval=FOLLOW_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        self.frame.emit(self._region.image)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        screen, rect = self._region.screen, self._region.rect
        if screen not in QGuiApplication.screens():
            self.failed.emit(self.tr("The screen that was followed is gone."))
            return
        seen = screen.grabWindow(0, rect.x(), rect.y(), rect.width(), rect.height())
        self.frame.emit(seen.toImage())
