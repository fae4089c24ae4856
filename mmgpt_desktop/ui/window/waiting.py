"""Waits for the real window from a program that uses it: the self-test, a soak, a benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer

from mmgpt_desktop.ui.window.app import App

_PATIENCE_S = 120.0


def wait_for_model(app: App) -> None:
    """RuntimeError with the window's own sentence when the model can't be loaded."""
    wait_until(lambda: app.models.loader.model is not None or app.window.status.load.isVisible())
    if app.models.loader.model is None:
        raise RuntimeError(app.window.status.text.whole)


def wait_until(condition: Callable[[], bool]) -> None:
    """Run the event loop until `condition` holds; TimeoutError when it never does."""
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there in time")
        wait_for(0.01)


def wait_for(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()
