"""The table of results, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmgpt_desktop.text import in_markdown
from mmgpt_desktop.training.evaluation.metrics import Score

GREY, FREQUENT, RANDOM, CENTRE = "grey picture", "most frequent", "random cell", "centre"
USUAL = "usual words"
_HEAD = ("task", "measure", "items", "model", "compared with")


@dataclass(frozen=True)
class Row:
    """One measure of one task; `model` may be a word on why there is no figure.

    `blind` are the same measure's values for what never saw the picture, or was asked in the
    usual words. Shares are shown in per cent, other measures as they are.
    """

    task: str
    measure: str
    items: int
    model: Score | str
    blind: Mapping[str, Score]
    percent: bool = True

    @property
    def cells(self) -> tuple[str, ...]:
        written = (100, 1) if self.percent else (1, 3)
        blind = "; ".join(f"{name} {each.shown(*written)}" for name, each in self.blind.items())
        model = self.model if isinstance(self.model, str) else f"**{self.model.shown(*written)}**"
        return self.task, self.measure, f"{self.items}", model, blind or "-"


def as_markdown(rows: Sequence[Row], notes: Sequence[str]) -> str:
    return "\n".join([in_markdown([_HEAD, *(row.cells for row in rows)]), "", *notes])


def as_json(rows: Sequence[Row], notes: Sequence[str], about: Mapping[str, Any]) -> dict[str, Any]:
    return {**about, "rows": [asdict(row) for row in rows], "notes": list(notes)}
