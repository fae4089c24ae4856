"""What every window of ours is a part of."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication

# While Python code of the engine holds the interpreter's lock, the window waits this long.
SWITCH_S = 0.001


def make_application() -> QApplication:
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    application = QApplication(sys.argv[:1])
    application.setApplicationName("mmgpt-desktop")
    application.setApplicationDisplayName("MMGPT Desktop")
    application.setDesktopFileName("mmgpt-desktop")
    return application
