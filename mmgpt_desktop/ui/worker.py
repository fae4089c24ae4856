"""The threads behind the window: the only file that knows both Qt and the engine.

Work is given to a thread by `submit`, with what its result, its error and its news are for. Those
are called in the GUI thread, by a slot of the thread's own object; PySide6 would run a lambda that
is connected to a signal on the thread that emits it. They wait in the GUI thread too, so that no
widget ever goes where the work is done.

BaseException is caught: a panic in a library written in Rust is one, and whoever waits is told.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QThread, Signal, Slot
from shiboken6 import isValid

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.cores import step_back
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure, unexpected
from mmgpt_desktop.messages import (
    GenerationOutcome,
    GenerationRequest,
    RuntimeInfo,
    RuntimeName,
    Timings,
)
from mmgpt_desktop.painted import PainterInfo, PaintOutcome, PaintRequest
from mmgpt_desktop.ui.collector import Collector

if TYPE_CHECKING:  # their imports take place on the engines' threads
    from mmgpt_desktop.engine.base import EngineBase
    from mmgpt_desktop.engine.painting.paint_engine import PaintEngine

CLOSE_WAIT_MS = 5000
QUIET_SECONDS = 20.0

MakeEngine = Callable[[], "EngineBase"]
MakePainter = Callable[[], "PaintEngine"]
Result = TypeVar("Result")
Token = TypeVar("Token", bound=CancelToken)

_log = logging.getLogger(__name__)


def engine_maker(bundle: Path, runtime: RuntimeName | None) -> MakeEngine:
    """What makes the real engine; called on the engine's thread, where its imports happen."""

    def make() -> EngineBase:
        from mmgpt_desktop.engine.open_engine import open_engine

        return open_engine(bundle, runtime)

    return make


def painter_maker(folder: Path, runtime: RuntimeName | None = None) -> MakePainter:
    """Likewise of a painter."""

    def make() -> PaintEngine:
        from mmgpt_desktop.engine.painting.paint_engine import PaintEngine

        return PaintEngine(folder, runtime)

    return make


class Task(CancelToken):
    """Work that a thread was given. Once it is cancelled, nothing of it is heard any more."""

    def __init__(self, send: Callable[[Task, str, object], None]) -> None:
        super().__init__()
        self._send = send

    def report(self, news: object) -> None:
        """For the work itself: tell how far it is, or a part of what it finds."""
        self._send(self, "progress", news)


