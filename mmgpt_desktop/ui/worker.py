"""The threads behind the window: the only file that knows both Qt and the engine.

Signals belong to objects of the GUI thread, so a slot of a QObject there runs there.
Connect no lambdas or partials to them: PySide6 would run those on the worker's thread.

BaseException is caught: a panic in a library written in Rust is one, and whoever waits is told.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.cores import step_back
from mmgpt_desktop.engine.protocol import EngineLike
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure, unexpected
from mmgpt_desktop.messages import (
    Explanation,
    Found,
    GenerationOutcome,
    GenerationRequest,
    Photo,
    RuntimeName,
    Timings,
)
from mmgpt_desktop.methods import Method

CLOSE_WAIT_MS = 5000
QUIET_SECONDS = 20.0

_log = logging.getLogger(__name__)


def engine_maker(bundle: Path, runtime: RuntimeName | None) -> Callable[[], EngineLike]:
    """What makes the real engine; called on the engine's thread, where its imports happen."""

    def make() -> EngineLike:
        from mmgpt_desktop.engine.open_engine import open_engine

        return open_engine(bundle, runtime)

    return make


class _QueueThread(QThread):
    """A thread with a queue of work; None in it ends the thread. Called from the GUI thread."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closing = CancelToken()
        self._asked = self._ended = 0  # each is counted by one thread alone

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is over, cancelled or not."""
        return self._asked == self._ended

    def _submit(self, item: Any) -> None:
        self._asked += 1
        self._queue.put(item)

    def begin_close(self) -> None:
        """Cancel all work and let the thread end."""
        self._closing.cancel()
        self._queue.put(None)

    def end_close(self) -> bool:
        """Wait for the end; False when it was still busy after `CLOSE_WAIT_MS`."""
        if self.wait(CLOSE_WAIT_MS):
            return True
        _log.error("thread %s did not end within %d ms", self.objectName(), CLOSE_WAIT_MS)
        return False


@dataclass(frozen=True, eq=False)
class _Load:
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Switch:
    make_engine: Callable[[], EngineLike]
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Ask:
    request: GenerationRequest
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Edges:
    photo: Photo
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Explain:
    explanation: Explanation
    method: Method
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _CheckWord:
    explanation: Explanation
    word: slice
    cells: NDArray[np.float32]
    method: Method
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Numbers:
    explanation: Explanation
    token: int
    layer: int
    head: int
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, eq=False)
class _Forget:
    cancel: CancelToken = field(default_factory=CancelToken)


_Item = _Load | _Switch | _Ask | _Edges | _Explain | _CheckWord | _Numbers | _Forget


