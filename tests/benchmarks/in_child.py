"""Runs a piece of work in a forked process of its own, with an end to its time and memory. Unix."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mmgpt_desktop.errors import AppError

_LONGEST = 200
_BUG = "Something went wrong"  # how the product says that a library raised what nobody knew of


class Result(StrEnum):
    OPENED = "opened"
    REFUSED = "refused"  # with a sentence
    BARE = "bare error"
    HANG = "hang"
    MEMORY = "over-memory"
    CRASH = "crash"


GOOD = (Result.OPENED, Result.REFUSED)


@dataclass(frozen=True)
class Limits:
    """`megabytes` of memory that is really used, more than before."""

    seconds: float
    megabytes: int


@dataclass(frozen=True)
class Outcome:
    """`said` is the sentence, or what was raised and where."""

    result: Result
    said: str
    seconds: float
    megabytes: float


def run(work: Callable[[], None], limits: Limits) -> Outcome:
    """Never raises what `work` raises. Call it in a process without threads."""
    reader, writer = os.pipe()
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest may have threads
        pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(work, writer, limits)
    os.close(writer)
    try:
        told, status, most = _wait(pid, reader, limits.seconds)
    finally:
        os.close(reader)
    begun, _, told = told.partition(b"\n")
    seconds, megabytes = time.monotonic() - started, max(0.0, most - float(begun or most)) / 1e6
    if status is None:
        return Outcome(Result.HANG, f"longer than {limits.seconds:g} s", seconds, megabytes)
    if not told:
        number = os.waitstatus_to_exitcode(status)
        name = signal.Signals(-number).name if number < 0 else f"exit code {number}"
        return Outcome(Result.CRASH, name, seconds, megabytes)
    result, said = json.loads(told)
    if megabytes > limits.megabytes:
        result = Result.MEMORY
    return Outcome(Result(result), said, seconds, megabytes)


def _wait(pid: int, reader: int, seconds: float) -> tuple[bytes, int | None, float]:
    """What it told, how it ended (None: it was killed), and the most bytes that it had."""
    told, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([reader], [], [], 0.02)[0]:
            piece = os.read(reader, 65_536)
            told += piece
            if piece:
                continue
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return told, status, usage.ru_maxrss * 1024.0
    os.killpg(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    return told, None, usage.ru_maxrss * 1024.0


def _child(work: Callable[[], None], writer: int, limits: Limits) -> None:
    """Ends the process."""
    try:
        os.setsid()
        faulthandler.disable()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        most = _virtual() + (2 * limits.megabytes + 2000) * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(writer, b"%d\n" % _resident())
        os.write(writer, json.dumps(_done(work)).encode())
    finally:
        os._exit(0)


def _done(work: Callable[[], None]) -> tuple[Result, str]:
    try:
        work()
    except MemoryError:
        return Result.MEMORY, "MemoryError"
    except AppError as error:
        said = str(error)
        if said.startswith(_BUG) and error.__cause__ is not None:
            return Result.BARE, _named(error.__cause__)
        return (Result.REFUSED, said[:_LONGEST]) if said else (Result.BARE, "an empty sentence")
    except BaseException as error:
        return Result.BARE, _named(error)
    return Result.OPENED, ""


def _named(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = next((each for each in reversed(frames) if "mmgpt_desktop" in each.filename), None)
    where = f" in {Path(place.filename).name}:{place.lineno}" if place is not None else ""
    return f"{type(error).__name__}{where}: {error}"[:_LONGEST]


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _virtual() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
