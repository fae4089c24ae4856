"""A camera that is not there: it gives other pictures all the time, and sometimes breaks off."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from mmgpt_desktop.ui.pictures.camera import SHOWN_MS
from tests.soak.made_up_files import noise

_WIDTH, _HEIGHT = 640, 480
_BREAKS_AFTER = 150  # pictures


def painted(seed: int) -> QImage:
    """Another picture for each seed."""
    pixels = noise(seed, _WIDTH, _HEIGHT).tobytes()
    return QImage(pixels, _WIDTH, _HEIGHT, 3 * _WIDTH, QImage.Format.Format_RGB888).copy()


class MadeUpCamera(QObject):
    """A source for `Live`, in place of a device."""

    frame = Signal(QImage)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given = 0
        self._timer = QTimer(self, interval=SHOWN_MS)
        self._timer.timeout.connect(self._give)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _give(self) -> None:
        self._given += 1
        if self._given > _BREAKS_AFTER:
            self.stop()
            self.failed.emit("The camera was unplugged.")
        else:
            self.frame.emit(painted(self._given % 8))
