"""A request under way, and what was measured of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.honesty import Hedge, Reply
from mmgpt_desktop.messages import (
    GenerationOutcome,
    GenerationRequest,
    Grounding,
    OutcomeKind,
    RuntimeInfo,
    Timings,
)
from mmgpt_desktop.note import Note
from mmgpt_desktop.text import reason_of


@dataclass(eq=False)
class RunningRequest:
    """A request under way: its times, and what its outcome will say."""

    request: GenerationRequest
    load_seconds: float
    started: float
    first_token: float = 0.0
    tokens: int = 0
    notes: list[Note] = field(default_factory=list)
    certainty: float | None = None
    groundings: tuple[Grounding, ...] = ()
    reply: Reply | None = None
    hedge: Hedge | None = None

    def count_as_loading(self, load: Callable[[], None]) -> None:
        """What takes its time once tells nothing of a fusion's speed."""
        began = time.perf_counter()
        load()
        seconds = time.perf_counter() - began
        self.load_seconds += seconds
        self.started += seconds

    def tick(self) -> None:
        self.tokens += 1
        if self.tokens == 1:
            self.first_token = time.perf_counter() - self.started

    def timings(self) -> Timings:
        total = time.perf_counter() - self.started
        return Timings(self.load_seconds, self.first_token, total, self.tokens)

    def outcome(
        self, kind: OutcomeKind, runtime: RuntimeInfo | None, error: AppError | None = None
    ) -> GenerationOutcome:
        return GenerationOutcome(
            self.request.job_id,
            kind,
            self.timings(),
            runtime,
            error,
            tuple(self.notes),
            self.certainty,
            self.groundings,
            self.reply,
            self.hedge,
        )


def unexpected_end(error: BaseException) -> RuntimeFailure:
    if isinstance(error, MemoryError):
        title, hint = "There is not enough memory to answer.", "Close other programs and ask again."
        failure = RuntimeFailure(title, hint)
    else:
        title = "Something unexpected happened while the model was at work ({reason})."
        failure = RuntimeFailure(title, "Ask again.", reason=reason_of(error))
    failure.__cause__ = error
    return failure
