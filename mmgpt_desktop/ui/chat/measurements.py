"""What was found out about an answer so far; nothing in here is a guess."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.methods import FROM_ATTENTION
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import AttentionMap, CellMaps, Check, Method, Verdict


@dataclass(eq=False)
class Findings:
    """Maps by method, checks by choice and word, and what could not be had.

    A check that failed would fail for the next word too: `check_failed` stands for all.
    """

    maps: dict[Method, CellMaps] = field(default_factory=dict)
    neutral: AttentionMap | None = None  # to a neutral question about the photo
    checks: dict[tuple[MapChoice, int], Check] = field(default_factory=dict)
    failed: dict[Method, AppError] = field(default_factory=dict)
    check_failed: AppError | None = None

    def complete(self, method: Method) -> bool:
        """All that the method needs beside the answer's own attention is here."""
        if method is Method.RELATIVE:
            return self.neutral is not None
        if method in FROM_ATTENTION:
            return True
        return method in self.maps and self.maps[method].done >= 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many things are known; they only grow."""
        whole = sum(maps.done >= 1 for maps in self.maps.values())
        return whole, len(self.checks), int(self.neutral is not None)

    def verdict(self, choice: MapChoice, word: int) -> Verdict | None:
        """None until it was measured."""
        check = self.checks.get((choice, word))
        return check.verdict if check is not None else None
