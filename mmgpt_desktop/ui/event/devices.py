"""What this computer has for an event: screens, printers, a camera."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

from PySide6.QtGui import QGuiApplication
from PySide6.QtPrintSupport import QPrinterInfo

from mmgpt_desktop.ui.pictures.camera import why_no_camera


@dataclass(frozen=True)
class Devices:
    """Screens in their own pixels, the main one first; `no_camera` is empty where there is one."""

    screens: tuple[tuple[int, int], ...]
    printers: tuple[str, ...]
    no_camera: str


def look() -> Devices:
    """Ends the process where Qt finds no display, and may wait long for a printer's server."""
    application = QGuiApplication.instance() or QGuiApplication(sys.argv[:1])
    main = QGuiApplication.primaryScreen()
    screens = sorted(QGuiApplication.screens(), key=lambda screen: screen is not main)
    sizes = [screen.size() * screen.devicePixelRatio() for screen in screens]
    printers = tuple(QPrinterInfo.availablePrinterNames())
    found = Devices(tuple((s.width(), s.height()) for s in sizes), printers, why_no_camera())
    del application
    return found


def tell(listener: Connection) -> None:
    """`look` for another process."""
    listener.send(look())
