"""Measures with their intervals.

A statistic is a function of weights, one for each item measured; with all ones it is the
value itself. Weights that count how often a photo was drawn again make the bootstrap.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Statistic = Callable[[Values], float]

DRAWS = 1000
CALIBRATION_BINS = 15
WUPS_THRESHOLD, WUPS_FACTOR = 0.9, 0.1


@dataclass(frozen=True)
class Score:
    """A measure with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def shown(self, scale: float = 100, digits: int = 1, to: str = "-") -> str:
        """In per cent, where `scale` says nothing else."""
        value, low, high = (f"{scale * x:.{digits}f}" for x in (self.value, self.low, self.high))
        return f"{value} ({low}{to}{high})"


@dataclass
class Items:
    """What was measured of one way: for each measure its items' values, and their photos."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    photos: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, image: str, measured: Mapping[str, float]) -> None:
        for measure, value in measured.items():
            self.values[measure].append(value)
            self.photos[measure].append(image)


def bootstrap(statistic: Statistic, photos: Sequence[str], draws: int = DRAWS) -> Score:
    """The percentile interval over photos drawn with replacement (Efron and Tibshirani 1993).

    `photos` names each item's photo: what is said of one photo is drawn together, because
    it is right or wrong together.
    """
    names, member = np.unique(np.array(photos), return_inverse=True)
    random = np.random.default_rng(0)
    shares = np.full(len(names), 1 / len(names))
    drawn = random.multinomial(len(names), shares, draws).astype(np.float64)
    values = np.array([statistic(times[member]) for times in drawn])
    values = values[np.isfinite(values)]  # a small draw may lack all that a measure needs
    value = statistic(np.ones(len(photos)))
    low, high = np.percentile(values, [2.5, 97.5]) if values.size else (value, value)
    return Score(value, float(low), float(high))


def mean(values: Sequence[float]) -> Statistic:
    array = np.array(values, np.float64)
    return lambda weights: float(array @ weights / weights.sum())


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Statistic:
    """Of the two means; NaN where the lower one is 0."""
    above, below = np.array(numerators, np.float64), np.array(denominators, np.float64)

    def statistic(weights: Values) -> float:
        divisor = float(below @ weights)
        return float(above @ weights) / divisor if divisor else math.nan

    return statistic


def balanced(right: Sequence[bool], truths: Sequence[str]) -> Statistic:
    """Accuracy with the same weight for each true answer; NaN where one is missing."""
    hits = np.array(right, np.float64)
    sides = [np.array([truth == side for truth in truths]) for side in sorted(set(truths))]

    def statistic(weights: Values) -> float:
        totals = [weights[side].sum() for side in sides]
        if not all(totals):
            return math.nan
        found = [hits[side] @ weights[side] for side in sides]
        return float(np.mean(np.array(found) / totals))

    return statistic


def calibration_error(certainty: Sequence[float], right: Sequence[bool]) -> Statistic:
    """Expected calibration error with equal-width bins (Guo et al. 2017)."""
    chances = np.array(certainty, np.float64)
    bins = np.clip(np.ceil(chances * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1).astype(int)
    gaps = np.array(right, np.float64) - chances

    def statistic(weights: Values) -> float:
        return float(np.abs(np.bincount(bins, weights * gaps)).sum() / weights.sum())

    return statistic


def accuracy_of_answered(
    certainty: Sequence[float], right: Sequence[bool], left_out: float
) -> Statistic:
    """Accuracy where this share of the answers, the least certain ones, isn't given."""
    order = np.argsort(certainty, kind="stable")
    hits = np.array(right, np.float64)[order]

    def statistic(weights: Values) -> float:
        sorted_weights = weights[order]
        reached = np.cumsum(sorted_weights)
        kept = np.clip(reached - left_out * reached[-1], 0, sorted_weights)
        return float(hits @ kept / kept.sum())

    return statistic


def wups(
    given: frozenset[str], true: frozenset[str], similarity: Callable[[str, str], float]
) -> float:
    """One answer's part of WUPS (Malinowski and Fritz 2014); `similarity` has its threshold."""
    found = math.prod(max(similarity(a, t) for t in true) for a in given)
    named = math.prod(max(similarity(a, t) for a in given) for t in true)
    return min(found, named)


def thresholded(similarity: Callable[[str, str], float]) -> Callable[[str, str], float]:
    """What is less alike than 0.9 counts a tenth."""

    def weighed(one: str, other: str) -> float:
        value = similarity(one, other)
        return value if value >= WUPS_THRESHOLD else WUPS_FACTOR * value

    return weighed
