"""The words of an answer in turn, and the map that was in view before, while a key is held."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps

FRAME_MS = 700
HOLD_KEY = Qt.Key.Key_X


class Film(QObject):
    """Chooses one word after the other; whoever chooses another word meanwhile ends it."""

    running_changed = Signal(bool)

    def __init__(self, heatmaps: Heatmaps) -> None:
        super().__init__(heatmaps)
        self._heatmaps = heatmaps
        self._at: tuple[Turn, int] | None = None
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self.step)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    def toggle(self) -> None:
        if self.running:
            self.stop()
        elif (chosen := self._heatmaps.chosen) is not None and chosen[0].outcome is not None:
            self._show(chosen[0], 0)
            self._timer.start()
            self.running_changed.emit(True)

    def step(self) -> None:
        if self._at is None or self._heatmaps.chosen != self._at:
            self.stop()
            return
        turn, word = self._at
        if word + 1 < len(turn.words):
            self._show(turn, word + 1)
        else:
            self.stop()

    def stop(self) -> None:
        self._timer.stop()
        self._at = None
        self.running_changed.emit(False)

    def _show(self, turn: Turn, word: int) -> None:
        self._at = turn, word
        self._heatmaps.choose(turn, word)


class HoldKey(QObject):
    """Says when a key goes down and up again in any of the widgets that it watches."""

    held = Signal(bool)

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__(widgets[0])
        self._down = False
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QKeyEvent) and event.key() == HOLD_KEY and not event.modifiers():
            if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                if not event.isAutoRepeat():
                    self._hold(event.type() == QEvent.Type.KeyPress)
                return True
        elif event.type() == QEvent.Type.FocusOut:
            self._hold(False)
        return False

    def _hold(self, down: bool) -> None:
        if down != self._down:
            self._down = down
            self.held.emit(down)
