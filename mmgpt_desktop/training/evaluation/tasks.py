"""What is asked of a split's photos, and which answers count as right."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmgpt_desktop.training.photo_texts import PhotoTexts, ask, in_other_words
from mmgpt_desktop.training.wordings import wordings

CAPTION_QUESTION = "Describe this picture."
TITLES = {
    "caption": "captions (Flickr8k)",
    "vqa": "human questions (DAQUAR)",
    "scene": "scenes (ADE20K)",
    "label": "groceries",
    "yesno": "made: yes or no",
    "truefalse": "true or false",
    "colour": "made: colour",
    "count": "made: count",
    "action": "made: action",
    "place": "made: place",
    "animal": "made: animal",
    "who": "made: who",
    "either": "made: either, or",
    "inside": "made: indoors or outdoors",
    "where": "made: where",
    "side": "made: left or right side",
    "relation": "made: left or right of, above or below",
    "share": "made: how much of the picture",
    "largest": "made: what fills most",
    "item": "made: shop item",
    "wearer": "made: for whom",
}
"""The kinds that are asked, in the table's order."""
HUMAN_COLLECTION = "daquar"
CAPTION_COLLECTION = "flickr8k"
TWO_SIDED = ("yesno", "truefalse")
"""Kinds whose two answers weigh the same, however often each is right."""

NEW_WORDED = 200


@dataclass(frozen=True)
class PhotoQuestion:
    """One question about one photo and every answer that counts as right.

    `stem` is the question as the data has it, `asked` as it is put to the model.
    """

    image: str
    kind: str
    stem: str
    asked: str
    answers: tuple[str, ...]

    @property
    def collection(self) -> str:
        return Path(self.image).parts[1]

    def is_right(self, text: str) -> bool:
        return self._compared(text) in map(self._compared, self.answers)

    def _compared(self, text: str) -> frozenset[str]:
        """Actions by their verb, the first word; others by all words, lists in any order."""
        parts = answer_set(text)
        return frozenset(part.split(" ")[0] for part in parts) if self.kind == "action" else parts


def words(text: str) -> str:
    """Lower-case words and numbers with single blanks, like PTB's less the punctuation.

    What follows an apostrophe is a word of its own; hyphens separate.
    """
    return " ".join(re.findall(r"[a-z0-9]+|'[a-z]+", text.lower()))


def answer_set(text: str) -> frozenset[str]:
    """An answer's parts, which commas separate, as words."""
    return frozenset(words(part) for part in text.split(","))


def draw_questions(photos: Sequence[PhotoTexts], limit: int | None) -> list[PhotoQuestion]:
    """Up to `limit` of each kind, always the same ones; in the photos' order."""
    drawn: list[PhotoQuestion] = []
    for kind in TITLES:
        pool = [question for photo in photos for question in _questions(photo, kind)]
        random.Random(kind).shuffle(pool)
        drawn += pool[:limit]
    return sorted(drawn, key=lambda question: question.image)


def in_new_words(questions: Sequence[PhotoQuestion]) -> dict[PhotoQuestion, PhotoQuestion]:
    """The same in words that training has none of, for those that have some; at most
    `NEW_WORDED` of a kind."""
    found, many, words = dict[PhotoQuestion, PhotoQuestion](), Counter[str](), wordings("unseen")
    for question in questions:
        rng = random.Random(f"{question.image} {question.stem}")
        other = in_other_words(question.kind, question.stem, rng, words)
        if other and many[question.kind] < NEW_WORDED:
            many[question.kind] += 1
            found[question] = replace(question, asked=other)
    return found


def _questions(photo: PhotoTexts, kind: str) -> Iterator[PhotoQuestion]:
    pairs = photo.pairs.get(kind, [])
    rng = random.Random(photo.image)
    if kind == "caption":
        if pairs and photo.collection == CAPTION_COLLECTION:
            captions = tuple(caption for _, caption in pairs)
            yield PhotoQuestion(photo.image, kind, "", CAPTION_QUESTION, captions)
        return
    if kind == "vqa":  # as the test list has them: one question, one answer
        if photo.collection == HUMAN_COLLECTION:
            for stem, answer in pairs:
                yield PhotoQuestion(photo.image, kind, stem, ask(kind, stem, rng), (answer,))
        return
    answers: dict[str, list[str]] = defaultdict(list)
    for stem, answer in pairs:
        if kind != "action" or stem.endswith("doing"):
            answers[stem].append(answer)
    for stem, given in answers.items():
        if kind not in TWO_SIDED or len(set(given)) == 1:
            yield PhotoQuestion(photo.image, kind, stem, ask(kind, stem, rng), tuple(given))
