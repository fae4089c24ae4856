"""What is measured while the window is used: lateness, memory, and what is left open."""

from __future__ import annotations

import faulthandler
import gc
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from types import FrameType

import numpy as np
import psutil
from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Slot

from mmgpt_desktop.engine.memory import give_memory_back

_TICK_MS = 5
_LONGEST_MS = 60_000  # what takes longer counts as that
_STALL_S = 0.25  # from then on it is asked where the thread is
_WORST_KEPT = 5
_MEGABYTE = 1e6
_STDERR = 2


@dataclass(frozen=True)
class Stall:
    """One time that the event loop stood still.

    `busy` of the seconds the GUI thread itself computed; else it waited for others.
    """

    seconds: float
    busy: float
    where: str


@dataclass(frozen=True)
class Lateness:
    """Milliseconds; `busy_max` is the longest that the GUI thread itself computed on end."""

    p99: float
    max: float
    busy_max: float
    worst: tuple[Stall, ...]


class Stalls(QObject):
    """How late the GUI thread's event loop is.

    Each tick that a blocked thread missed counts with the lateness it would have had. A second
    thread looks where a stall is, while it lasts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts = np.zeros(_LONGEST_MS // _TICK_MS + 1, np.int64)
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self._max = self._busy_max = 0.0
        self._worst: list[Stall] = []
        self._where = ""
        self._thread_id = threading.get_ident()
        self._ended = threading.Event()
        self.timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._tick)
        self._watch = threading.Thread(target=self._look, name="stalls", daemon=True)

    def start(self) -> None:
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self.timer.start()
        if not self._watch.is_alive():
            self._watch.start()

    def pause(self) -> None:
        """Until `start`: what follows is not the window's own doing."""
        self.timer.stop()
        self._last = float("inf")

    def end(self) -> Lateness:
        self.pause()
        self._ended.set()
        if self._watch.is_alive():
            self._watch.join()
        total = self._counts.sum()
        place = int(np.searchsorted(np.cumsum(self._counts), 0.99 * total)) if total else 0
        return Lateness(
            float(place * _TICK_MS), self._max * 1000, self._busy_max * 1000, tuple(self._worst)
        )

    def _tick(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        late = max(0.0, now - self._last - _TICK_MS / 1000)
        self._counts[: min(int(late * 1000 / _TICK_MS) + 1, len(self._counts))] += 1
        self._max = max(self._max, late)
        if late > _STALL_S:
            self._worst.append(Stall(late, busy - self._busy, self._where or "unknown"))
            self._worst = sorted(self._worst, key=lambda stall: -stall.busy)[:_WORST_KEPT]
        self._busy_max = max(self._busy_max, busy - self._busy)
        self._last, self._busy, self._where = now, busy, ""

    def _look(self) -> None:
        while not self._ended.wait(_STALL_S / 5):
            if not self._where and time.perf_counter() - self._last > _STALL_S:
                self._where = _place(sys._current_frames()[self._thread_id])


class Alarm(QObject):
    """Ends the process where the window has stood still for `seconds`, and says where each thread
    is. A window that waits for ever with Python's lock can't be helped, nor told of, by Python."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        assert QCoreApplication.instance(), "without it no timer sets the alarm again"
        self._seconds = seconds
        self.timer = QTimer(self, interval=1000)
        self.timer.timeout.connect(self._set)
        self.timer.start()
        self._set()

    def end(self) -> None:
        self.timer.stop()
        faulthandler.cancel_dump_traceback_later()

    @Slot()
    def _set(self) -> None:
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=_STDERR)


def _place(frame: FrameType) -> str:
    """The innermost calls, outermost first."""
    calls = traceback.extract_stack(frame)[-6:]
    return " > ".join(f"{call.filename.split('/')[-1]}:{call.lineno} {call.name}" for call in calls)


class Others:
    """How much of the machine other programs had, from 0 to 1, since this was made."""

    def __init__(self) -> None:
        self._before = self._times()

    def share(self) -> float:
        total, idle, own = (
            now - then for now, then in zip(self._times(), self._before, strict=True)
        )
        return max(0.0, 1 - (idle + own) / total) if total > 0 else 0.0

    def _times(self) -> tuple[float, float, float]:
        """Processor seconds of the whole machine, those nobody used, and our own."""
        machine, own = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        return sum(machine), idle, own.user + own.system


@dataclass(frozen=True)
class Sample:
    """The process at rest. `files` are open files and sockets, -1 where nobody can tell.

    `mapped` megabytes are pages of programs and fonts, which the system reads as they are first
    used and drops as it likes; `megabytes` are the process's own (all, where nobody can tell).
    """

    minute: float
    megabytes: float
    mapped: float
    threads: int
    files: int


def take_sample(minute: float) -> Sample:
    """After what the window does once a minute by itself."""
    gc.collect()
    give_memory_back()
    process = psutil.Process()
    files = process.num_fds() if hasattr(process, "num_fds") else -1
    memory = process.memory_info()
    mapped = getattr(memory, "shared", 0)
    own = (memory.rss - mapped) / _MEGABYTE
    return Sample(minute, own, mapped / _MEGABYTE, process.num_threads(), files)
