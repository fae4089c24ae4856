"""The many ways in which people ask for the same: those of `wordings.toml`."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ENGLISH, CHINESE = "en", "zh"
NO_PICTURE = "I need a picture to answer that."
NO_PICTURE_IN = {ENGLISH: NO_PICTURE, CHINESE: "我需要一张图片才能回答。"}
_TABLES = {
    ENGLISH: Path(__file__).with_name("wordings.toml"),
    CHINESE: Path(__file__).with_name("wordings_zh.toml"),
}
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_BRITISH = 0.5
_HURRIED, _SLIPPED = 0.15, 0.06
_MARK_ZH = "\uff1f"
_MARKLESS = 0.25  # of what people type in Chinese
_LITTLE = frozenset(
    ["a", "an", "and", "are", "can", "do", "does", "here", "i", "in", "is", "it", "me", "of", "on"]
) | {"please", "show", "tell", "that", "the", "there", "this", "to", "what", "which", "you"}
_PARTICLES_ZH = frozenset("的了着个请")
_ALIKE_ZH = {
    **{"的": "地得", "在": "再", "做": "作", "哪": "那", "么": "莫", "吗": "嘛", "它": "他她"},
    **{"有": "又", "是": "事", "种": "中", "几": "及", "边": "变", "像": "象", "里": "理"},
}
"""What a keyboard that takes sounds for characters offers beside the right ones."""
AS_WRITTEN, _BARE = 0.65, 0.85  # of what people type; the rest is lower-case, with its mark


@dataclass(frozen=True)
class Wordings:
    """`whole` are patterns by the kind of question, with a statement as {0}, and as {1} where it
    is a clause of the question; `parts` those of questions that a regular
    expression matches, with its groups as {1}, {2} and so on."""

    whole: Mapping[str, Sequence[str]]
    parts: Mapping[re.Pattern[str], Sequence[str]]

    def worded(self, kind: str, question: str, rng: random.Random) -> str:
        """The question in some of these words; empty where there are none for it."""
        whole = self.whole.get(kind, ())
        patterns = [way.format(question, clause(question)) for way in whole]
        for expression, ways in self.parts.items():
            if found := expression.fullmatch(question):
                patterns += [way.format(question, *found.groups()) for way in ways]
        return _chosen(rng.choice(patterns), rng) if patterns else ""


@cache
def usual(kind: str, language: str = ENGLISH) -> Sequence[str]:
    """The usual ways; none for a kind whose questions the data has."""
    found: Sequence[str] = table_of(language)["usual"].get(kind, ())
    return found


@cache
def wordings(part: str, language: str = ENGLISH) -> Wordings:
    """Those of "training", or the "unseen" ones, with which nothing is trained."""
    table = table_of(language)
    short = table["short"]
    whole = {kind: _spelled_out(ways, short) for kind, ways in table[part]["whole"].items()}
    parts = {
        re.compile(expression): _spelled_out(ways, short)
        for expression, ways in table[part]["parts"].items()
    }
    return Wordings(whole, parts)


@cache
def table_of(language: str) -> dict[str, Any]:
    """All that the language's file of wordings has."""
    return tomllib.loads(_TABLES[language].read_text(encoding="utf-8"))


def _spelled_out(ways: Sequence[str], short: Mapping[str, str]) -> list[str]:
    found = list(ways)
    for name, meant in short.items():
        found = [way.replace(f"{{{name}}}", meant) for way in found]
    return found


def clause(statement: str) -> str:
    """A statement as it stands inside a sentence: "a dog runs" for "A dog runs."."""
    bare = statement.strip().rstrip(" .")
    first = bare.split(" ", 1)[0]
    return bare if first == "I" else bare[:1].lower() + bare[1:]


def spoken(question: str, rng: random.Random, language: str = ENGLISH) -> str:
    """A lower-case question as people type it: mostly a capital and a question mark."""
    if language == CHINESE:
        question = question.rstrip(_MARK_ZH)
        return question if rng.random() < _MARKLESS else question + _MARK_ZH
    question = question.strip().rstrip("?").strip()
    if rng.random() < 0.5:
        question = question.replace("color", "colour")
    if rng.random() < 0.3 and question.startswith("how many"):
        question = question.replace("are there", "are in the picture")
    style = rng.random()
    if style < 0.75:
        return question[:1].upper() + question[1:] + "?"
    return question if style < 0.85 else question + "?"


def typed(question: str, rng: random.Random, language: str = ENGLISH) -> str:
    """The same of a question in other words, which may have its mark, or lack it."""
    if language == CHINESE:
        return (
            spoken(question.rstrip(f"。{_MARK_ZH}"), rng, language)
            if question[-1] != "。"
            else question
        )
    if question[-1] not in ".?":
        question += "?"
    if rng.random() < _BRITISH:
        question = question.replace("color", "colour")
    style = rng.random()
    if style < AS_WRITTEN:
        return question[:1].upper() + question[1:]
    return question.lower().rstrip(".?") if style < _BARE else question.lower()


def blurred(question: str, rng: random.Random, language: str = ENGLISH) -> str:
    """As people type it in a hurry: now and then without a little word, or with a slip."""
    if language == CHINESE:
        return _blurred_zh(question, rng)
    words = question.split()
    if rng.random() < _HURRIED:
        little = [place for place, word in enumerate(words) if word.lower() in _LITTLE]
        for place in sorted(rng.sample(little, min(len(little), rng.choice((1, 1, 2)))))[::-1]:
            del words[place]
    if words and rng.random() < _SLIPPED:
        place = rng.randrange(len(words))
        words[place] = _slip(words[place], rng)
    return " ".join(words) or question


def _blurred_zh(question: str, rng: random.Random) -> str:
    """Without a particle, or with a character that sounds like the right one."""
    if rng.random() < _HURRIED:
        question = _without_one(question, _PARTICLES_ZH, rng)
    alike = [place for place, sign in enumerate(question) if sign in _ALIKE_ZH]
    if alike and rng.random() < _SLIPPED:
        place = rng.choice(alike)
        question = question[:place] + rng.choice(_ALIKE_ZH[question[place]]) + question[place + 1 :]
    return question


def _without_one(question: str, signs: Container[str], rng: random.Random) -> str:
    found = [place for place, sign in enumerate(question) if sign in signs]
    if not found:
        return question
    place = rng.choice(found)
    return question[:place] + question[place + 1 :]


def _slip(word: str, rng: random.Random) -> str:
    """Two letters changed about, or one left out; the first one and short words are right."""
    if len(word) < 4:
        return word
    place = rng.randrange(1, len(word) - 2)
    one, two = word[place], word[place + 1]
    return word[:place] + rng.choice((two + one, two)) + word[place + 2 :]


def _chosen(pattern: str, rng: random.Random) -> str:
    while found := _CHOICE.search(pattern):
        chosen = rng.choice(found[1].split("|"))
        pattern = pattern[: found.start()] + chosen + pattern[found.end() :]
    return " ".join(pattern.split())
