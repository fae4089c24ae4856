"""What a report is made of: an answer, how it came about, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.attention.maps import Span, cells_of, scale_over
from mmgpt_desktop.attention.reduce import Word, group_words
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    Explanation,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    Photo,
    TokenStep,
    with_numbers,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.wording import Wording

Heads = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Report:
    """An answer about a photo and what was measured of it, captured once.

    The first of `maps` is the one that pictures and the film show. Those of attention are
    means over `heads`, pairs of layer and head. Raises AppError where there is nothing to show.
    """

    request: GenerationRequest
    steps: tuple[TokenStep, ...]
    outcome: GenerationOutcome
    model: ModelInfo
    maps: tuple[CellMaps, ...]
    heads: Heads = ()
    checks: tuple[Check, ...] = ()
    style: MapStyle = field(default_factory=MapStyle)
    wording: Wording = field(default_factory=Wording)

    def __post_init__(self) -> None:
        if not self.request.images:
            title = "This answer was written without a picture, so there is no map to save."
            raise AppError(title, "Ask about a picture first.")
        if not self.answer.strip():
            raise AppError("The answer is empty, so there is nothing to save.", "Ask again.")
        if not self.maps:
            raise AppError("There is no map of this answer yet.", "Wait until it is measured.")

    @property
    def explanation(self) -> Explanation:
        return Explanation(self.request, tuple(step.token_id for step in self.steps))

    @property
    def photo(self) -> Photo:
        return self.request.images[0]

    @property
    def question(self) -> str:
        return with_numbers(self.request.messages[-1].text)

    @cached_property
    def answer(self) -> str:
        return "".join(step.text for step in self.steps)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Those that show something: an answer's last tokens may be empty."""
        return tuple(word for word in group_words(self.steps) if word.text.strip())

    @property
    def fusion(self) -> FusionInfo:
        return self.model.fusion_info(self.request.fusion)

    @property
    def attention(self) -> tuple[AttentionMap, ...]:
        """One for each step, or none at all."""
        return attention_of(self.steps)

    def cells(self, maps: CellMaps, word: Word | None) -> NDArray[np.float32]:
        """The map [row, column] of a word, or with None of the whole answer."""
        return cells_of(maps, self._span(word))

    def range(self, maps: CellMaps, word: Word | None) -> tuple[float, float] | None:
        """What the colours reach from and to; None where no cell was measured."""
        together = self.style.same_scale and word is not None
        spans = [self._span(each) for each in (self.words if together else (word,))]
        return scale_over(maps, spans)

    def _span(self, word: Word | None) -> Span:
        return (word.start, word.stop) if word else (0, len(self.steps))

    def check(self, method: Method, word: Word) -> Check | None:
        """None where it was not measured."""
        wanted = (method, word.start, word.stop)
        found = (each for each in self.checks if (each.method, each.start, each.stop) == wanted)
        return next(found, None)


def attention_of(steps: tuple[TokenStep, ...] | list[TokenStep]) -> tuple[AttentionMap, ...]:
    maps = tuple(step.attention for step in steps if step.attention is not None)
    return maps if len(maps) == len(steps) else ()
