"""More ways in which people ask for the same: the patterns of `wordings.toml`."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("wordings.toml")
_PICTURE = "[this|the] [picture|photo|image]"
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_BRITISH = 0.5
_AS_WRITTEN, _BARE = 0.65, 0.85  # of what people type; the rest is lower-case, with its mark


@dataclass(frozen=True)
class Wordings:
    """`whole` are patterns by the kind of question; `parts` those of questions that a regular
    expression matches, with its groups as {1}, {2} and so on."""

    whole: Mapping[str, Sequence[str]]
    parts: Mapping[re.Pattern[str], Sequence[str]]

    def worded(self, kind: str, question: str, rng: random.Random) -> str:
        """The question in some of these words; empty where there are none for it."""
        patterns = list(self.whole.get(kind, ()))
        for expression, ways in self.parts.items():
            if found := expression.fullmatch(question):
                patterns += [_filled(way, found) for way in ways]
        return _chosen(rng.choice(patterns), rng) if patterns else ""


@cache
def wordings(part: str) -> Wordings:
    """Those of "training", or the "unseen" ones, with which nothing is trained."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))[part]
    parts = {re.compile(expression): ways for expression, ways in table["parts"].items()}
    return Wordings(table["whole"], parts)


def typed(question: str, rng: random.Random) -> str:
    """As people type it: mostly a capital and a mark at the end, which a part lacks."""
    if question[-1] not in ".?":
        question += "?"
    if rng.random() < _BRITISH:
        question = question.replace("color", "colour")
    style = rng.random()
    if style < _AS_WRITTEN:
        return question[:1].upper() + question[1:]
    return question.lower().rstrip(".?") if style < _BARE else question.lower()


def _filled(way: str, found: re.Match[str]) -> str:
    for number, group in enumerate(found.groups(), 1):
        way = way.replace(f"{{{number}}}", group)
    return way


def _chosen(pattern: str, rng: random.Random) -> str:
    text = pattern.replace("{picture}", _PICTURE)
    while found := _CHOICE.search(text):
        text = text[: found.start()] + rng.choice(found[1].split("|")) + text[found.end() :]
    return " ".join(text.split())
