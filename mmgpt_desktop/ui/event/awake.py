"""Keeps the screen on and notifications away while the show runs.

Where the system can't do it, the show goes on and the log says so.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtDBus import QDBusConnection, QDBusMessage

PROGRAM = "MMGPT Desktop"
REASON = "A show is running"

_log = logging.getLogger(__name__)
_TIMEOUT_MS = 2000
# What holds off sleep as long as its standard input is open, that is as long as we live.
_HOLDERS = {
    "linux": [
        *("systemd-inhibit", "--what=idle:sleep", f"--who={PROGRAM}", f"--why={REASON}"),
        *("--mode=block", "cat"),
    ],
    "darwin": ["caffeinate", "-d", "-i", "cat"],
}


# The second is Plasma's; other desktops hold notifications back themselves while a window fills
# the screen.
INHIBITORS: dict[str, list[Any]] = {
    "org.freedesktop.ScreenSaver": [PROGRAM, REASON],
    "org.freedesktop.Notifications": ["mmgpt-desktop", REASON, {}],
}


def inhibit(service: str) -> QDBusMessage:
    path = f"/{service.replace('.', '/')}"
    message = QDBusMessage.createMethodCall(service, path, service, "Inhibit")
    message.setArguments(INHIBITORS[service])
    return message


def _call(message: QDBusMessage) -> QDBusMessage:
    return QDBusConnection.sessionBus().call(message, timeout=_TIMEOUT_MS)


class Awake:
    """From `start`, which may wait for the bus, to `stop`. The desktop ends its part when the
    connection closes, so that nothing stays behind after a crash either."""

    def __init__(
        self,
        call: Callable[[QDBusMessage], QDBusMessage] = _call,
        popen: Callable[..., Any] = subprocess.Popen,
    ) -> None:
        self._call, self._popen = call, popen
        self._holder: Any = None

    def start(self) -> None:
        for message in map(inhibit, INHIBITORS):
            reply = self._call(message)
            if reply.type() == QDBusMessage.MessageType.ErrorMessage:
                _log.warning("%s can't be held off: %s", message.interface(), reply.errorMessage())
        self._hold()

    def _hold(self) -> None:
        if sys.platform == "win32":
            import ctypes

            continuous, system, display = 0x80000000, 0x1, 0x2  # SetThreadExecutionState
            ctypes.windll.kernel32.SetThreadExecutionState(continuous | system | display)
            return
        command = _HOLDERS.get(sys.platform)
        if command is None or shutil.which(command[0]) is None:
            _log.warning("nothing here holds off sleep")
            return
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self._holder = self._popen(command, stdin=pipe, stdout=nowhere, stderr=nowhere)

    def stop(self) -> None:
        if self._holder is not None:
            self._holder.stdin.close()
            self._holder.wait()
            self._holder = None
