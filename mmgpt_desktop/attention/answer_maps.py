"""Which maps of an answer are looked at, and what they are made of: no Qt, whoever draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mmgpt_desktop.attention.maps import Cells, Scale, Span, cells_of, scale_over
from mmgpt_desktop.messages import AttentionMap, CellMaps, Found, TokenStep
from mmgpt_desktop.methods import Method


@dataclass(frozen=True)
class MapChoice:
    """Which maps are looked at: a method, and the (layer, head) pairs it reads, if any."""

    method: Method = Method.HEADS
    heads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class AnswerMaps:
    """What the maps of one answer are made of: its tokens' attention, one at least, and what the
    engine found for the method, if it needs that; see `Needs`."""

    choice: MapChoice
    attention: tuple[AttentionMap, ...]
    found: Found | None = None

    @cached_property
    def maps(self) -> CellMaps:
        """Made when it is first needed, on whichever thread that is."""
        if isinstance(self.found, CellMaps):
            return self.found
        method, heads = self.choice.method, self.choice.heads
        more = () if self.found is None else (self.found,)
        weights = method.formula(self.attention, heads, *more)
        weights.setflags(write=False)
        return CellMaps(method, weights, self.attention[0].grid)

    def cells(self, start: int, stop: int) -> Cells:
        """The map [row, column] of the steps `start` to `stop`."""
        return cells_of(self.maps, (start, stop))

    def scale(self, spans: Sequence[Span]) -> Scale | None:
        """As `scale_over`."""
        return scale_over(self.maps, spans)


def attention_maps(steps: Sequence[TokenStep], index: int = 0) -> tuple[AttentionMap, ...]:
    """Of the request's photo number `index`, one for each step; none when a step looked at no
    picture, as in a text-only answer."""
    looks = (step.attention.of(index) for step in steps if step.attention is not None)
    maps = tuple(look for look in looks if look is not None and look.weights.size)
    return maps if len(maps) == len(steps) else ()
