"""What ten people answered to a question, and what an answer is worth among theirs.

VQA accuracy (Antol et al. 2015; Goyal et al. 2017): an answer that at least three of nine
people gave is right, one that fewer gave is so in part; the mean over leaving out each of the
ten. Articles and punctuation don't count, and numbers may be words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion, words

ENOUGH = 3
YES_NO, NUMBERS, REST = "yes or no", "numbers", "the rest"
ANSWER_TYPES = (YES_NO, NUMBERS, REST)
_ARTICLES = frozenset(["a", "an", "the"])
_DIGITS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip


@dataclass(frozen=True)
class Votes:
    """How many of the people gave each answer."""

    given: Mapping[str, int]

    def accuracy(self, text: str) -> float:
        """0 to 1."""
        wanted = plain_answer(text)
        agreed = sum(many for answer, many in self.given.items() if plain_answer(answer) == wanted)
        people = sum(self.given.values())
        with_one_less = agreed * min((agreed - 1) / ENOUGH, 1.0)
        with_all = (people - agreed) * min(agreed / ENOUGH, 1.0)
        return (with_one_less + with_all) / people


def plain_answer(text: str) -> str:
    """Lower-case words without articles, numbers in digits."""
    kept = [word for word in words(text).split() if word not in _ARTICLES]
    return " ".join(_DIGITS.get(word, word) for word in kept)


def read_votes(data: Path) -> dict[tuple[str, str], Votes]:
    """By photo and question; none where the data has no such file."""
    path = data / "vqa_votes.jsonl"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {(row["image"], row["question"]): Votes(row["answers"]) for row in rows}


def answer_type(question: PhotoQuestion) -> str:
    """What kind of answer people gave."""
    answer = plain_answer(question.answers[0])
    if answer in {"yes", "no"}:
        return YES_NO
    return NUMBERS if answer.isdigit() else REST
