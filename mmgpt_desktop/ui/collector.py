"""Has Python's garbage collected in the GUI thread alone."""

from __future__ import annotations

import gc
import linecache
import sys

from PySide6.QtCore import QObject, QTimer

COLLECT_MS = 1000
WHOLE_EVERY = 30  # times
MANY_MODULES = 200  # PyTorch brings thousands: a third of a second in each collection


class Collector(QObject):
    """A closed dialog is garbage that knows itself. Python would collect it in whichever thread
    happens to make the next object, and a widget that is destroyed there takes the program down.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._times, self._modules = 0, 0
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._go_on)
        self._timer.start()

    def settle(self) -> None:
        """A model came, and with it may have come a library, to stay: from now on its functions
        and classes cost no time. No collection comes first, for that would take longer than a
        window may be late. A model is not garbage that knows itself: it goes when it is let go.

        PySide reads the source of each module that is imported, for a feature that we don't use,
        and Python keeps what was read: more than 100 MB with PyTorch.
        """
        if len(sys.modules) >= self._modules + MANY_MODULES:
            self._modules = len(sys.modules)
            linecache.clearcache()
            gc.freeze()

    def _go_on(self) -> None:
        self.settle()
        self._times += 1
        gc.collect(1 if self._times % WHOLE_EVERY else 2)

    def close(self) -> None:
        """From now on Python does it by itself again."""
        self._timer.stop()
        gc.collect()
        gc.enable()
