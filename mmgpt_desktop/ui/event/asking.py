"""Asks the engine, and shows what it writes no faster than one can follow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation, Question, Turn, photos_and_messages
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    RuntimeInfo,
    TokenStep,
)
from mmgpt_desktop.text import without_controls
from mmgpt_desktop.ui.worker import EngineThread

PACE_MS = 260  # from one token to the next at speed 1: about three words a second


@dataclass(eq=False)
class _Asked:
    """`outcome` came already, but not all of the words before it are shown."""

    turn: Turn
    conversation: Conversation
    cancel: CancelToken | None = None  # None: waits for the model
    outcome: GenerationOutcome | None = None


class PacedAsker(QObject):
    """One question at a time. The words are the engine's, at the pace of the show.

    Exactly one `ended` or `failed` for each `began`, unless `stop` came first. Until then the
    engine is reserved.
    """

    began = Signal(object)  # Turn
    sent = Signal(int)  # to the engine: the job's id
    stepped = Signal(object)  # Turn: its last step is new
    ended = Signal(object)  # Turn
    failed = Signal(object, object)  # Turn, AppError

    def __init__(self, engine: EngineThread, *, chars: int, tokens: int, speed: float) -> None:
        super().__init__()
        self._engine, self._chars, self._tokens = engine, chars, tokens
        self.model: ModelInfo | None = None
        self.fusion: str | None = None  # None: the model's default
        self._job: _Asked | None = None
        self._steps: deque[TokenStep] = deque()
        self._frozen = False
        self._pace = QTimer(self)
        self.set_speed(speed)
        self._pace.timeout.connect(self._show_next)
        engine.loaded.connect(self._take_model)
        engine.stepped.connect(self._take_step)
        engine.ended.connect(self._take_outcome)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def set_speed(self, speed: float) -> None:
        self._pace.setInterval(round(PACE_MS / speed))

    def freeze(self, frozen: bool) -> None:
        """Show no further word until it goes on."""
        self._frozen = frozen
        if not frozen and self._job is not None and self._job.outcome is not None:
            self._pace.start()

    def ask(self, conversation: Conversation, text: str) -> bool:
        """False if there is nothing to ask, or the answer before is still being written."""
        question = without_controls(text).strip()[: self._chars]
        if not question or self._job is not None or conversation.photo is None:
            return False
        job_id = next(self._engine.job_ids)
        asked = Question(question, question)
        images, messages = photos_and_messages((conversation,), asked, sequences=False)
        request = GenerationRequest(job_id, images, messages, anyway=conversation.insists(asked))
        turn = Turn(request, typed=question)
        conversation.turns.append(turn)
        self._job = _Asked(turn, conversation)
        self._engine.reserve()
        self.began.emit(turn)
        self._send()
        return True

    def _send(self) -> None:
        job, model = self._job, self.model
        if job is None or job.cancel is not None or model is None:
            return
        turn, request = job.turn, job.turn.request
        most = min(model.sampling.max_new_tokens, self._tokens)
        turn.model = model
        turn.request = replace(
            request, sampling=replace(model.sampling, max_new_tokens=most), fusion=self.fusion
        )
        job.cancel = self._engine.ask(turn.request)
        self.sent.emit(turn.job_id)

    def _take_model(self, model: ModelInfo, _runtime: RuntimeInfo) -> None:
        self.model = model
        if self.fusion not in {fusion.name for fusion in model.fusions}:
            self.fusion = None
        self._send()

    def lose_model(self) -> None:
        """It is being loaded anew; what is asked waits for it."""
        self.model = None

    def cancel(self) -> None:
        """Have the engine end what it does; its outcome still comes."""
        if self._job is not None and self._job.cancel is not None:
            self._job.cancel.cancel()

    def stop(self) -> None:
        """Drop the question that runs; nothing of it is heard any more."""
        self.cancel()
        if (job := self._job) is not None:
            self._end()
            if job.turn in job.conversation.turns:
                job.conversation.turns.remove(job.turn)
            self._engine.release()

    def _end(self) -> None:
        self._job = None
        self._steps.clear()
        self._pace.stop()

    def _take_step(self, step: TokenStep) -> None:
        if self._job is not None and step.job_id == self._job.turn.job_id:
            self._steps.append(step)
            if not self._pace.isActive():
                self._pace.start()
                self._show_next()

    def _take_outcome(self, outcome: GenerationOutcome) -> None:
        job = self._job
        if job is None or outcome.job_id != job.turn.job_id:
            return
        job.outcome = outcome
        if outcome.kind != "done":
            self._fail(job, outcome)
        elif not self._steps and not self._frozen:
            self._finish(job, outcome)

    def _fail(self, job: _Asked, outcome: GenerationOutcome) -> None:
        self._end()
        job.conversation.turns.remove(job.turn)
        error = outcome.error or AppError("The answer was stopped.", "Ask again.")
        self.failed.emit(job.turn, error)
        self._engine.release()

    def _show_next(self) -> None:
        job = self._job
        if job is None or self._frozen:
            return
        if self._steps:
            job.turn.add_step(self._steps.popleft())
            self.stepped.emit(job.turn)
        elif job.outcome is not None:
            self._finish(job, job.outcome)

    def _finish(self, job: _Asked, outcome: GenerationOutcome) -> None:
        self._end()
        job.turn.end(outcome, job.turn.model.doubt if job.turn.model else None)
        self.ended.emit(job.turn)
        self._engine.release()
