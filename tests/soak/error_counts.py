"""Catches every error that the window's code lets pass, and counts those it tells."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QtMsgType, Slot, qInstallMessageHandler

from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.messages import GenerationOutcome
from mmgpt_desktop.ui import worker

# The offscreen platform's own, about what it can't do, and what a camera could do without.
_HARMLESS = ("This plugin does not support", "Couldn't load ", "Couldn't resolve ")


class ErrorCounts(QObject):
    """`expected` by sentence, `unexpected` by where they came from. Filled from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: Counter[str] = Counter()
        self.unexpected: Counter[str] = Counter()

    @Slot(object)
    def take_outcome(self, outcome: GenerationOutcome) -> None:
        if outcome.error is not None:
            self.take(outcome.error)

    @Slot(object)
    def take_load(self, error: AppError | None) -> None:
        if error is not None:
            self.take(error)

    def take(self, error: AppError) -> None:
        """What a thread's work failed with: bad files are told by their own kinds of error."""
        light = missing_torch()  # an error of its own kind, which the light edition may tell
        bug = isinstance(error, RuntimeFailure) and (light is None or str(error) != str(light))
        counts = self.unexpected if bug else self.expected
        why = f" <- {error.__cause__!r}" if bug and error.__cause__ else ""
        counts[f"{type(error).__name__}: {error.title_template}{why}"] += 1

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Exceptions in slots and threads, warnings of Qt, what is logged as a warning, and what
        the window's threads fail with, which they log."""
        handler, failures = _Handler(self.unexpected), _Failures(self)
        work = logging.getLogger(worker.__name__)
        work.setLevel(logging.INFO)
        work.addHandler(failures)
        logging.getLogger().addHandler(handler)
        hooks = sys.excepthook, threading.excepthook
        sys.excepthook = lambda kind, error, _trace: self._count(error)
        threading.excepthook = lambda arguments: self._count(arguments.exc_value)
        before: Callable[..., Any] | None = qInstallMessageHandler(self._take_message)
        try:
            yield
        finally:
            qInstallMessageHandler(before)
            sys.excepthook, threading.excepthook = hooks
            logging.getLogger().removeHandler(handler)
            work.removeHandler(failures)
            work.setLevel(logging.NOTSET)

    def _count(self, error: BaseException | None) -> None:
        places = traceback.extract_tb(error.__traceback__)[-4:] if error is not None else []
        where = " > ".join(f"{Path(place.filename).name}:{place.lineno}" for place in places)
        self.unexpected[f"{error!r} at {where}" if where else repr(error)] += 1

    def _take_message(self, kind: QtMsgType, _context: object, text: str) -> None:
        serious = kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg)
        if serious and not text.startswith(_HARMLESS):
            self.unexpected[f"Qt: {text}"] += 1


class _Failures(logging.Handler):
    def __init__(self, counts: ErrorCounts) -> None:
        super().__init__(logging.INFO)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AppError):
            self._counts.take(error)


class _Handler(logging.Handler):
    def __init__(self, counts: Counter[str]) -> None:
        super().__init__(logging.WARNING)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        why = f" <- {record.exc_info[1]!r}" if record.exc_info else ""
        self._counts[f"{record.name}: {record.getMessage()}{why}"] += 1
