"""Sentences in both languages, and the questions for their translation.

People's translations are good Chinese; the machine's of 2016 are stiff, but show which words belong
together.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.text import plainly_typed
from mmgpt_desktop.training.photo_texts import chinese_sentence, read_rows, split_of
from mmgpt_desktop.training.questions import QA, sentence
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH, usual

PEOPLE_REPEATED = 3
"""People's pairs count this often in pretraining, both ways; the machine's once, one way."""
INTO = {ENGLISH: "into_english", CHINESE: "into_chinese"}


@dataclass(frozen=True)
class Parallel:
    """One sentence in two languages."""

    english: str
    chinese: str
    by_people: bool

    def turn(self, into: str, rng: random.Random) -> QA:
        """The question for its translation, in one of the two languages, and that."""
        pair = {ENGLISH: self.english, CHINESE: self.chinese}
        ways = usual(INTO[into], rng.choice((ENGLISH, CHINESE)))
        given = pair[ENGLISH if into == CHINESE else CHINESE]
        return rng.choice(ways).format(given), pair[into]


def read_parallel(data: Path) -> list[Parallel]:
    """The training photos' pairs; none where the data has no such file."""
    kept_back = {
        sentence(row["answer"])
        for row in read_rows(data)
        if row["kind"] == "caption" and split_of(row) != "train"
    }
    return [pair for pair in _pairs(data, "train") if pair.english not in kept_back]


def held_out_parallel(data: Path) -> list[Parallel]:
    """People's pairs of dev photos."""
    return [pair for pair in _pairs(data, "dev") if pair.by_people]


def _pairs(data: Path, split: str) -> list[Parallel]:
    path = data / "parallel_en_zh.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["split"] == split]
    return [
        Parallel(sentence(row["en"]), chinese_sentence(row["zh"]), row["made_by"] == "human")
        for row in rows
    ]


def translation_texts(pairs: Sequence[Parallel], seed: int = 0) -> Iterator[str]:
    """Questions with their answers for pretraining."""
    rng = random.Random(seed)
    for pair in pairs:
        for into in [*INTO] * PEOPLE_REPEATED if pair.by_people else [rng.choice([*INTO])]:
            question, answer = pair.turn(into, rng)
            yield f"{plainly_typed(question)} {answer}"
