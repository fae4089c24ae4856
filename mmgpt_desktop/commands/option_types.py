"""What options take, beside paths: for `add_argument(type=...)`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

_Number = TypeVar("_Number", int, float)


def number(kind: type[_Number], low: float, high: float = math.inf) -> Callable[[str], _Number]:
    """A number that is `low` at least and `high` at most."""

    def parse(text: str) -> _Number:
        value = kind(text)
        if not low <= value <= high:  # NaN too
            limits = f"less than {low}" if math.isinf(high) else f"not between {low} and {high}"
            raise argparse.ArgumentTypeError(f"{text} is {limits}")
        return value

    return parse


positive = number(int, 1)
