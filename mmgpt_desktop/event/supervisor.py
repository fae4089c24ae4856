"""Keeps the show on the screen: starts the app, and starts it again when it crashes or hangs.

The app beats once a second, from the thread that draws, by a byte through a pipe. Main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmgpt_desktop.errors import AppError

CHILD_OPTION = "--event-child"
AGAIN_OPTION = "--event-again"  # has the app tell its visitor why the show begins anew
FAILED = 2  # what the app ends with when it has said in a sentence what is wrong

_BEAT, _LEAVE = b".", b"q"
_PR_SET_PDEATHSIG = 1  # prctl(2)
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class TimeLimits:
    """Seconds until the first beat, between beats, for an end that was asked for, and that an
    app must run for its crash not to count as one at the start; `crashes` of those in a row are
    too many."""

    start_s: float = 60.0
    hang_s: float = 8.0
    end_s: float = 5.0
    settled_s: float = 60.0
    crashes: int = 6


@dataclass(frozen=True)
class _Ended:
    """`code` is None for an app that hung and was killed, negative for a signal."""

    code: int | None
    beaten: bool
    left: bool


class Heartbeat:
    """The app's side. Without its supervisor the app ends too: nobody could start it again."""

    def __init__(self, fd: int) -> None:
        self._fd = _as_descriptor(fd)
        os.set_inheritable(self._fd, False)
        if os.name == "posix":
            os.set_blocking(self._fd, False)
        if sys.platform == "linux":  # also where a hang keeps the next beat from being sent
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        self.beat()  # the supervisor may have gone before

    def beat(self) -> None:
        """Once a second, from the thread that draws. Never waits."""
        self._write(_BEAT)

    def leave(self) -> None:
        """Somebody who may has ended the show: the supervisor will not start it again."""
        self._write(_LEAVE)

    def _write(self, message: bytes) -> None:
        try:
            os.write(self._fd, message)
        except BlockingIOError:  # the supervisor is stopped, and the pipe full of beats
            pass
        except OSError:
            os._exit(1)


def supervise(
    command: Sequence[str],
    patience: TimeLimits | None = None,
    *,
    crashed: Callable[[str], None] = lambda _kind: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run the command until it ends by itself, and give its exit code.

    `CHILD_OPTION` and the pipe's number are added to the command, and `AGAIN_OPTION` from the
    second start on. `crashed` gets "crash" or "hang" before each new start. SIGTERM ends the app
    too, then this process. Raises AppError when the app crashes again and again right after its
    start.
    """
    patience = patience or TimeLimits()
    again, quick = list[str](), 0
    with _ending_on_signals():
        while True:
            started = clock()
            ended = _run([*command, *again], patience)
            if ended.code == 0 or ended.left:
                return 0
            if not again and ended.code == FAILED and not ended.beaten:
                return FAILED  # such as no display: it would fail again
            again = [AGAIN_OPTION]
            quick = quick + 1 if clock() - started < patience.settled_s else 0
            _say(ended)
            crashed("hang" if ended.code is None else "crash")
            if quick >= patience.crashes:
                title = "The app crashed {count} times in a row right after its start."
                hint = "`mmgpt-desktop event-check` with this profile says what fails."
                raise AppError(title, hint, count=quick)
            sleep(min(_LONGEST_PAUSE_S, 2.0 ** max(0, quick - 1) - 1))  # 0, 1, 3, 7 ...


def _say(ended: _Ended) -> None:
    how = "hung" if ended.code is None else f"crashed (exit code {ended.code})"
    print(f"The app {how} and is started again.", file=sys.stderr, flush=True)


def _run(command: Sequence[str], patience: TimeLimits) -> _Ended:
    """One life of the app."""
    with _started(command, patience) as (child, beats):
        beaten = left = False
        while True:
            wait = patience.end_s if left else patience.hang_s if beaten else patience.start_s
            try:
                message = beats.get(timeout=wait)
                if not message:  # the pipe is closed: it has ended
                    return _Ended(child.wait(patience.end_s), beaten, left)
            except (queue.Empty, subprocess.TimeoutExpired):
                child.kill()  # it would not hear a request
                return _Ended(None, beaten, left)
            beaten, left = True, left or _LEAVE in message


@contextlib.contextmanager
def _started(
    command: Sequence[str], patience: TimeLimits
) -> Iterator[tuple[subprocess.Popen[bytes], queue.SimpleQueue[bytes]]]:
    """The app and its beats; it is gone at the end, whatever happens."""
    reader, writer = os.pipe()
    child, beats = None, queue.SimpleQueue[bytes]()
    listener = threading.Thread(target=_listen, args=(reader, beats), daemon=True)
    try:
        try:
            name, options = _inherited(writer)
            with _heard_later():
                child = subprocess.Popen(
                    [*command, CHILD_OPTION, name], stdin=subprocess.DEVNULL, **options
                )
        finally:
            os.close(writer)
            listener.start()
        yield child, beats
    finally:
        if child is not None:
            _end(child, patience.end_s)
        listener.join()


@contextlib.contextmanager
def _heard_later() -> Iterator[None]:
    """A signal in mid-start would leave an app behind that nobody can end."""
    heard = list[int]()
    try:
        with _handled(
            "SIGINT", "SIGTERM", "SIGHUP", by=lambda number, _frame: heard.append(number)
        ):
            yield
    finally:
        for number in heard:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled(*names: str, by: Callable[[int, Any], object]) -> Iterator[None]:
    """The signals of these names, where the system has them."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, by) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(reader: int, beats: queue.SimpleQueue[bytes]) -> None:
    """In a thread of its own: not every system can wait for a pipe with a time limit."""
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while message := pipe.read(4096):
            beats.put(message)
    beats.put(b"")


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    """What would end this process at once unwinds it instead; Ctrl+C does so by itself."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    with _handled("SIGTERM", "SIGHUP", by=end):
        yield


def _inherited(writer: int) -> tuple[str, dict[str, Any]]:
    """What names the pipe to the child, and how `Popen` passes it on."""
    if sys.platform == "win32":  # descriptors are each process's own there, handles are not
        import msvcrt

        handle = msvcrt.get_osfhandle(writer)
        os.set_handle_inheritable(handle, True)
        passed = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        return str(handle), {"startupinfo": passed, "close_fds": True}
    return str(writer), {"pass_fds": (writer,)}


def _as_descriptor(name: int) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(name, os.O_WRONLY)
    return name
