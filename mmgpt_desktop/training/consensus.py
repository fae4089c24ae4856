"""CIDEr-D as a reward: how far a caption agrees with what people wrote of the same photo.

Vedantam et al., 2015. For tables the known implementation counts (`evaluation.captions`);
this one gives the same figure for a caption at a time, with word weights kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ORDERS = 4
SIGMA = 6.0
SCALE = 10.0
Ngram = tuple[str, ...]


@dataclass(frozen=True)
class _Vector:
    """The weights of a sentence's n-grams and their norm, for each n, and its bigrams' number."""

    weights: tuple[Mapping[Ngram, float], ...]
    norms: tuple[float, ...]
    length: int


class Consensus:
    """Scores captions against the `references` of many photos, each a list of words.

    An n-gram weighs the less, the more photos have it in a reference.
    """

    def __init__(self, references: Mapping[str, Sequence[Sequence[str]]]) -> None:
        found = Counter(
            ngram
            for sentences in references.values()
            for ngram in set().union(*map(_ngrams, sentences))
        )
        self._weight = {ngram: math.log(len(references) / count) for ngram, count in found.items()}
        self._rare = math.log(len(references))
        self._references = {
            photo: [self._vector(sentence) for sentence in sentences]
            for photo, sentences in references.items()
        }

    def score(self, photo: str, words: Sequence[str]) -> float:
        """CIDEr-D, 0 to 10."""
        given, references = self._vector(words), self._references[photo]
        total = sum(_similarity(given, reference) for reference in references)
        return SCALE * total / len(references)

    def _vector(self, words: Sequence[str]) -> _Vector:
        weights: tuple[dict[Ngram, float], ...] = tuple({} for _ in range(ORDERS))
        for ngram, count in Counter(_ngrams(words)).items():
            weights[len(ngram) - 1][ngram] = count * self._weight.get(ngram, self._rare)
        norms = tuple(math.sqrt(sum(w * w for w in order.values())) for order in weights)
        return _Vector(weights, norms, max(0, len(words) - 1))


def _ngrams(words: Sequence[str]) -> list[Ngram]:
    return [
        tuple(words[start : start + order])
        for order in range(1, ORDERS + 1)
        for start in range(len(words) - order + 1)
    ]


def _similarity(given: _Vector, reference: _Vector) -> float:
    """Cosine, with counts clipped to the reference's and unequal lengths penalised."""
    total = 0.0
    for ours, theirs, norm, other in zip(
        given.weights, reference.weights, given.norms, reference.norms, strict=True
    ):
        product = sum(min(w, theirs[n]) * theirs[n] for n, w in ours.items() if n in theirs)
        total += product / (norm * other) if norm and other else 0.0
    gap = given.length - reference.length
    return math.exp(-(gap**2) / (2 * SIGMA**2)) * total / ORDERS
