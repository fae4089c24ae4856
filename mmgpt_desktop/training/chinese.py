"""Made questions and their answers in Chinese: the same facts in the words of two tables.

`wordings_zh.toml` says what each made English question is in Chinese, `names_zh.toml` has the
names. What people wrote in English, questions and captions, is not translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mmgpt_desktop.training.chinese_claims import Described, chinese_claims, claims_of_deeds
from mmgpt_desktop.training.chinese_names import named, names, without_article
from mmgpt_desktop.training.label_kinds import label_section
from mmgpt_desktop.training.photo_texts import CAPTIONS_ZH, PhotoTexts
from mmgpt_desktop.training.questions import QA
from mmgpt_desktop.training.wordings import CHINESE, table_of

_PLACED = re.compile(r"(\w+) (?:a|an|the) (.+)")
_COUNTED = re.compile(r"(a|an|some|two|three|four|five|six|seven) (.+)")
_VIEWS = (
    (re.compile(r"A close-up of a flower, (.+)\."), "一朵{}的特写。"),
    (re.compile(r"A photo of (.+)\."), "一张{}的照片。"),
    (re.compile(r"A photo with (.+)\."), "一张有{}的照片。"),
)
_PLACE_WITH = re.compile(r"(?:An?|Some) (.+?) with (.+)\.")
_OPEN_GROUND = frozenset("地道坡场路面丛")
_ON = frozenset(["on", "down", "across", "along", "over"])
_IN = frozenset(["in", "inside", "through"])
_ANSWERED = {
    "there": {"yes": "有", "no": "没有"},
    "is": {"yes": "是", "no": "不是"},
}
_MANY = {"many": "很多"}
_HELD = re.compile(r"what is the (\w+) (.+)")
_DOES = re.compile(r"is the (\w+) (\w+ing(?: \w+)??) (?:an?|the|some) (.+)")


@dataclass(frozen=True)
class Rule:
    """How one kind of made question is asked in Chinese, and what its answers are."""

    kinds: frozenset[str]
    english: re.Pattern[str]
    asked: str
    answers: str


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(frozenset(r["kinds"]), re.compile(r["english"]), r["asked"], r["answers"])
        for r in table_of(CHINESE)["made"]
    )


_EVERYWHERE = ("things", "colours", "positions", "flowers", "objects", "garments", "groceries")


def chinese_pair(kind: str, question: str, answer: str, collection: str) -> QA | None:
    """A made question and its answer in Chinese; None where a table lacks a name."""
    if kind in {"held", "does"}:
        return _deed_pair(question, answer)
    sections = [*label_section(collection), *_EVERYWHERE]
    for rule in rules():
        found = rule.english.fullmatch(question) if kind in rule.kinds else None
        if found:
            parts = [named(group, sections) for group in found.groups()]
            told = chinese_answer(rule.answers, answer, sections)
            return (rule.asked.format("", *parts), told) if all(parts) and told else None
    return None


def _deed_pair(question: str, answer: str) -> QA | None:
    """ "男人拿着什么" and "男人拿着球吗"."""
    of, does = _HELD.fullmatch(question), _DOES.fullmatch(question)
    actor, doing, thing = (of[1], of[2], answer) if of else does.groups() if does else ("", "", "")
    done = names()["deeds"].get(doing, "")
    who, what = named(actor, ["things"]), named(thing, ["things"])
    if not (done and who and what):
        return None
    if of:
        return f"{who}{done.format('什么')}", what
    return f"{who}{done.format(what)}吗", _ANSWERED["is"][answer]


def chinese_answer(of: str, answer: str, sections: Sequence[str]) -> str:
    """An answer of this sort in Chinese; empty where it can't be said."""
    if of in _ANSWERED:
        return _ANSWERED[of].get(answer, "")
    if of == "numbers":
        return answer if answer.isdigit() else _MANY.get(answer, "")
    if of in _MAKERS:
        return _MAKERS[of](answer)
    if of == "colours":
        return _joined(answer.split(" and "), [of], "和")
    if of in {"things", "actions"}:
        return _joined(answer.split(", "), [of] if of == "actions" else sections, "、")
    return named(answer, [of])


def _joined(english: Sequence[str], sections: Sequence[str], sign: str) -> str:
    found = [named(each, sections) for each in english]
    return sign.join(found) if all(found) else ""


