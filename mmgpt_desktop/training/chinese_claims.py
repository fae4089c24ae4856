"""Chinese statements to judge, of people's Chinese captions, as `claims.py` makes English ones.

Whether a statement is false is known from the photo's English captions, of which there are more.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmgpt_desktop.training.chinese_names import named
from mmgpt_desktop.training.deeds import is_absent
from mmgpt_desktop.training.questions import QA, WORDS, implied, things_named, words_of

TRUE, FALSE = "对", "不对"
_OWN, _EXCHANGED, _LOOKED_AT = 2, 1, 30
_NAMED_BY = 0.5  # of a photo's captions, where a thing surely is there
_AMBIGUOUS = frozenset("马车船球书河雪牛鸟")
"""Names of one character that are parts of other words."""


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
        return [thing for thing, times in many.items() if times > _NAMED_BY * len(self.english)]


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
    exchanged = list(_exchanged(photo))
    made += [(text, FALSE) for text in rng.sample(exchanged, min(_EXCHANGED, len(exchanged)))]
    made += [(text, FALSE) for text in _elsewhere(photo, own[0], others, rng)]
    return [*dict([*made, *_about_things(photo, others, rng)]).items()]


def _exchanged(photo: Described) -> Iterator[str]:
    """Captions with a name exchanged for another that none speaks of."""
    for caption in photo.chinese:
        for group in WORDS.exchanged:
            names = {word: named(word, ["colours", "things"]) for word in sorted(group)}
            said = [name for name in names.values() if _stands_in(name, caption)]
            absent = [
                name
                for word, name in names.items()
                if name and is_absent(word, photo.words) and name not in "".join(photo.chinese)
            ]
            yield from (caption.replace(name, other, 1) for name in said for other in absent)


def _stands_in(name: str, caption: str) -> bool:
    return bool(name) and name not in _AMBIGUOUS and name in caption


def _elsewhere(
    photo: Described, own: str, others: Sequence[Described], rng: random.Random
) -> list[str]:
    """Of captions of photos with a thing that isn't here the one most like this photo's own."""
    drawn = rng.choices(others, k=_LOOKED_AT)
    false = [
        rng.choice(other.chinese)
        for other in drawn
        if any(not implied(thing, photo.words) for thing in other.surely)
    ]
    return [max(false, key=lambda text: len(set(text) & set(own)))] if false else []


def _about_things(
    photo: Described, others: Sequence[Described], rng: random.Random
) -> Iterator[QA]:
    """That a thing is there, and that it isn't."""
    drawn = [thing for other in rng.choices(others, k=8) for thing in other.surely]
    present = [name for thing in photo.surely if (name := named(thing, ["things"]))]
    absent = [
        name
        for thing in drawn
        if not implied(thing, photo.words) and (name := named(thing, ["things"]))
    ]
    if present and absent:
        here = rng.choice(present)
        yield f"图里有{here}。", TRUE
        yield f"图里没有{here}。", FALSE
        yield f"图里有{absent[0]}。", FALSE
        yield f"图里没有{absent[0]}。", TRUE
