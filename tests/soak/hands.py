"""What hands do to any window: seeded, without mercy, and faster than people."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QPointF,
    QSize,
    Qt,
    QTimer,
    QUrl,
    Slot,
)
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

QUESTIONS = (
    "What is this?",
    "Describe this picture.",
    "What colour is it?",
    "Is there a dog?",
    "这是什么",
    "🐶" * 40,
    "why " * 600,
    "x" * 12_000,
    " \n\t ",
    "What\x00 is\u202e this?\r\n",
)
PROMPTS = ("a yellow rose", "红色的花", "a spaceship", "a naked man", *QUESTIONS[-5:])
KEYS = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape, Qt.Key.Key_Return),
    *(Qt.Key.Key_X, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0, Qt.Key.Key_Space),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_Delete),
)
_SIZES = ((900, 660), (1280, 720), (1600, 900), (1920, 1080))
_BURST, _BURSTS = 0.08, (5, 25)  # how often, and how many acts without a pause
_PAUSE_MS = (10, 500)
_PATIENCE_S = 10.0


class Hands(QObject):
    """`done` counts what was done. The same seed draws the same acts, whatever comes of them.

    `acts` are names of methods, each with an underscore before it, and how often each is drawn
    beside the others.
    """

    acts: Mapping[str, int] = {}

    def __init__(self, window: QWidget, files: Sequence[Path], seed: int) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()
        self._window, self._files = window, files
        self.random = random.Random(seed)
        self._hurry = 0
        self._patience = 0.0  # until when it waits for the answer
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._act)

    def start(self) -> None:
        self._timer.start(0)

    def stop(self) -> None:
        self._timer.stop()

    def busy(self) -> bool:
        """Whether an answer is being written."""
        raise NotImplementedError

    def close_something(self) -> bool:
        """Answer a dialog or close a popup; False where there is none."""
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
        return popup is not None

    def openable(self) -> list[Path]:
        return list(self._files)

    def wait_for_answer(self) -> None:
        self._patience = time.monotonic() + _PATIENCE_S

    @Slot()
    def _act(self) -> None:
        # First: an act may open a dialog, which the next one has to close.
        self._timer.start(self._pause())
        if self.close_something() or (self.busy() and time.monotonic() < self._patience):
            return
        name = self.random.choices(list(self.acts), list(self.acts.values()))[0]
        self.done[name] += 1
        act: Callable[[], None] = getattr(self, f"_{name}")
        act()

    def _pause(self) -> int:
        if self._hurry > 0:
            self._hurry -= 1
            return 0
        if self.random.random() < _BURST:
            self._hurry = self.random.randint(*_BURSTS)
        return self.random.randint(*_PAUSE_MS)

    def may_touch(self, place: QPoint) -> bool:
        """Not where a touch ends the window."""
        return self._window.rect().contains(place)

    def _drop(self) -> None:
        mime = QMimeData()
        paths = self.random.sample(self.openable(), self.random.randint(1, 3))
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place = self._window.rect().center()
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self._window, QDragEnterEvent(place, copy, mime, left, none))
        QApplication.sendEvent(self._window, QDropEvent(QPointF(place), copy, mime, left, none))

    def _click(self) -> None:
        place = self._somewhere()
        for _ in range(self.random.randint(1, 4)):
            self._mouse(QEvent.Type.MouseButtonPress, place)
            self._mouse(QEvent.Type.MouseButtonRelease, place)

    def _drag(self) -> None:
        self._mouse(QEvent.Type.MouseButtonPress, self._somewhere())
        for _ in range(5):
            self._mouse(QEvent.Type.MouseMove, self._somewhere())
        self._mouse(QEvent.Type.MouseButtonRelease, self._somewhere())

    def _somewhere(self) -> QPoint:
        width, height = self._window.width(), self._window.height()
        return QPoint(self.random.randrange(width), self.random.randrange(height))

    def _mouse(self, kind: QEvent.Type, place: QPoint) -> None:
        """To the part of the window that lies there."""
        part = self._window.childAt(place)
        if part is None or not self.may_touch(place):
            return
        local, across = (
            QPointF(part.mapFrom(self._window, place)),
            QPointF(self._window.mapToGlobal(place)),
        )
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        QApplication.sendEvent(part, QMouseEvent(kind, local, across, left, held, none))

    def _press(self) -> None:
        receiver: QWidget = QApplication.focusWidget() or self._window
        key = self.random.choice(KEYS)
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(receiver, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))

    def _resize(self) -> None:
        self._window.resize(QSize(*self.random.choice(_SIZES)))
