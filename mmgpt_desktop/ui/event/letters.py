"""What a real keyboard writes belongs to the question, wherever the focus is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QInputDevice, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from mmgpt_desktop.ui.event.cards import Cover

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_CONTROLS = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.MetaModifier,
)


class TypedLetters(QObject):
    """Sees the keys of whatever has the focus in `window` before it does.

    While one of the lines for what visitors say is in view, with nothing over it, letters and
    Backspace go there and take the focus along; so does what an input method composes. The space
    bar writes where something is written already, and else presses the button that has the focus.
    Enter always presses that button, but in `pad`, where it ends what is typed. Tab and the arrow
    keys walk as ever.

    The ordinary window has no such thing: there single keys, such as X and +, do something.
    """

    def __init__(self, window: QWidget, lines: Sequence[QLineEdit], pad: QWidget) -> None:
        super().__init__(window)
        self._window, self._lines, self._pad = window, lines, pad
        self._followed: QWidget | None = None
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)
        self._follow(None, None)

    @property
    def _line(self) -> QLineEdit:
        """The one in view that can be written in, if one is."""
        return next((each for each in self._lines if self._is_open(each)), self._lines[0])

    def _is_open(self, line: QLineEdit) -> bool:
        """What is disabled passes keys on to its window, from where they came."""
        return line.isVisible() and line.isEnabled()

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        """Without a focus, keys come to the window itself."""
        if self._followed is not None:
            self._followed.removeEventFilter(self)
        self._followed = now if now is not None and now.window() is self._window else self._window
        self._followed.installEventFilter(self)
        QGuiApplication.inputMethod().update(Qt.InputMethodQuery.ImEnabled)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._take_key(watched, event)
        if watched is self._line or not self._is_open(self._line):
            return False
        if event.type() == QEvent.Type.InputMethodQuery:
            return not _has_touch_screen() and self._pass_on(event)
        if event.type() == QEvent.Type.InputMethod:
            return self._write(event)
        return False

    def _take_key(self, watched: QObject, event: QKeyEvent) -> bool:
        if event.key() in _ENTER:
            if isinstance(watched, QAbstractButton) and not self._pad.isAncestorOf(watched):
                return _press(watched, event)
            belongs = bool(self._line.text())
        else:
            belongs = self._is_letter(event)
        return belongs and watched is not self._line and self._write(event)

    def _is_letter(self, event: QKeyEvent) -> bool:
        text = event.text()
        if event.modifiers() in _CONTROLS:
            return False
        if text.isspace():
            return text == " " and bool(self._line.text())
        return event.key() == Qt.Key.Key_Backspace or (bool(text) and text.isprintable())

    def _write(self, event: QEvent) -> bool:
        if not self._is_open(self._line) or any(
            cover.isVisible() for cover in self._window.findChildren(Cover)
        ):
            return False
        self._line.setFocus()
        return self._pass_on(event)

    def _pass_on(self, event: QEvent) -> bool:
        QCoreApplication.sendEvent(self._line, event)
        return True


def _press(button: QAbstractButton, event: QKeyEvent) -> bool:
    """As the space bar does; a key that is held presses once."""
    if not event.isAutoRepeat():
        button.click()
    return True


def _has_touch_screen() -> bool:
    """There, a desktop may bring up letters of its own for whatever an input method serves."""
    touch = QInputDevice.DeviceType.TouchScreen
    return any(device.type() == touch for device in QInputDevice.devices())