class EngineThread(_QueueThread):
    """Owns the engine: loads it, then answers one request after the other.

    Exactly one `ended` for each `ask`, after its last `stepped`; exactly one `loaded` or
    `load_failed` for each `load` and each `switch`. All are called from the GUI thread.
    Whoever asks takes the number of the request from `job_ids`.
    """

    load_progress = Signal(float, str)
    loaded = Signal(object, object)  # ModelInfo, RuntimeInfo
    load_failed = Signal(object)  # AppError, or None when cancelled
    stepped = Signal(object)  # TokenStep
    ended = Signal(object)  # GenerationOutcome
    edges_found = Signal(object, object)  # Photo, EdgeMap
    edges_failed = Signal(object, object)  # Photo, AppError
    maps_found = Signal(object, object)  # Explanation, Found
    checked = Signal(object, object)  # Explanation, Check
    numbers_found = Signal(object, object)  # Explanation, HeadNumbers
    numbers_failed = Signal(object, object)  # Explanation, AppError
    explain_failed = Signal(object, object)  # Explanation, AppError

    def __init__(
        self, make_engine: Callable[[], EngineLike], parent: QObject | None = None
    ) -> None:
        super().__init__("engine", parent)
        self._make_engine = make_engine
        self._engine: EngineLike | None = None
        self._load_error: AppError | None = None
        self._resting = CancelToken()
        self.job_ids = itertools.count(1)

    def load(self) -> CancelToken:
        return self._put(_Load())

    def switch(self, make_engine: Callable[[], EngineLike]) -> CancelToken:
        """Load another model; until it is there, and if it fails, the one before stays."""
        return self._put(_Switch(make_engine))

    def ask(self, request: GenerationRequest) -> CancelToken:
        return self._put(_Ask(request))

    def edges(self, photo: Photo) -> CancelToken:
        """Ask what the cells of a photo's graph read from each other."""
        return self._put(_Edges(photo))

    def explain(self, explanation: Explanation, method: Method) -> CancelToken:
        """As `EngineBase.explain`."""
        return self._put(_Explain(explanation, method))

    def check(
        self, explanation: Explanation, word: slice, cells: NDArray[np.float32], method: Method
    ) -> CancelToken:
        """Ask what hiding the brightest of `cells` [row, column] does to the word."""
        return self._put(_CheckWord(explanation, word, cells, method))

    def numbers(self, explanation: Explanation, token: int, layer: int, head: int) -> CancelToken:
        """Ask what one head computed for a token."""
        return self._put(_Numbers(explanation, token, layer, head))

    def forget(self) -> None:
        """Drop what the engine keeps of photos."""
        self._put(_Forget())

    def _put(self, item: _Item) -> CancelToken:
        self._submit(item)
        self._resting.cancel()
        return item.cancel

    def run(self) -> None:
        step_back()
        while self._work(self._next()):  # by no name: a request that is done is let go
            self._ended += 1
        self._drop_engine()

    def _next(self) -> Any:
        """When nobody asked for anything in a while, the engine does what could wait."""
        with contextlib.suppress(queue.Empty):
            return self._queue.get(timeout=QUIET_SECONDS)
        self._rest()
        return self._queue.get()

    def _rest(self) -> None:
        self._resting = resting = CancelToken()
        forget = self._closing.on_cancel(resting.cancel)
        try:
            if self._engine and self._queue.empty():  # what comes from now on cancels it
                self._engine.rest(resting)
        except BaseException as error:  # nobody asked for it, so nobody is told
            _log.info("what could wait has ended early: %s", error)
        forget()

    def _work(self, item: _Item | None) -> bool:
        """Do what is asked for; False at the end."""
        if item is None:
            return False
        forget = self._closing.on_cancel(item.cancel.cancel)
        if isinstance(item, _Load):
            self._drop_engine()
            self._load(item)
        elif isinstance(item, _Switch):
            self._load(item, item.make_engine)
        elif isinstance(item, _Ask):
            self.ended.emit(self._answer(item))
        elif isinstance(item, _Edges):
            self._find_edges(item)
        elif isinstance(item, _Forget):
            self._forget()
        else:
            self._explain(item)
        forget()
        return True

    def _load(
        self, item: _Load | _Switch, make_engine: Callable[[], EngineLike] | None = None
    ) -> None:
        error: AppError | None = None
        engine: EngineLike | None = None
        make = make_engine or self._make_engine
        try:
            engine = make()
            info = engine.load(self.load_progress.emit, item.cancel)
        except Cancelled:
            pass
        except AppError as failure:
            error = failure
        except BaseException as failure:
            _log.exception("loading the model failed")
            error = unexpected(failure)
        else:
            self._drop_engine()
            self._engine, self._make_engine = engine, make
            self.loaded.emit(info, engine.runtime)
            return
        if engine is not None:
            engine.close()
            engine = None
        self._load_error = error
        self.load_failed.emit(error)

    def _answer(self, item: _Ask) -> GenerationOutcome:
        job_id = item.request.job_id
        if item.cancel.cancelled:
            return GenerationOutcome(job_id, "cancelled", Timings())
        if self._engine is None:
            return GenerationOutcome(job_id, "failed", Timings(), error=self._no_engine())
        try:
            return self._engine.generate(item.request, item.cancel, self.stepped.emit)
        except BaseException as error:  # the engine promises none; one outcome must come anyway
            _log.exception("the engine broke its promise")
            return GenerationOutcome(job_id, "failed", Timings(), error=unexpected(error))

    def _find_edges(self, item: _Edges) -> None:
        if item.cancel.cancelled or self._engine is None:
            return
        try:
            edges = self._engine.edges(item.photo, item.cancel)
        except Cancelled:
            return
        except AppError as error:
            self.edges_failed.emit(item.photo, error)
        except BaseException as error:
            _log.exception("the graph's edges failed")
            self.edges_failed.emit(item.photo, unexpected(error))
        else:
            if edges is not None:
                self.edges_found.emit(item.photo, edges)

    def _explain(self, item: _Explain | _CheckWord | _Numbers) -> None:
        if item.cancel.cancelled:
            return
        failed = self.numbers_failed if isinstance(item, _Numbers) else self.explain_failed
        try:
            if self._engine is None:
                raise self._no_engine()
            self._find_out(self._engine, item)
        except Cancelled:
            return
        except AppError as error:
            failed.emit(item.explanation, error)
        except BaseException as error:
            _log.exception("explaining an answer failed")
            failed.emit(item.explanation, unexpected(error))

    def _find_out(self, engine: EngineLike, item: _Explain | _CheckWord | _Numbers) -> None:
        asked, cancel = item.explanation, item.cancel

        def found(found: Found) -> None:
            self.maps_found.emit(asked, found)

        if isinstance(item, _CheckWord):
            check = engine.check(asked, item.word, item.cells, item.method, cancel)
            self.checked.emit(asked, check)
        elif isinstance(item, _Numbers):
            numbers = engine.numbers(asked, item.token, item.layer, item.head, cancel)
            self.numbers_found.emit(asked, numbers)
        else:
            engine.explain(asked, item.method, cancel, found)

    def _forget(self) -> None:
        if self._engine is not None:
            self._engine.forget()

    def _no_engine(self) -> AppError:
        return self._load_error or RuntimeFailure(
            "No model is loaded, so there is no answer.", "Load the model, then ask again."
        )

    def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


@dataclass(frozen=True, eq=False)
class _Task:
    key: object
    work: Callable[[CancelToken], Any]
    cancel: CancelToken


class TaskThread(_QueueThread):
    """Runs small jobs that must not block the window: decoding, drawing heatmaps, saving.

    Each job that runs ends in one `done` or `failed`; one that was cancelled before it ran,
    in neither.
    """

    done = Signal(object, object)  # key, result
    failed = Signal(object, object)  # key, AppError
    progress = Signal(object, float)  # key, fraction 0..1, or -1 while unknown

    def submit(
        self, key: object, work: Callable[[CancelToken], Any], cancel: CancelToken | None = None
    ) -> CancelToken:
        task = _Task(key, work, cancel or CancelToken())
        self._submit(task)
        return task.cancel

    def run(self) -> None:
        while self._work(self._queue.get()):  # by no name: a picture that is done is let go
            self._ended += 1

    def _work(self, task: _Task | None) -> bool:
        if task is not None and not task.cancel.cancelled and not self._closing.cancelled:
            self._run(task)
        return task is not None

    def _run(self, task: _Task) -> None:
        forget = self._closing.on_cancel(task.cancel.cancel)
        try:
            result = task.work(task.cancel)
        except Cancelled:
            return
        except AppError as error:
            self.failed.emit(task.key, error)
        except BaseException as error:
            _log.exception("a background job failed")
            self.failed.emit(task.key, unexpected(error))
        else:
            self.done.emit(task.key, result)
        finally:
            forget()
