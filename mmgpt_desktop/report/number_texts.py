"""Numbers as text, in a report and in the window."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

from mmgpt_desktop.messages import Check
from mmgpt_desktop.methods import Method, Unit
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.verdicts import WHOLE, by_hiding

LEAST_SHOWN = 0.001
"""A smaller number is said to be smaller: nobody reads 9.5e-07."""
SPACE = "\u00a0"  # a figure and its sign stay on one line

Write = Callable[[float, int], str]
"""Writes a number with so many decimals, as a language does."""


def english(number: float, decimals: int) -> str:
    return f"{number:,.{decimals}f}"


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
    low, high = method.about.ends
    return say(low), say(high)


def scale(method: Method, reach: tuple[float, float] | None, say: Wording) -> str:
    """The same in numbers."""
    if reach is None:
        return say("not measured")
    low, high = (value(method, number) for number in reach)
    return say(
        "Colours: {what}, from {low} to {high}.", what=say(method.about.unit), low=low, high=high
    )


def value(method: Method, number: float, write: Write = english) -> str:
    """A cell's value in its method's unit."""
    match method.about.unit:
        case Unit.SHARE:
            return percent(number, 1, write)
        case Unit.TIMES:
            return f"×{write(number, 1)}"  # noqa: RUF001
    if -LEAST_SHOWN < number < LEAST_SHOWN:
        return f"<{write(LEAST_SHOWN, 3)}" if number > 0 else "0"
    return write(number, decimals(number))


def decimals(number: float) -> int:
    """As many as show two digits that count, without noughts at the end."""
    digits = max(0, 1 - math.floor(math.log10(abs(number)))) if number else 0
    return len(f"{number:.{digits}f}".partition(".")[2].rstrip("0"))


def percent(share: float, decimals: int = 0, write: Write = english) -> str:
    """A small share is not shown as nothing."""
    if 0 < 100 * share < 10**-decimals:
        return f"<{write(10.0**-decimals, decimals)}{SPACE}%"
    return f"{write(round(100 * share, decimals) + 0.0, decimals)}{SPACE}%"  # + 0.0: no "-0"
