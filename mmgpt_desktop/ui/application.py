"""The process and its application, before there is a window."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.engine.memory import keep_heaps_small

# While Python code of the engine holds the interpreter's lock, the window waits this long.
_SWITCH_S = 0.001


def prepare_process() -> None:
    """What the whole process does otherwise than Python: before the first thread begins."""
    sys.setswitchinterval(_SWITCH_S)
    keep_heaps_small()


def make_application() -> QApplication:
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    application = QApplication(sys.argv[:1])
    application.setApplicationName("mmgpt-desktop")
    application.setApplicationDisplayName("MMGPT Desktop")
    application.setDesktopFileName("mmgpt-desktop")
    return application


class FilesFromSystem(QObject):
    """Files that somebody opens with the program: macOS tells it so, others as it is started."""

    opened = Signal(list)  # [Path]

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QFileOpenEvent) and event.file():
            self.opened.emit([Path(event.file())])
            return True
        return super().eventFilter(watched, event)
