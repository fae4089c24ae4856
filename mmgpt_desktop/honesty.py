"""What is said instead of an answer that would be none, and when an answer is said with doubt.

A model that only knows pictures is not asked what no picture tells: the app replies in its place,
in the question's language, and says what can be asked. Who insists gets a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from mmgpt_desktop.question_kinds import (
    SMALL_TALK,
    WITHOUT_PICTURE,
    QuestionKind,
    is_chinese,
    kind_of,
)

COUNTS_TO = 5


class Hedge(StrEnum):
    """Why an answer is said with doubt, however likely its words were: nobody measured that."""

    GUESS = "guess"  # somebody insisted on what the model can't tell
    MANY = "many"  # more than it can count


@dataclass(frozen=True)
class Reply:
    """The app's own words to a question of this kind, for which the model was not asked.

    Of a kind that models can answer there was no picture.
    """

    kind: QuestionKind
    chinese: bool = False

    @property
    def text(self) -> str:
        return _REPLIES.get(self.kind, _NO_PICTURE_YET)[self.chinese]

    @property
    def leaves_a_guess(self) -> bool:
        """Whether the model could be asked all the same: what it says to small talk is nothing."""
        return self.kind not in SMALL_TALK


@dataclass(frozen=True)
class Doubt:
    """The certainties below which an answer is said with doubt.

    Each word of a description has good alternatives, so its certainty is lower than a short
    answer's of the same worth: answers of more than `SHORT` words have their own.
    """

    SHORT: ClassVar[int] = 3
    short: float
    long: float

    def about(self, words: int, certainty: float | None) -> bool:
        """Whether to doubt an answer of so many words."""
        if certainty is None:
            return False
        return certainty < (self.long if words > self.SHORT else self.short)


def reply_to(question: str, beyond: Collection[QuestionKind], *, picture: bool) -> Reply | None:
    """None where a model that has no answer to the kinds `beyond` is to be asked."""
    kind = kind_of(question)
    needs_one = QuestionKind.NO_PICTURE in beyond and kind not in WITHOUT_PICTURE
    blind = needs_one and not picture
    return Reply(kind, is_chinese(question)) if blind or kind in beyond else None


def is_many(question: str, answer: str) -> bool:
    """Whether this answers a question of how many with more than a small model can count."""
    if kind_of(question) is not QuestionKind.COUNT:
        return False
    digits = [int(each) for each in re.findall(r"\d{1,9}", answer)]
    told = max(digits, default=0) > COUNTS_TO
    return told or _MANY.search(answer) is not None or _CROWD.search(question) is not None


_MANY = re.compile(
    r"\b(six|seven|eight|nine|ten|eleven|twelve|(thir|four|for|fif|six|seven|eigh|nine)(teen|ty)|"
    r"twenty|hundreds?|thousands?|dozens?|many|lots?|crowd|countless|numerous|plenty|more than)\b|"
    r"[六七八九十百千万]|很多|许多|好多|一群|无数",
    re.IGNORECASE,
)
_CROWD = re.compile(r"\b(crowds?|audience|spectators)\b|人群|观众", re.IGNORECASE)

_SURELY_NOT = "I'm not sure, perhaps:"
_BEFORE = {Hedge.MANY: "More than a few, perhaps:"}
_WHY = {
    Hedge.GUESS: "A guess: the model can't tell this.",
    Hedge.MANY: "The model counts to five; beyond that it guesses.",
}
NOT_ASKED = "The app says this by itself; the model was not asked."


def before_doubted(hedge: Hedge | None) -> str:
    """What is said before a doubted answer, in English."""
    return _SURELY_NOT if hedge is None else _BEFORE.get(hedge, _SURELY_NOT)


def why_hedged(hedge: Hedge) -> str:
    return _WHY[hedge]


def honest_texts() -> set[str]:
    """What translators get. Replies are in the question's language, whatever the window's is."""
    return {_SURELY_NOT, *_BEFORE.values(), *_WHY.values(), NOT_ASKED}


# In English and in Chinese: what the model can't do or what the app has to say, then an offer.
_NO_PICTURE_YET = (
    "There is no picture to look at yet. Open one, then ask what is in it.",
    "现在还没有图片可看。请先打开一张，再问图里有什么。",  # noqa: RUF001
)
_REPLIES = {
    QuestionKind.READING: (
        "This model can't read what is written in a picture. Ask what is in the picture, what "
        "colour something is, or how many there are.",
        "这个模型看不懂图中的文字。可以问图里有什么、某样东西是什么颜色，或者有几个。",  # noqa: RUF001
    ),
    QuestionKind.IDENTITY: (
        "This model knows nobody by name. Ask what somebody is doing, wearing or holding.",
        "这个模型不知道图中的人是谁。可以问这个人在做什么、穿着什么，或者拿着什么。",  # noqa: RUF001
    ),
    QuestionKind.FUTURE: (
        "This model sees only the moment of the picture, not what came before or comes next. Ask "
        "what is happening in it.",
        "这个模型只看得到拍照的那一刻，不知道之前和之后的事。可以问图里正在发生什么。",  # noqa: RUF001
    ),
    QuestionKind.FACTS: (
        "This model can't tell times, prices, brands or the names of places. Ask what something "
        "is, what colour it has, or where it is.",
        "这个模型说不出时间、价格、品牌和地名。可以问某样东西是什么、是什么颜色，或者在哪里。",  # noqa: RUF001
    ),
    QuestionKind.NO_PICTURE: (
        "This model only answers questions about what a picture shows. Ask what is in the "
        "picture, or what somebody is doing there.",
        "这个模型只回答和图片内容有关的问题。可以问图里有什么，或者有人在做什么。",  # noqa: RUF001
    ),
    QuestionKind.TRANSLATE: (
        "This model doesn't translate. Ask what is in a picture, or what somebody is doing there.",
        "这个模型不会翻译。可以问图里有什么，或者有人在做什么。",  # noqa: RUF001
    ),
    QuestionKind.GREETING: (
        "Hello! Ask something about a picture, such as what is in it, and see where the model "
        "looked.",
        "你好！可以问问图片里有什么，还能看到模型看了哪里。",  # noqa: RUF001
    ),
    QuestionKind.FEELING: (
        "All is well here, thank you. Ask something about a picture, such as what is in it.",
        "一切都好，谢谢。可以问问图片里有什么。",  # noqa: RUF001
    ),
    QuestionKind.THANKS: (
        "You're welcome! Ask on about the picture whenever you like.",
        "不客气！随时可以继续问图片里的内容。",  # noqa: RUF001
    ),
    QuestionKind.SELF: (
        "This is MMGPT Desktop: a small model here answers questions about pictures, and you see "
        "where it looked. Ask it what is in a picture.",
        "这里是 MMGPT Desktop：一个小模型回答关于图片的问题，你能看到它看了哪里。"  # noqa: RUF001
        "可以问它图片里有什么。",
    ),
    QuestionKind.ABILITIES: (
        "Ask what is in a picture, what somebody is doing, what colour something is, where it is, "
        "or how many there are, up to five. The model can't read text or name people.",
        "可以问图片里有什么、有人在做什么、某样东西是什么颜色、在哪里，或者有几个（五个以内）。"  # noqa: RUF001
        "模型看不懂文字，也不知道人的名字。",  # noqa: RUF001
    ),
    QuestionKind.FAREWELL: (
        "Goodbye! Come back with a picture whenever you like.",
        "再见！随时可以带着图片再来。",  # noqa: RUF001
    ),
}
