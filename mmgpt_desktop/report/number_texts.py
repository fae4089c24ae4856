"""A report's numbers as text."""

from __future__ import annotations

import math
from functools import reduce

from mmgpt_desktop.messages import Check
from mmgpt_desktop.methods import Method
from mmgpt_desktop.sentences import ENDS, SHARES, UNITS, WHOLE, Wording, by_hiding

LEAST_SHOWN = 0.001
"""A smaller number is said to be smaller: nobody reads 9.5e-07."""
SPACE = "\u00a0"  # a figure and its sign stay on one line


def joined(first: str, *more: str, say: Wording) -> str:
    """Sentences that end with their own stops, as the language sets one behind the other."""
    return reduce(lambda one, two: say("{one} {two}", one=one, two=two), more, first)


def listed(first: str, *more: str, say: Wording) -> str:
    """With the language's commas."""
    return reduce(lambda one, two: say("{one}, {two}", one=one, two=two), more, first)


def bars(check: Check, say: Wording) -> tuple[tuple[str, float], ...]:
    """What was hidden, and the word's probability then."""
    hidden = [(say(what), share) for what, share in by_hiding(check)]
    if not check.random:
        del hidden[1]
    return (say(WHOLE), check.whole), *hidden


def ends(method: Method, reach: tuple[float, float] | None, say: Wording) -> tuple[str, str]:
    """What the darkest and the brightest colour stand for."""
    if reach is None:
        return say("not measured"), ""
    low, high = ENDS[method]
    return say(low), say(high)


def scale(method: Method, reach: tuple[float, float] | None, say: Wording) -> str:
    """The same in numbers."""
    if reach is None:
        return say("not measured")
    low, high = (value(method, number) for number in reach)
    return say(
        "Colours: {what}, from {low} to {high}.", what=say(UNITS[method]), low=low, high=high
    )


def value(method: Method, number: float) -> str:
    """A cell's value in its unit; see `sentences.UNITS`."""
    if method in SHARES:
        return percent(number, 1)
    if method is Method.RELATIVE:
        return f"×{number:.1f}"  # noqa: RUF001
    if -LEAST_SHOWN < number < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}" if number > 0 else "0"
    return f"{number:,.{decimals(number)}f}"


def decimals(number: float) -> int:
    """As many as show two digits that count, without noughts at the end."""
    digits = max(0, 1 - math.floor(math.log10(abs(number)))) if number else 0
    return len(f"{number:.{digits}f}".partition(".")[2].rstrip("0"))


def percent(share: float, decimals: int = 0) -> str:
    """A small share is not shown as nothing."""
    if 0 < 100 * share < 10**-decimals:
        return f"<{10.0**-decimals:.{decimals}f}{SPACE}%"
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f}{SPACE}%"  # + 0.0: no "-0"
