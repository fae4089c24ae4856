"""How far a description agrees with a photo's label map: what it names rightly, and what not.

Photos that nobody described have no captions to agree with, but their label maps say what is
there. As Rohrbach et al. 2018 count things that are not there, but with the share of what is
there that a description names on the other side of the scale.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.labels import CALLED, STUFF, LabelMaps, alike
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.questions import WORDS, plain_place

_FEWEST = 3
"""Names that fewer photos have are often something else in a sentence ("top", "step")."""
_ASKED = 4
"""A description is to name so many of a photo's things, the largest, beside its place."""
_LEAST, _MOST = 0.3, 4.0  # that a name weighs


@dataclass(frozen=True)
class Mapped:
    """What is in a photo: `things` the larger ones, largest first, `present` all of them; the
    name of its place, if it has one."""

    things: Sequence[str]
    present: frozenset[str]
    place: str = ""


class Truth:
    """Scores descriptions of the photos whose maps it was given. A name weighs the less, the
    more photos have it."""

    def __init__(self, photos: Mapping[str, Mapped]) -> None:
        self.photos = photos
        found = Counter(name for photo in photos.values() for name in photo.present)
        places = Counter(photo.place for photo in photos.values())
        self._weights = {name: _weight(count, len(photos)) for name, count in found.items()}
        self._places = {place: _weight(count, len(photos)) for place, count in places.items()}
        known = {name for name, count in found.items() if count >= _FEWEST}
        self._names = frozenset(known.union(WORDS.things, CALLED))

    def told_apart(self, image: str, words: Sequence[str]) -> tuple[set[str], set[str]]:
        """Of what a description of these words names: what is there, and what is not."""
        return told_apart(names_in(words, self._names), self.photos[image])

    def score(self, image: str, words: Sequence[str]) -> float:
        """0 to 1: the harmonic mean of how much of what is named is there, and how much of what
        is there is named."""
        photo = self.photos[image]
        right, wrong = self.told_apart(image, words)
        wanted = sum(self._weights[name] for name in photo.things[:_ASKED])
        hit = sum(self._weights.get(name, _MOST) for name in right)
        missed = sum(self._weights.get(name, _MOST) for name in wrong)
        if photo.place:
            weight = self._places[photo.place]
            wanted += weight
            hit += weight * (f" {plain_place(photo.place)} " in f" {' '.join(words)} ")
        hit = min(hit, wanted)
        return 2 * hit / (hit + missed + wanted) if wanted else 0.0


def names_in(words: Sequence[str], names: frozenset[str]) -> set[str]:
    """Which of the `names`, of up to three words, stand in a sentence: longer ones before shorter,
    and plurals count."""
    found, place = set[str](), 0
    while place < len(words):
        for length in (3, 2, 1):
            *first, last = words[place : place + length] or [""]
            forms = (last, WORDS.plurals.get(last, last), last.removesuffix("s"))
            name = next((n for form in forms if (n := " ".join([*first, form])) in names), "")
            if name:
                found.add(name)
                place += length - 1
                break
        place += 1
    return found


def is_invented(words: Sequence[str], there: Iterable[str]) -> bool:
    """Whether a description names a person, or an animal, though none is among the names of what
    is there.

    Captions show people and dogs in most photos, and a model that learns from them sees them
    everywhere.
    """
    named = {WORDS.plurals.get(word, word) for word in words}
    return not {CALLED[word] for word in named if word in CALLED} <= set(there)


def told_apart(named: Iterable[str], photo: Mapped) -> tuple[set[str], set[str]]:
    """The names of what is there, as the label map has them, and those of what is not.

    Who is called a man is a person, and a table may be a coffee table. A place's own name, like
    a beach's, is not in the map.
    """
    right, wrong = set[str](), set[str]()
    for name in named:
        called = CALLED.get(name, name)
        exact = [one for one in (name, called) if one in photo.present]
        there = exact or sorted(one for one in photo.present if alike(one) & alike(called))
        if there:
            right.add(there[0])
        elif name not in photo.place.split():
            wrong.add(name)
    return right, wrong


def _weight(count: int, photos: int) -> float:
    return min(max(math.log(photos / count), _LEAST), _MOST)


def mapped_photos(photos: Sequence[PhotoTexts], maps: LabelMaps) -> dict[str, Mapped]:
    """Those that have a label map, and no captions."""
    found = {}
    for photo in photos:
        if "caption" in photo.pairs or not maps.has(photo.image):
            continue
        things = [region.name for region in maps.regions(photo.image) if region.name not in STUFF]
        found[photo.image] = Mapped(things, maps.present(photo.image), photo.place)
    return found
