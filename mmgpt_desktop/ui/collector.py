"""Has Python's garbage collected in the GUI thread alone."""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QObject, QTimer, Slot

COLLECT_MS = 1000
WHOLE_EVERY = 30  # times
MANY_MODULES = 500  # their functions and classes cost each collection a third of a second


class Collector(QObject):
    """A closed dialog is garbage that knows itself. Python would collect it in whichever thread
    happens to make the next object, and a widget that is destroyed there takes the program down.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._times, self._settled = 0, False
        self._modules = len(sys.modules)
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._go_on)
        self._timer.start()

    @Slot()
    def collect(self) -> None:
        """A model came. The one before it is garbage that knows itself, too; what is there now
        has come to stay, and costs no time from now on: a quarter of a second otherwise."""
        if self._settled:
            gc.unfreeze()
            gc.collect()
        self._settled = True
        gc.freeze()

    @Slot()
    def _go_on(self) -> None:
        self._times += 1
        if self._times % WHOLE_EVERY:
            gc.collect(1)
            return
        gc.collect()
        if len(sys.modules) >= self._modules + MANY_MODULES:  # PyTorch came, to stay
            self._modules = len(sys.modules)
            gc.freeze()

    def close(self) -> None:
        """From now on Python does it by itself again."""
        self._timer.stop()
        gc.collect()
        gc.enable()
