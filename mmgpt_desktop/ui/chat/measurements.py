"""What was found out about an answer so far; nothing in here is a guess."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import AttentionMap, CellMaps, Check, Found, Verdict
from mmgpt_desktop.methods import Method, Needs


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
        found = self.found(method)
        done = found.done >= 1 if isinstance(found, CellMaps) else found is not None
        return done or method.about.needs is Needs.ATTENTION

    def found(self, method: Method) -> Found | None:
        """That, as far as it is known."""
        return self.neutral if method.about.needs is Needs.NEUTRAL else self.maps.get(method)

    def take(self, method: Method, found: Found) -> None:
        if isinstance(found, CellMaps):
            self.maps[method] = found
        else:
            self.neutral = found

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many things are known; they only grow."""
        whole = sum(maps.done >= 1 for maps in self.maps.values())
        return whole, len(self.checks), int(self.neutral is not None)

    def verdict(self, choice: MapChoice, word: int) -> Verdict | None:
        """None until it was measured."""
        check = self.checks.get((choice, word))
        return check.verdict if check is not None else None
