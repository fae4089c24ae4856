"""What methods and verdicts are called and mean, for everybody, in English.

The window and the reports say the same; they translate it when they say it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmgpt_desktop.messages import Check, Verdict
from mmgpt_desktop.methods import Method

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
    Method.HEADS: "Bright: where the model looked while it wrote the word.",
    Method.MEAN: "Bright: where the model looked while it wrote the word, with all of its parts.",
    Method.NO_SINKS: "Bright: where it looked, without places that glow for nearly every word.",
    Method.RELATIVE: "Bright: where it looked more than it usually looks at this photo.",
    Method.ROLLOUT: "Bright: where it looked, followed back through all of its steps.",
    Method.RELEVANCY: "Bright: where looking harder would have changed the word most.",
    Method.TAM: "Bright: places that would bring up the word all by themselves.",
    Method.OCCLUSION: "Places of the photo are hidden in turn. Bright: without it, the model is "
    "less sure of the word.",
}
SHARES = (Method.HEADS, Method.MEAN, Method.NO_SINKS)
"""Methods whose values are shares of the attention."""
UNITS = {
    **dict.fromkeys(SHARES, "how much of its look"),
    Method.RELATIVE: "times as much as usual",
    **dict.fromkeys((Method.ROLLOUT, Method.RELEVANCY, Method.TAM), "strength"),
    # Drops of the log-probability, added up over the hidden squares, large and small.
    Method.OCCLUSION: "what hiding it costs",
}
_LOOKED = ("looked least", "looked most")
ENDS = {
    **dict.fromkeys((*SHARES, Method.RELATIVE, Method.ROLLOUT), _LOOKED),
    Method.RELEVANCY: ("mattered least", "mattered most"),
    Method.TAM: ("weakest", "strongest"),
    Method.OCCLUSION: ("not needed", "needed most"),
}
"""What the darkest and the brightest colour stand for."""
VERDICTS = {
    Verdict.MATTERED: "The bright places mattered: without them the word is far less sure.",
    Verdict.PARTLY: "The bright places mattered a little more than others.",
    Verdict.ANYWHERE: "It needs the picture, but the bright places hardly more than others.",
    Verdict.LANGUAGE: "This word would come without the picture, too.",
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
    ends = {end for pair in ENDS.values() for end in pair}
    return {text for table in tables for text in table.values()} | ends | {LINES, WHOLE, *WITHOUT}


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