class _QueueThread(QThread):
    """A thread with a queue of work; None in it ends the thread. Called from the GUI thread."""

    _came_back = Signal(object, str, object)  # Task; then, failed, progress or dropped; with what

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closing = CancelToken()
        self._asked = self._ended = 0  # each is counted by one thread alone
        self._handlers: dict[Task, dict[str, Callable[[Any], object] | None]] = {}
        self._came_back.connect(self._deliver)

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is over, cancelled or not."""
        return self._asked == self._ended

    def _submit(
        self,
        work: Callable[[Task], Result],
        then: Callable[[Result], object] | None = None,
        failed: Callable[[AppError], object] | None = None,
        progress: Callable[[Any], object] | None = None,
    ) -> Task:
        """Have `work` done after all that was asked for before.

        One of `then` and `failed` is called in the GUI thread, after `progress` for all that the
        work reported; none of them any more when the task was cancelled, by the work itself with
        Cancelled or from outside, or when the object that they are methods of is gone.
        """
        task = Task(self._came_back.emit)
        self._handlers[task] = {"then": then, "failed": failed, "progress": progress}
        return self._put(task, partial(self._do, work))

    def _put(self, cancel: Token, work: Callable[[Token], None]) -> Token:
        """Have `work`, which raises nothing, called with `cancel`, even if that is cancelled."""
        self._asked += 1
        self._queue.put((cancel, work))
        return cancel

    def run(self) -> None:
        while self._work(self._next()):  # by no name: what is done is let go
            self._ended += 1

    def _next(self) -> Any:
        return self._queue.get()

    def _work(self, item: tuple[CancelToken, Callable[[CancelToken], None]] | None) -> bool:
        """Do what is asked for; False at the end."""
        if item is None:
            return False
        cancel, work = item
        forget = self._closing.on_cancel(cancel.cancel)
        work(cancel)
        forget()
        return True

    def _do(self, work: Callable[[Task], Any], task: Task) -> None:
        self._came_back.emit(task, *_end_of(work, task))

    @Slot(object, str, object)
    def _deliver(self, task: Task, what: str, value: object) -> None:
        over = what != "progress"
        handlers = self._handlers.pop(task, {}) if over else self._handlers.get(task, {})
        handler = handlers.get(what)
        if handler is not None and not task.cancelled and _lives(handler):
            handler(value)

    def begin_close(self) -> None:
        """Cancel all work and let the thread end."""
        self._closing.cancel()
        self._queue.put(None)

    def end_close(self) -> bool:
        """Wait for the end; False when it was still busy after `CLOSE_WAIT_MS`."""
        in_time = self.wait(CLOSE_WAIT_MS)
        self._handlers.clear()
        if not in_time:
            _log.error("thread %s did not end within %d ms", self.objectName(), CLOSE_WAIT_MS)
        return in_time


def _end_of(work: Callable[[Task], Any], task: Task) -> tuple[str, Any]:
    """How work has ended, and with what."""
    try:
        task.raise_if_cancelled()
        return "then", work(task)
    except Cancelled:
        return "dropped", None
    except AppError as error:
        _log.info("background work failed", exc_info=error)
        return "failed", error
    except BaseException as error:
        _log.exception("background work broke")
        return "failed", unexpected(error)


def _lives(handler: Callable[..., Any]) -> bool:
    """Whether Qt has not destroyed the object that a method, or a partial of one, is of."""
    while isinstance(handler, partial):
        handler = handler.func
    owner = getattr(handler, "__self__", None)
    return not isinstance(owner, QObject) or isValid(owner)


class TaskThread(_QueueThread):
    """Runs small jobs that must not block the window: decoding, drawing heatmaps, saving."""

    submit = _QueueThread._submit


class EngineThread(_QueueThread):
    """Owns the engine: loads it, then answers one request after the other.

    Exactly one `ended` for each `ask`, after its last `stepped`; exactly one `loaded` or
    `load_failed` for each `load` and each `switch`, the latter after `gone` if no model answers
    any more. All are called from the GUI thread.
    Whoever asks takes the number of the request from `job_ids`. Between `reserve` and `release`
    the engine is wanted for nothing that could wait, however many reserve it.

    Connect no lambdas or partials to the signals: see above.
    """

    load_progress = Signal(float, str)
    loaded = Signal(object, object)  # ModelInfo, RuntimeInfo
    took_over = Signal(object)  # RuntimeInfo: another runtime, while the engine was at work
    load_failed = Signal(object)  # AppError, or None when cancelled
    gone = Signal()  # the model that had made room for another can't be loaded again
    stepped = Signal(object)  # TokenStep
    ended = Signal(object)  # GenerationOutcome
    wanted = Signal()  # reserved by one more
    released = Signal()  # by one; others may want it still

    def __init__(self, make_engine: MakeEngine, parent: QObject | None = None) -> None:
        super().__init__("engine", parent)
        self._wanted = 0
        self._make_engine = make_engine
        self._engine: EngineBase | None = None
        self._told: RuntimeInfo | None = None  # what answers, as the window knows it
        self._load_error: AppError | None = None
        self._resting = CancelToken()
        self.job_ids = itertools.count(1)

    @property
    def reserved(self) -> bool:
        return self._wanted > 0

    def reserve(self) -> None:
        """What could wait is to end at once; each `reserve` needs its own `release`."""
        self._wanted += 1
        self.wanted.emit()

    def release(self) -> None:
        self._wanted -= 1
        self.released.emit()

    def load(self) -> CancelToken:
        return self._put(CancelToken(), self._load_again)

    def switch(self, make_engine: MakeEngine) -> CancelToken:
        """Load another model; until it is there, and if it fails, the one before stays.

        Where there is no memory for both, the one before is closed first, and is loaded again if
        the other fails.
        """
        return self._put(CancelToken(), partial(self._load, make_engine))

    def ask(self, request: GenerationRequest) -> CancelToken:
        return self._put(CancelToken(), partial(self._answer, request))

    def submit(
        self,
        work: Callable[[EngineBase, Task], Result],
        then: Callable[[Result], object] | None = None,
        failed: Callable[[AppError], object] | None = None,
        progress: Callable[[Any], object] | None = None,
    ) -> Task:
        """As `TaskThread.submit`, with the engine; without one it fails."""
        return self._submit(lambda task: work(self._opened(), task), then, failed, progress)

    def forget(self) -> None:
        """Drop what the engine keeps of photos."""
        self.submit(lambda engine, _task: engine.forget())

    def _put(self, cancel: Token, work: Callable[[Token], None]) -> Token:
        super()._put(cancel, work)
        self._resting.cancel()
        return cancel

    def run(self) -> None:
        step_back()
        super().run()
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
        self._tell_runtime()

    def _work(self, item: tuple[CancelToken, Callable[[CancelToken], None]] | None) -> bool:
        goes_on = super()._work(item)
        self._tell_runtime()
        return goes_on

    def _tell_runtime(self) -> None:
        """Whatever was asked for, another runtime may have taken over."""
        if self._engine is not None and self._told != (runtime := self._engine.runtime):
            self._told = runtime
            self.took_over.emit(runtime)

    def _load_again(self, cancel: CancelToken) -> None:
        self._drop_engine()
        self._load(self._make_engine, cancel)

    def _load(self, make_engine: MakeEngine, cancel: CancelToken) -> None:
        error: AppError | None = None
        engine: EngineBase | None = None
        answered = self._engine is not None
        try:
            engine = make_engine()
            info = engine.load(self.load_progress.emit, cancel, self._drop_engine)
        except Cancelled:
            pass
        except AppError as failure:
            error = failure
        except BaseException as failure:
            _log.exception("loading the model failed")
            error = unexpected(failure)
        else:
            self._drop_engine()
            self._engine, self._make_engine = engine, make_engine
            self._told = engine.runtime
            self.loaded.emit(info, self._told)
            return
        if engine is not None:
            engine.close()
            engine = None
        self._load_error = error
        if answered and self._engine is None:
            self._bring_back()
        self.load_failed.emit(error)

    def _bring_back(self) -> None:
        """The model before, which had made room; `gone` if it can't be loaded any more."""
        cancel, engine = CancelToken(), None
        forget = self._closing.on_cancel(cancel.cancel)
        try:
            engine = self._make_engine()
            engine.load(self.load_progress.emit, cancel)
        except BaseException as failure:
            _log.info("the model before is gone", exc_info=failure)
            if engine is not None:
                engine.close()
            self.gone.emit()
        else:
            self._engine = engine
        forget()

    def _answer(self, request: GenerationRequest, cancel: CancelToken) -> None:
        self.ended.emit(self._outcome(request, cancel))

    def _outcome(self, request: GenerationRequest, cancel: CancelToken) -> GenerationOutcome:
        job_id = request.job_id
        if cancel.cancelled:
            return GenerationOutcome(job_id, "cancelled", Timings())
        if self._engine is None:
            return GenerationOutcome(job_id, "failed", Timings(), error=self._no_engine())
        try:
            return self._engine.generate(request, cancel, self.stepped.emit)
        except BaseException as error:  # the engine promises none; one outcome must come anyway
            _log.exception("the engine broke its promise")
            return GenerationOutcome(job_id, "failed", Timings(), error=unexpected(error))

    def _opened(self) -> EngineBase:
        if self._engine is None:
            raise self._no_engine()
        return self._engine

    def _no_engine(self) -> AppError:
        return self._load_error or RuntimeFailure(
            "No model is loaded, so there is no answer.", "Load the model, then ask again."
        )

    def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


