"""What methods and verdicts are called and mean, for everybody, in English.

The window and the reports say the same; they translate it when they say it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmgpt_desktop.messages import Check, Method, Verdict

NAMES = {
    Method.HEADS: "Attention",
    Method.MEAN: "Attention, all heads",
    Method.NO_SINKS: "Attention without sinks",
    Method.RELATIVE: "Relative attention",
    Method.ROLLOUT: "Rollout",
    Method.RELEVANCY: "Relevancy",
    Method.TAM: "Token activation",
    Method.OCCLUSION: "Occlusion",
}
MEANINGS = {
    Method.HEADS: "Where the model read from while it wrote the word: the mean over chosen heads.",
    Method.MEAN: "Where the model read from while it wrote the word: the mean over all layers "
    "and heads.",
    Method.NO_SINKS: "Attention, where cells that glow for nearly every word are turned down.",
    Method.RELATIVE: "Attention, as a multiple of that for a neutral question about this photo.",
    Method.ROLLOUT: "Attention followed through all layers back to the picture.",
    Method.RELEVANCY: "Attention weighted by how much it would change the word (gradients).",
    Method.TAM: "How strongly each cell by itself would say the word.",
    Method.OCCLUSION: "Parts of the photo are hidden, and the word's probability is measured "
    "again: what is bright was needed.",
}
SHARES = (Method.HEADS, Method.MEAN, Method.NO_SINKS)
"""Methods whose values are shares of the attention."""
UNITS = {
    **dict.fromkeys(SHARES, "share of a cell"),
    Method.RELATIVE: "times the neutral question's",
    **dict.fromkeys((Method.ROLLOUT, Method.RELEVANCY, Method.TAM), "strength"),
    # Drops of the log-probability, added up over the hidden squares, large and small.
    Method.OCCLUSION: "cost of hiding it",
}
VERDICTS = {
    Verdict.MATTERED: "The bright places mattered: without them the model is far less sure.",
    Verdict.PARTLY: "The bright places mattered a little more than others.",
    Verdict.ANYWHERE: "It needs the picture, but the bright places hardly more than others.",
    Verdict.LANGUAGE: "The model would say this without the picture, too.",
}
LINES = (
    "Line under a word: the bright places mattered. Dashed line: a little. No line: hardly, or "
    "not measured yet."
)
"""What a line under a word says of its verdict."""
WHOLE = "nothing hidden"
WITHOUT = (
    "bright places hidden",
    "random places hidden",
    "middle hidden",
    "whole photo hidden",
)


def all_sentences() -> set[str]:
    """What translators get."""
    tables = (NAMES, MEANINGS, UNITS, VERDICTS)
    return {text for table in tables for text in table.values()} | {LINES, WHOLE, *WITHOUT}


def by_hiding(check: Check) -> tuple[tuple[str, float], ...]:
    """What was hidden, and the word's probability then; random is the mean over its draws."""
    drawn = sum(check.random) / len(check.random) if check.random else check.whole
    shares = (check.hidden, drawn, check.centre, check.blind)
    return tuple(
        (what, share) for what, share in zip(WITHOUT, shares, strict=True) if share is not None
    )


@dataclass(frozen=True)
class Wording:
    """A language: its words for our English and for notes."""

    translate: Callable[[str], str] = str
    note: Callable[[str], str] = str

    def __call__(self, english: str, **values: object) -> str:
        """A sentence, its {places} filled."""
        return self.translate(english).format(**values)