def _doing(answer: str) -> str:
    """What somebody does, by its verb."""
    return named(answer.split(" ")[0], ["doing"])


def _worn(answer: str) -> str:
    """ "蓝色衬衫" for "a blue shirt"; empty for what is longer."""
    *colours, noun = without_article(answer).split(" ")
    parts = [*(named(colour, ["colours"]) for colour in colours), named(noun, ["things"])]
    return "".join(parts) if all(parts) else ""


def _surroundings(answer: str) -> str:
    """ "在海滩上" for "on the beach"."""
    found = _PLACED.fullmatch(answer)
    place = named(found[2], ["surroundings"]) if found else ""
    if not found or not place:
        return ""
    if found[1] in _ON or (found[1] in _IN and place[-1] in _OPEN_GROUND):
        return f"在{place}上"
    ends = {"near": "附近", "under": "下面", "at": ""} | dict.fromkeys(_IN, "里")
    return f"在{place}{ends[found[1]]}" if found[1] in ends else ""


def _who(answer: str) -> str:
    """ "两个男人" for "two men"."""
    found = _COUNTED.fullmatch(answer)
    if answer in names()["who"] or not found:
        return names()["who"].get(answer, "")
    noun = named(found[2], ["things"])
    if not noun:
        return ""
    if found[1] == "some":
        return f"一些{noun}"
    return f"{names()['numbers'][found[1]]}{names()['counted'].get(noun, '个')}{noun}"


def _view(answer: str) -> str:
    """A description that was made of names."""
    for pattern, chinese in _VIEWS:
        if found := pattern.fullmatch(answer):
            things = _listed(found[1])
            return chinese.format(things) if things else ""
    found = _PLACE_WITH.fullmatch(answer)
    if not found:
        return ""
    place, things = named(found[1], ["scenes", "things"]) or _plain(found[1]), _listed(found[2])
    return f"有{things}的{place}。" if things and place else ""


def _plain(place: str) -> str:
    """A place whose name says in the table that it is indoors or outdoors."""
    if place == "place":
        return "地方"
    return named(f"{place} indoor", ["scenes"]) or named(f"{place} outdoor", ["scenes"])


def _listed(things: str) -> str:
    """ "床、灯和窗帘" for "a bed, a lamp and some curtains"."""
    *first, last = re.split(r", | and (?=an? |some )", things)
    sections = ["flowers", "objects", "garments", "things"]
    many = _joined(first, sections, "、") if first else ""
    end = named(last, sections)
    if not end or (first and not many):
        return ""
    return f"{many}和{end}" if first else end


_MAKERS = {
    "doing": _doing,
    "worn": _worn,
    "surroundings": _surroundings,
    "who": _who,
    "views": _view,
}


def in_chinese(photos: Iterable[PhotoTexts]) -> list[PhotoTexts]:
    """The photos with what is said of them in Chinese, by the same kinds: people's captions, and
    the made questions that the tables can say."""
    everything = list(photos)
    claimed = chinese_claims(
        Described(
            photo.image,
            tuple(caption.lower() for _, caption in photo.pairs.get("caption", ())),
            tuple(caption for _, caption in photo.pairs.get(CAPTIONS_ZH, ())),
        )
        for photo in everything
    )
    turned = (
        replace(
            photo,
            pairs=_pairs(photo, claimed.get(photo.image, [])),
            masks=chinese_masks(photo.masks),
            language=CHINESE,
        )
        for photo in everything
    )
    return [photo for photo in turned if photo.pairs]


def _pairs(photo: PhotoTexts, claimed: list[QA]) -> dict[str, list[QA]]:
    found: dict[str, list[QA]] = {}
    for kind, pairs in photo.pairs.items():
        made = (chinese_pair(kind, q, a, photo.collection) for q, a in pairs)
        if known := [pair for pair in made if pair]:
            found[kind] = known
    if captions := photo.pairs.get(CAPTIONS_ZH):
        found["caption"] = list(captions)
    if claimed:
        found["claim"] = [*claimed, *claims_of_deeds(found.get("does", ()))]
    return found


def chinese_masks(masks: Mapping[str, Any]) -> dict[str, Any]:
    """Where named things lie, by their Chinese names."""
    return {name: mask for english, mask in masks.items() if (name := _mask_name(english))}


def _mask_name(english: str) -> str:
    return named(english, ["things", "classes"])