class PainterThread(_QueueThread):
    """Owns the painter in use: it is loaded for the first drawing, and closed at the end."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("painter", parent)
        self._make_painter: MakePainter | None = None
        self._painter: PaintEngine | None = None

    def describe(
        self,
        make_painter: MakePainter,
        then: Callable[[PainterInfo], object],
        failed: Callable[[AppError], object] | None = None,
    ) -> Task:
        """What a painter is, without loading it."""
        return self._submit(lambda _task: make_painter().describe(), then, failed)

    def use(self, make_painter: MakePainter) -> None:
        """This one draws from the next drawing on."""
        self._submit(lambda _task: self._change(make_painter))

    def draw(
        self,
        request: PaintRequest,
        then: Callable[[PaintOutcome], object],
        failed: Callable[[AppError], object],
        progress: Callable[[Any], object],
    ) -> Task:
        """`progress` is called with each PaintStep, and while the painter is loaded with a fraction
        and what is done, as a tuple."""
        return self._submit(partial(self._draw, request), then, failed, progress)

    def run(self) -> None:
        step_back()
        super().run()
        self._close()

    def _change(self, make_painter: MakePainter) -> None:
        if make_painter is not self._make_painter:
            self._close()
            self._make_painter = make_painter

    def _close(self) -> None:
        painter, self._painter = self._painter, None
        if painter is not None:
            painter.close()

    def _draw(self, request: PaintRequest, task: Task) -> PaintOutcome:
        if self._painter is None:
            assert self._make_painter is not None, "`use` comes first"
            self._painter = self._loaded(self._make_painter(), task)
        return self._painter.paint(request, task, task.report)

    def _loaded(self, painter: PaintEngine, task: Task) -> PaintEngine:
        try:
            painter.load(lambda done, what: task.report((done, what)), task)
        except BaseException:
            painter.close()
            raise
        return painter


class Threads(QObject):
    """The engine's thread, and those of tasks by what they are for, each made when it is first
    named. What may take long has a thread of its own, so that nothing else waits for it."""

    def __init__(self, make_engine: MakeEngine, parent: QObject, *, paints: bool = False) -> None:
        super().__init__(parent)
        self.engine = EngineThread(make_engine)
        self.painter = PainterThread() if paints else None
        self._tasks: dict[str, TaskThread] = {}
        self._collector = Collector(self)
        self.engine.loaded.connect(self._collector.settle)
        self.engine.load_failed.connect(self._collector.settle)

    def __getitem__(self, name: str) -> TaskThread:
        if name not in self._tasks:
            self._tasks[name] = TaskThread(name)
        return self._tasks[name]

    def __iter__(self) -> Iterator[TaskThread | EngineThread | PainterThread]:
        painter = () if self.painter is None else (self.painter,)
        return iter((*self._tasks.values(), *painter, self.engine))

    def start(self) -> None:
        for thread in self:
            thread.start()

    def close(self) -> bool:
        """Whether all ended in time; the cancels go out to each before the first is waited for."""
        for thread in self:
            thread.begin_close()
        in_time = [thread.end_close() for thread in self]
        self._collector.close()
        return all(in_time)
