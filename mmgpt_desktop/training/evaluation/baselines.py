"""What an answer is worth that was given without a look at the picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from mmgpt_desktop.messages import Photo
from mmgpt_desktop.training.evaluation.tasks import TITLES, PhotoQuestion
from mmgpt_desktop.training.photo_texts import PhotoTexts

_FIRST_WORDS = 3
_KINDS = frozenset(kind for kind, _ in TITLES)


class MostFrequent:
    """The most frequent training answer to questions that begin alike.

    Alike is the same kind and collection and the same first three words; where training
    had none, two words, one, and in the end the kind alone.
    """

    def __init__(self, photos: Iterable[PhotoTexts]) -> None:
        self._answers: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for photo in photos:
            for kind in _KINDS & photo.pairs.keys():
                for stem, answer in photo.pairs[kind]:
                    for key in _beginnings(photo.collection, kind, stem):
                        self._answers[key][answer] += 1

    def answer(self, question: PhotoQuestion) -> str:
        """Empty where training had no question of the kind."""
        for key in _beginnings(question.collection, question.kind, question.stem):
            if key in self._answers:
                return self._answers[key].most_common(1)[0][0]
        return ""


def _beginnings(collection: str, kind: str, stem: str) -> Iterator[tuple[str, ...]]:
    first = stem.lower().split()[:_FIRST_WORDS]
    for length in range(len(first), -1, -1):
        yield (collection, kind, *first[:length])


def grey_photo() -> Photo:
    """A picture that shows nothing."""
    pixels = np.full((64, 64, 3), 127, np.uint8)
    pixels.setflags(write=False)
    return Photo(pixels, "grey", "grey")
