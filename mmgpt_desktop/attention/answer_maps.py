"""The maps of one answer, and those of its words: no Qt, whoever draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmgpt_desktop.attention.methods import Cells, from_attention, over_tokens, scale_of
from mmgpt_desktop.messages import AttentionMap, CellMaps, Method

Span = tuple[int, int]  # steps of an answer, the second exclusive


@dataclass(frozen=True)
class MapChoice:
    """Which maps are looked at: a method, and the (layer, head) pairs it reads, if any."""

    method: Method = Method.HEADS
    heads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class AnswerMaps:
    """What the maps of one answer are made of: its tokens' attention, or what was found."""

    choice: MapChoice
    attention: tuple[AttentionMap, ...]
    found: CellMaps | None = None
    neutral: AttentionMap | None = None

    @cached_property
    def maps(self) -> CellMaps:
        """Made when it is first needed, on whichever thread that is."""
        if self.found is not None:
            return self.found
        choice = self.choice
        return from_attention(choice.method, self.attention, choice.heads, self.neutral)

    def cells(self, start: int, stop: int) -> Cells:
        """The map [row, column] of the steps `start` to `stop`."""
        return cells_of(self.maps, (start, stop))

    def scale(self, spans: Sequence[Span]) -> tuple[float, float] | None:
        """As `scale_over`."""
        return scale_over(self.maps, spans)


def cells_of(maps: CellMaps, span: Span) -> Cells:
    """The map [row, column] of a word, a phrase or the answer: the mean over its tokens.

    But what hiding a cell takes from the logarithms of their probabilities adds up.
    """
    start, stop = span
    mean = over_tokens(maps.weights, start, stop)
    return mean * (stop - start) if maps.method is Method.OCCLUSION else mean


def scale_over(maps: CellMaps, spans: Sequence[Span]) -> tuple[float, float] | None:
    """What the colours of some words reach from and to; None while there is none."""
    return scale_of(maps.method, np.stack([cells_of(maps, span) for span in spans]))
