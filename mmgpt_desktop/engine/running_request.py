"""A request under way, and what was measured of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mmgpt_desktop.messages import GenerationRequest, Grounding, Timings
from mmgpt_desktop.note import Note


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
