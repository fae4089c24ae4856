"""Lines that libraries in C write to the terminal, kept out of it: what a user should know is in
our sentences."""

from __future__ import annotations

import os
import threading

_STDERR = 2


class _NoStderr:
    """The output is the whole process's: the first thread closes it, the last opens it again."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._kept: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._kept = _sent_nowhere()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._kept is not None:
                os.dup2(self._kept, _STDERR)
                os.close(self._kept)


def _sent_nowhere() -> int | None:
    """A copy of what it was; None for a program for the window, which has none on Windows."""
    try:
        kept = os.dup(_STDERR)
    except OSError:
        return None
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    return kept


no_stderr = _NoStderr()
