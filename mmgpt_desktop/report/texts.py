"""A report's numbers as text."""

from __future__ import annotations

from mmgpt_desktop.messages import Check, Method
from mmgpt_desktop.sentences import SHARES, WHOLE, Wording, by_hiding


def bars(check: Check, say: Wording) -> tuple[tuple[str, float], ...]:
    """What was hidden, and the word's probability then."""
    hidden = [(say(what), share) for what, share in by_hiding(check)]
    if not check.random:
        del hidden[1]
    return (say(WHOLE), check.whole), *hidden


def scale(method: Method, reach: tuple[float, float] | None, say: Wording) -> tuple[str, str]:
    """What the least and the greatest colour stand for."""
    if reach is None:
        return say("not measured"), ""
    return value(method, reach[0]), value(method, reach[1])


def value(method: Method, number: float) -> str:
    """A cell's value in its unit; see `sentences.UNITS`."""
    if method in SHARES:
        return percent(number, 1)
    if method is Method.RELATIVE:
        return f"×{number:.1f}"  # noqa: RUF001
    return f"{number:.2g}"


def percent(share: float, decimals: int = 0) -> str:
    """A small share is not shown as nothing."""
    if 0 < 100 * share < 10**-decimals:
        return f"<{10.0**-decimals:.{decimals}f} %"
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f} %"  # + 0.0: no "-0"
