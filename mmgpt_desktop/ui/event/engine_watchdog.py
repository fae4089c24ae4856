"""Watches the engine: what broke is started anew, what hangs is ended."""

from __future__ import annotations

import logging
from collections import deque

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError, LanguageError, PromptError
from mmgpt_desktop.messages import GenerationOutcome, ModelInfo, TokenStep
from mmgpt_desktop.ui.event.asking import PacedAsker
from mmgpt_desktop.ui.worker import EngineThread, MakeEngine

STEP_LIMIT_MS = 8_000  # without a token; a slower model has four times its slowest
FIRST_LIMIT_MS = 120_000  # the same, while nobody knows how slow the model is here
_SLOWER = 4  # times than ever before: it hangs
END_LIMIT_MS = 3_000  # from the cancel to the end
LOAD_LIMIT_MS = 600_000
FRIENDLY_MS = 5_000  # the longest that a visitor reads of trouble
_PATIENCE_MS = (0, 2_000, 5_000, 15_000, 60_000)  # before each further try to load

_log = logging.getLogger(__name__)


class EngineWatchdog(QObject):
    """A question that broke the engine is asked once more; then it is given up.

    `hung` says that a thread can't be ended: only the end of the process helps.
    """

    restarting = Signal()
    not_loaded = Signal()  # it is tried again
    switched = Signal(bool)  # whether the other model is there; else the one before stays
    ask_again = Signal(object)  # Turn
    gave_up = Signal(object)  # Turn
    hung = Signal()
    failed = Signal(str)  # the kind of failure, for the organiser's numbers

    def __init__(self, engine: EngineThread, asker: PacedAsker) -> None:
        super().__init__()
        self._engine, self._asker = engine, asker
        self._failed: Turn | None = None
        self._again: str | None = None  # the question that is being asked for the second time
        self._watched = self._hanging = 0  # job ids; they begin at 1
        self._loading: deque[bool] = deque()  # in the engine's order: is it a switch?
        self._loads = 0  # that failed, one after the other
        self._since = QElapsedTimer()
        self._model = ""
        self._longest = 0  # milliseconds without a token, of this model
        self.step_limit = self._timer(STEP_LIMIT_MS, self._cancel_hanging)
        self.end_limit = self._timer(END_LIMIT_MS, self._give_in)
        self.load_limit = self._timer(LOAD_LIMIT_MS, self._give_in)
        self.friendly = self._timer(FRIENDLY_MS, self._give_up)
        self.retry = self._timer(0, self.load)
        asker.sent.connect(self._watch)
        asker.ended.connect(self._forget)
        asker.failed.connect(self._take_failure)
        engine.stepped.connect(self._take_step)
        engine.ended.connect(self._take_end)
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._fail_load)

    def _timer(self, milliseconds: int, then: object) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=milliseconds)
        timer.timeout.connect(then)
        return timer

    @property
    def broken(self) -> bool:
        """The model could not be loaded, and is tried again."""
        return self._loads > 0

    def _watch(self, job_id: int) -> None:
        """The answer before may still be ending."""
        self._watched = job_id
        self._wait_for_token()

    def _wait_for_token(self) -> None:
        slowest = max(STEP_LIMIT_MS, _SLOWER * self._longest)
        self.step_limit.start(slowest if self._longest else FIRST_LIMIT_MS)
        self._since.start()

    def _take_step(self, step: TokenStep) -> None:
        if step.job_id == self._watched and self.step_limit.isActive():
            self._longest = max(self._longest, self._since.elapsed(), 1)
            self._wait_for_token()

    def _take_end(self, outcome: GenerationOutcome) -> None:
        if outcome.job_id == self._watched:
            self.step_limit.stop()
        if outcome.job_id == self._hanging:
            self.end_limit.stop()

    def _cancel_hanging(self) -> None:
        _log.error("the engine wrote nothing for %d ms", self.step_limit.interval())
        self.failed.emit("hang")
        self._hanging = self._watched
        self._asker.cancel()
        self.end_limit.start()

    def _give_in(self) -> None:
        _log.error("the engine's thread hangs")
        self.hung.emit()

    def _forget(self) -> None:
        self._failed = self._again = None

    def _take_failure(self, turn: Turn, error: AppError) -> None:
        if isinstance(error, PromptError):
            self._forget()
            if not isinstance(error, LanguageError):  # the visitor reads why, and asks otherwise
                self.gave_up.emit(turn)
            return
        _log.error("an answer failed: %s", error, exc_info=error)
        self.failed.emit("engine")
        self._failed = None if self._again == turn.question else turn
        self.restarting.emit()
        self.friendly.start()
        self.load()
        if self._failed is None:
            self._again = None
            self.gave_up.emit(turn)

    def load(self) -> None:
        """Anew; what is asked waits for it."""
        self._asker.lose_model()
        self._begin_load(switch=False)
        self._engine.load()

    def switch(self, make_engine: MakeEngine) -> None:
        self._begin_load(switch=True)
        self._engine.switch(make_engine)

    def _begin_load(self, *, switch: bool) -> None:
        self._loading.append(switch)
        self.load_limit.start()

    def _end_load(self) -> bool:
        """Whether it was a switch."""
        switch = self._loading.popleft()
        if not self._loading:
            self.load_limit.stop()
        return switch

    def _take_model(self, model: ModelInfo) -> None:
        if self._end_load():
            self.switched.emit(True)
        if model.name != self._model:
            self._model, self._longest = model.name, 0
        self._loads = 0
        self.retry.stop()
        self.friendly.stop()
        turn, self._failed = self._failed, None
        if turn is not None:
            self._again = turn.question
            self.ask_again.emit(turn)

    def _fail_load(self, error: AppError | None) -> None:
        """Tried again, less and less often: somebody may be mending it."""
        _log.error("the model can't be loaded: %s", error)
        self.failed.emit("load")
        if self._end_load():
            self.switched.emit(False)
            return
        self.retry.start(_PATIENCE_MS[min(self._loads, len(_PATIENCE_MS) - 1)])
        self._loads += 1
        self.not_loaded.emit()

    def _give_up(self) -> None:
        """It takes longer than a visitor should read about it."""
        turn, self._failed = self._failed, None
        if turn is not None:
            self.gave_up.emit(turn)

    def forget(self) -> None:
        """The visitor went on, or the visit is over: nothing is asked again."""
        self._forget()
        self.friendly.stop()

    def stop(self) -> None:
        for timer in self.findChildren(QTimer):
            timer.stop()
