"""The process and its application, before there is a window."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from PySide6.QtCore import (
    QEvent,
    QLibraryInfo,
    QLoggingCategory,
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.engine.memory import keep_heaps_small
from mmgpt_desktop.errors import AppError

# While Python code of the engine holds the interpreter's lock, the window waits this long.
_SWITCH_S = 0.001
_FAILED = 2
_ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl+C, the end of the session, of the terminal
# Which FFmpeg it is, which of it a computer lacks, and sound, which nothing here makes: no news for
# a terminal. What a camera fails with still comes. QT_LOGGING_RULES has the last word.
_QUIET = """
qt.multimedia*.debug=false
qt.multimedia*.info=false
qt.multimedia.ffmpeg.hwaccel*.warning=false
qt.multimedia.pipewire*.warning=false
qt.multimedia.pulseaudio*.warning=false
"""


def prepare_process() -> None:
    """What the whole process does otherwise than Python: before the first thread begins."""
    sys.setswitchinterval(_SWITCH_S)
    keep_heaps_small()


def make_application() -> QApplication:
    QLoggingCategory.setFilterRules(_QUIET)
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if sys.platform == "linux":
        choose_input_method(Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)))
    with _failing_in_a_sentence():
        application = QApplication(sys.argv[:1])
    application.setApplicationName("mmgpt-desktop")
    application.setApplicationDisplayName("MMGPT Desktop")
    application.setDesktopFileName("mmgpt-desktop")
    return application


def choose_input_method(plugins: Path) -> None:
    """Have Qt talk to Fcitx, by which most Chinese is typed, as to IBus: Fcitx answers to both,
    and Qt's packages bring IBus's plugin alone. Qt 6 itself doesn't look at XMODIFIERS."""
    variables = os.environ
    wanted = variables.get("QT_IM_MODULE", "")
    if not wanted and "WAYLAND_DISPLAY" not in variables:
        wanted = variables.get("XMODIFIERS", "").removeprefix("@im=")
    there = [file.name for file in (plugins / "platforminputcontexts").glob("*.so")]
    known = any(wanted.removesuffix("5") in name for name in there)
    if "QT_IM_MODULES" not in variables and wanted in ("fcitx", "fcitx5", "ibus"):
        variables["QT_IM_MODULE"] = wanted if known else "ibus"


@contextlib.contextmanager
def _failing_in_a_sentence() -> Iterator[None]:
    """Qt ends the process where it finds no display, or lacks a library; nothing can be caught.
    What it says by the way is passed on once all went well."""
    said: list[str] = []

    def hear(kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
        said.append(text)
        if kind == QtMsgType.QtFatalMsg:
            hint = (
                "`mmgpt-desktop doctor` says what is missing; `mmgpt-desktop ask` needs no window."
            )
            title = "The window can't be opened ({reason})."
            print(AppError(title, hint, reason=said[0].strip().rstrip(".")), file=sys.stderr)
            sys.stderr.flush()
            os._exit(_FAILED)

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
    for text in said:
        print(text, file=sys.stderr)


class EndFromSystem(QObject):
    """Says once that the system, or who started it, ends the process; at the second time it ends
    at once. Python's own handlers would not be called while Qt waits for events."""

    wanted = Signal(int)  # the signal's number

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        numbers = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
        # One that is ignored stays so: `nohup` is meant.
        self._numbers = [each for each in numbers if signal.getsignal(each) != signal.SIG_IGN]
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in self._numbers:
            signal.signal(number, _wake)
        read = QSocketNotifier.Type.Read
        self._notifier = QSocketNotifier(self._reader.fileno(), read, self)
        self._notifier.activated.connect(self._tell)

    def _tell(self) -> None:
        came = self._reader.recv(1)
        for number in self._numbers:
            signal.signal(number, signal.SIG_DFL)
        self._notifier.setEnabled(False)
        self.wanted.emit(came[0])


def _wake(_number: int, _frame: FrameType | None) -> None:
    """The number went through the socket."""


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
