"""Sees what comes into the show's windows before anything in them does."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPointerEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QWidget

from mmgpt_desktop.ui.event.lock import ExitLock

HOLD_MS = 3000
_CORNER = 0.12  # of the window's height, at the top left
_INPUT = (
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.TouchBegin,
    QEvent.Type.Wheel,
    QEvent.Type.DragEnter,
    QEvent.Type.DragMove,
)
_MOVES = (QEvent.Type.MouseMove, QEvent.Type.TouchUpdate)
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.TouchBegin)
_RELEASES = (QEvent.Type.MouseButtonRelease, QEvent.Type.TouchEnd, QEvent.Type.TouchCancel)
_WINDOW = Qt.Key.Key_F9  # asks for the presenter's window, or closes it
_CLICKER = {Qt.Key.Key_PageDown: "next", Qt.Key.Key_PageUp: "previous"}
# A clicker sends them too, but only to somebody who presents.
_PRESENTER = {Qt.Key.Key_F5: "play", Qt.Key.Key_B: "blank", Qt.Key.Key_Period: "blank"}
_TYPED = ("blank",)  # those that are letters, where one writes


class Inputs(QObject):
    """`watch` a window once it is shown. A touch of the show's corner for three seconds asks for
    the PIN. While `shield` is set, a key or a touch only says that somebody is there. `presents`
    says that the presenter's window is open: without it the show takes few of a presenter's keys.
    While `frozen`, visitors' keys and touches do nothing.
    """

    came = Signal()  # any input
    woken = Signal()  # the first one while shielded
    command = Signal(str)  # such as "next", "present", "close"

    def __init__(self, lock: ExitLock) -> None:
        super().__init__()
        self._lock = lock
        self._swallow = False
        self.shield = self.presents = self.frozen = False
        self._show: QWidget | None = None
        self.hold = QTimer(self, singleShot=True, interval=HOLD_MS)
        self.hold.timeout.connect(lambda: lock.ask(ExitLock.LEAVE))

    def watch(self, window: QWidget, *, show: bool) -> None:
        handle = window.windowHandle()
        assert handle is not None  # it was shown
        handle.installEventFilter(self)
        if show:
            self._show = window

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        kind = event.type()
        if kind in _RELEASES:
            self.hold.stop()
            swallow, self._swallow = self._swallow, False
            return swallow
        if kind in _MOVES:
            self.came.emit()
            return self._swallow
        if kind not in _INPUT:
            return False
        frozen = self.frozen and self._is_show(watched) and not self._lock.asks
        shielded = self.shield or frozen
        self._swallow = shielded and kind in _PRESSES
        self._watch_corner(watched, event)
        self.came.emit()
        if isinstance(event, QKeyEvent) and self._take_key(watched, event):
            return True
        if shielded and not frozen:
            self.woken.emit()
        return shielded

    def _take_key(self, watched: QObject, event: QKeyEvent) -> bool:
        if self._lock.take_key(event):
            return True
        command = self._command(watched, Qt.Key(event.key()))
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if command is None or not plain or (command in _TYPED and _writes()):
            return False
        self.command.emit(command)
        return True

    def _command(self, watched: QObject, key: Qt.Key) -> str | None:
        if key == _WINDOW:
            return "present" if self._is_show(watched) else "close"
        return _CLICKER.get(key) or (_PRESENTER.get(key) if self.presents else None)

    def _is_show(self, watched: QObject) -> bool:
        return self._show is not None and watched is self._show.windowHandle()

    def _watch_corner(self, watched: QObject, event: QEvent) -> None:
        show = self._show
        if show is None or not self._is_show(watched):
            return
        if isinstance(event, QPointerEvent) and event.type() in _PRESSES and event.points():
            place: QPointF = event.points()[0].position()
            edge = show.height() * _CORNER
            if place.x() < edge and place.y() < edge:
                self.hold.start()


def _writes() -> bool:
    """A box that takes texts has the focus of its line."""
    focus = QApplication.focusWidget()
    return isinstance(focus, QLineEdit) or (isinstance(focus, QComboBox) and focus.isEditable())
