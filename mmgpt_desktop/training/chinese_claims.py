"""Chinese statements to judge, of people's Chinese captions, as `claims.py` makes English ones.

Whether a statement is false is known from the photo's English captions, of which there are more.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmgpt_desktop.training.chinese_names import named, names
from mmgpt_desktop.training.claims import countable, other_gender, told_once
from mmgpt_desktop.training.deeds import is_absent
from mmgpt_desktop.training.questions import QA, WORDS, surely_absent, things_named, words_of

TRUE, FALSE = "对", "不对"
_OWN, _EXCHANGED, _LOOKED_AT = 2, 1, 30
_SURE_SHARE = 0.5  # of a photo's captions, where a thing surely is there
_AMBIGUOUS = frozenset("马车船球书河雪牛鸟")
"""Names of one character that are parts of other words."""
_IN_OTHER_WORDS = re.compile("热狗|公共汽车|足球场|篮球场|网球场|棒球场")


@dataclass(frozen=True)
class Described:
    """A photo's captions by people: lower-case English ones, and Chinese ones."""

    image: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]

    @cached_property
    def words(self) -> set[str]:
        return words_of(self.english)

    @cached_property
    def surely(self) -> list[str]:
        """The things that most of the English captions name."""
        many = Counter(thing for caption in self.english for thing in things_named([caption]))
        return [thing for thing, times in many.items() if times > _SURE_SHARE * len(self.english)]


def chinese_claims(photos: Iterable[Described]) -> dict[str, list[QA]]:
    """Those of each photo that people described in both languages."""
    described = [photo for photo in photos if photo.english and photo.chinese]
    return {
        photo.image: _claims(photo, described, random.Random(f"claims {photo.image}"))
        for photo in described
    }


def _claims(photo: Described, others: Sequence[Described], rng: random.Random) -> list[QA]:
    own = rng.sample(photo.chinese, min(_OWN, len(photo.chinese)))
    made = [(caption, TRUE) for caption in own]
    exchanged = _exchanged(photo)
    made += [(text, FALSE) for text in rng.sample(exchanged, min(_EXCHANGED, len(exchanged)))]
    made += [(text, FALSE) for text in _elsewhere(photo, own[0], others, rng)]
    return told_once([*made, *_about_things(photo, others, rng)])


def _exchanged(photo: Described) -> list[str]:
    """Captions with a name exchanged for another that none speaks of, and that is counted alike."""
    exchanges = list(_exchanges(photo))
    found = [
        caption.replace(name, other, 1)
        for caption in photo.chinese
        for name, other in exchanges
        if _stands_in(name, caption)
    ]
    return list(dict.fromkeys(found))


def _exchanges(photo: Described) -> Iterator[tuple[str, str]]:
    """Names, and what they may be exchanged for."""
    everything, counted = "".join(photo.chinese), names()["counted"]
    for group in WORDS.exchanged:
        called = {word: named(word, ["colours", "things"]) for word in sorted(group)}
        for word, other in called.items():
            if other and other not in everything and is_absent(word, photo.words):
                same = [name for name in called.values() if counted.get(name) == counted.get(other)]
                yield from ((name, other) for name in same)
    for word in ("man", "woman", "boy", "girl"):
        if word in photo.words and (other := other_gender(word, photo.words)):
            yield named(word, ["things"]), named(other, ["things"])


def _stands_in(name: str, caption: str) -> bool:
    caption = _IN_OTHER_WORDS.sub("", caption)
    return bool(name) and name not in _AMBIGUOUS and name in caption


def _elsewhere(
    photo: Described, own: str, others: Sequence[Described], rng: random.Random
) -> list[str]:
    """Of captions of photos with a thing that isn't here the one most like this photo's own."""
    drawn = [(other, rng.choice(other.chinese)) for other in rng.choices(others, k=_LOOKED_AT)]
    false = [text for other, text in drawn if _names_absent(text, other, photo)]
    return [max(false, key=lambda text: len(set(text) & set(own)))] if false else []


def _names_absent(text: str, other: Described, photo: Described) -> bool:
    """Whether a text about another photo names a thing that is there, and not in this photo."""
    return any(
        surely_absent(thing, photo.words) and _stands_in(named(thing, ["things"]), text)
        for thing in other.surely
    )


def _about_things(
    photo: Described, others: Sequence[Described], rng: random.Random
) -> Iterator[QA]:
    """That a thing is there, and that it isn't."""
    drawn = [thing for other in rng.choices(others, k=_LOOKED_AT) for thing in other.surely]
    present = _called(photo.surely)
    absent = _called(thing for thing in drawn if surely_absent(thing, photo.words))
    if present and absent:
        here = rng.choice(present)
        yield f"图里有{here}。", TRUE
        yield f"图里没有{here}。", FALSE
        yield f"图里有{absent[0]}。", FALSE
        yield f"图里没有{absent[0]}。", TRUE


def _called(things: Iterable[str]) -> list[str]:
    """In Chinese, as far as they can be said to be there."""
    return [name for thing in countable(things) if (name := named(thing, ["things"]))]


def claims_of_deeds(asked: Iterable[QA]) -> list[QA]:
    """ "男人拿着球。" for "男人拿着球吗", and whether it is true."""
    told = {"是": TRUE, "不是": FALSE}
    return [(f"{question.removesuffix('吗')}。", told[answer]) for question, answer in asked]
