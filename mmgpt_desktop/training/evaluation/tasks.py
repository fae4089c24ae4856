"""What is asked of a split's photos, and which answers count as right."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmgpt_desktop.training.photo_texts import PhotoTexts, ask, in_other_words
from mmgpt_desktop.training.wordings import wordings

CAPTION_QUESTION = "Describe this picture."
HUMAN_COLLECTION = "daquar"
CAPTION_COLLECTION = "flickr8k"
BY_BOXES = "boxes"
TITLES = {
    ("caption", CAPTION_COLLECTION): "captions (Flickr8k)",
    ("vqa", HUMAN_COLLECTION): "human questions (DAQUAR)",
    ("vqa", "coco"): "human questions (COCO)",
    ("truefalse", "flickr8k"): "statements by people, true or false",
    ("truefalse", "coco"): "statements about places, true or false (VSR)",
    ("scene", ""): "scenes (ADE20K)",
    ("label", ""): "groceries",
    ("flower", ""): "flowers",
    ("thing", ""): "objects (Caltech-101)",
    ("garment", ""): "garments",
    ("yesno", ""): "made: yes or no",
    ("colour", ""): "made: colour",
    ("count", ""): "made: count",
    ("count", BY_BOXES): "made: count by boxes",
    ("action", ""): "made: action",
    ("held", ""): "made: what is held, ridden, sat on ...",
    ("does", ""): "made: does somebody do it",
    ("claim", ""): "made: statements, true or false",
    ("place", ""): "made: place",
    ("animal", ""): "made: animal",
    ("who", ""): "made: who",
    ("either", ""): "made: either, or",
    ("inside", ""): "made: indoors or outdoors",
    ("where", ""): "made: where",
    ("side", ""): "made: left or right side",
    ("relation", ""): "made: left or right of, above or below",
    ("bigger", ""): "made: which is larger",
    ("share", ""): "made: how much of the picture",
    ("largest", ""): "made: what fills most",
    ("item", ""): "made: shop item",
    ("wearer", ""): "made: for whom",
}
"""The tasks in the table's order, by the kind of question and, where a kind has several, their
group: the collection, or what the questions are made from."""
_BY_COLLECTION = frozenset(["caption", "vqa", "truefalse"])
TWO_SIDED = ("yesno", "truefalse", "does", "claim")
"""Kinds whose two answers weigh the same, however often each is right."""
_NAMING = frozenset(["label", "flower", "thing", "garment"])
"""Kinds that are answered by a name, with or without an article."""
_ARTICLES = frozenset(["a", "an", "the", "some"])

NEW_WORDED = 200
_WORD = re.compile(r"[a-z0-9]+|'[a-z]+|[\u4e00-\u9fff]")


@dataclass(frozen=True)
class PhotoQuestion:
    """One question about one photo and every answer that counts as right.

    `stem` is the question as the data has it, `asked` as it is put to the model; `group` is that
    of `TITLES`.
    """

    image: str
    kind: str
    stem: str
    asked: str
    answers: tuple[str, ...]
    group: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.kind, self.group]

    @property
    def collection(self) -> str:
        return Path(self.image).parts[1]

    def is_right(self, text: str) -> bool:
        return self._compared(text) in map(self._compared, self.answers)

    def _compared(self, text: str) -> frozenset[str]:
        """Actions by their verb, the first word; names without an article; others by all words,
        lists in any order."""
        parts = answer_set(text)
        if self.kind in _NAMING:
            return frozenset(map(without_article, parts))
        if self.kind == "action" and text.isascii():
            return frozenset(part.split(" ")[0] for part in parts)
        return parts


def words(text: str) -> str:
    """Lower-case words and numbers with single blanks, like PTB's less the punctuation.

    What follows an apostrophe is a word of its own; hyphens separate. So is each Chinese
    character.
    """
    return " ".join(_WORD.findall(text.lower()))


def answer_set(text: str) -> frozenset[str]:
    """An answer's parts, which commas separate, as words."""
    return frozenset(words(part) for part in re.split("[,\uff0c、]", text))


def without_article(text: str) -> str:
    """Words less an article in front."""
    first, _, rest = text.partition(" ")
    return rest if rest and first in _ARTICLES else text


def draw_questions(photos: Sequence[PhotoTexts], limit: int | None) -> list[PhotoQuestion]:
    """Up to `limit` of each task, always the same ones; in the photos' order."""
    pools: dict[tuple[str, str], list[PhotoQuestion]] = defaultdict(list)
    for kind in dict.fromkeys(kind for kind, _ in TITLES):
        for question in itertools.chain.from_iterable(_questions(p, kind) for p in photos):
            if (kind, question.group) in TITLES:
                pools[kind, question.group].append(question)
    drawn: list[PhotoQuestion] = []
    for (kind, group), pool in pools.items():
        random.Random(kind + group).shuffle(pool)
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
    group = photo.collection if kind in _BY_COLLECTION else ""
    if kind == "caption":
        if pairs:
            captions = tuple(caption for _, caption in pairs)
            yield PhotoQuestion(photo.image, kind, "", CAPTION_QUESTION, captions, group)
        return
    if kind == "vqa":  # as the test list has them: one question, one answer
        for stem, answer in pairs:
            yield PhotoQuestion(photo.image, kind, stem, ask(kind, stem, rng), (answer,), group)
        return
    answers: dict[str, list[str]] = defaultdict(list)
    for stem, answer in pairs:
        if kind != "action" or stem.endswith("doing"):
            answers[stem].append(answer)
    for stem, given in answers.items():
        if kind not in TWO_SIDED or len(set(given)) == 1:
            of = BY_BOXES if kind == "count" and stem in photo.counted else group
            yield PhotoQuestion(photo.image, kind, stem, ask(kind, stem, rng), tuple(given), of)
