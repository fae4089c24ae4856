"""What a report says, in plain English."""

from __future__ import annotations

import math

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
SENTENCES = {
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
UNITS = {
    Method.RELATIVE: "times the neutral question's",
    Method.ROLLOUT: "strength",
    Method.RELEVANCY: "strength",
    Method.TAM: "strength",
    Method.OCCLUSION: "of the word's probability, lost when the cell is hidden; "
    "below 0 the word became likelier",
}
VERDICTS = {
    Verdict.MATTERED: "It mattered: the word needs what is bright.",
    Verdict.PARTLY: "Partly: the word needs some of what is bright.",
    Verdict.ANYWHERE: "It needs the picture, but what is bright no more than other places.",
    Verdict.LANGUAGE: "This word came from language, not from the picture.",
}
_SHARES = (Method.HEADS, Method.MEAN, Method.NO_SINKS)


def verdict(check: Check) -> str:
    """A sentence for everybody."""
    return VERDICTS[check.verdict]


def bars(check: Check) -> tuple[tuple[str, float], ...]:
    """What was hidden, and the word's probability then; random is the mean over its draws."""
    by_chance = [("without random places", sum(check.random) / len(check.random))]
    return (
        ("whole photo", check.whole),
        ("without what is bright", check.hidden),
        *(by_chance if check.random else []),
        ("without the centre", check.centre),
    )


def scale(method: Method, reach: tuple[float, float] | None) -> tuple[str, str]:
    """What the least and the greatest colour stand for."""
    if reach is None:
        return "not measured", ""
    return value(method, reach[0]), value(method, reach[1])


def unit(method: Method) -> str:
    """What a cell's value is."""
    return UNITS.get(method, "share of a cell")


def value(method: Method, number: float) -> str:
    """A cell's value in its unit.

    Occlusion's is the drop of the word's log-probability, told as the share of the
    probability that is lost; below 0 the word became likelier.
    """
    if method in _SHARES:
        return percent(number, 1)
    if method is Method.RELATIVE:
        return f"×{number:.1f}"  # noqa: RUF001
    if method is Method.OCCLUSION:
        return percent(-math.expm1(-min(max(number, -5.0), 700.0)))
    return f"{number:.2g}"


def percent(share: float, decimals: int = 0) -> str:
    """A small share is not shown as nothing."""
    if 0 < 100 * share < 10**-decimals:
        return f"<{10.0**-decimals:.{decimals}f} %"
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f} %"  # + 0.0: no "-0"
