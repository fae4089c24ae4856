"""What verdicts and the bars of a check are called, for everybody, in English.

The window and the reports say the same; they translate it when they say it. What methods are
called stands in their own table, `methods`.
"""

from __future__ import annotations

from mmgpt_desktop.messages import Check, Verdict

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


def verdict_texts() -> set[str]:
    """What translators get."""
    return {*VERDICTS.values(), LINES, WHOLE, *WITHOUT}


def by_hiding(check: Check) -> tuple[tuple[str, float], ...]:
    """What was hidden, and the word's probability then; random is the mean over its draws."""
    drawn = sum(check.random) / len(check.random) if check.random else check.whole
    shares = (check.hidden, drawn, check.centre, check.blind)
    return tuple(
        (what, share) for what, share in zip(WITHOUT, shares, strict=True) if share is not None
    )
