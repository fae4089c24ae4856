"""Questions made from label maps: what is there, where, and how much of the picture.

A label map is an 8-bit picture with a class number per pixel, 0 for none; the classes'
names come from a tab-separated table with a header.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.model.configuration import IMAGE_SIZE
from mmgpt_desktop.training.questions import (
    NOBODY,
    QA,
    WHO_QUESTION,
    WORDS,
    article,
    indoor_questions,
)

MIN_SHARE = 0.01
"""Objects smaller than this share of the picture are not asked about."""
STUFF = frozenset(
    ["wall", "building", "sky", "floor", "tree", "ceiling", "road", "grass", "sidewalk"]
) | {"earth", "mountain", "sea"}
"""Classes that lie nearly everywhere; where they are is no question."""

PERSON = "person"
CALLED = dict.fromkeys(WORDS.people, PERSON) | dict.fromkeys(WORDS.animals, "animal")
"""The label maps' names for people and animals, by the words that descriptions have for them."""

_SHARES = (
    (0.01, 0.04, "very little of it"),
    (0.07, 0.14, "about a tenth"),
    (0.19, 0.31, "about a quarter"),
    (0.42, 0.58, "about half"),
    (0.66, 1.01, "most of it"),
)
_FILLS = 0.4
"""What covers such a share of the picture lies in no part of it."""
_APART = 0.25
"""Centres that lie farther apart, in shares of the picture, are on different sides."""
_RELATED = 5
"""So many things of a photo are compared with one another, the largest."""

THING_SHARES = (0.01, 0.25)
"""Things smaller or larger than this share of the picture are not pointed at."""
POINTING_QUESTION = "Where is the {}?"

Cells = NDArray[np.float16]  # the share of each cell, [rows, columns]
Mask = NDArray[np.bool_]  # [height, width]


@dataclass(frozen=True, eq=False)
class Region:
    """One class in one photo; the centre in shares of width and height.

    `cells` is the share of each of the encoder's cells that it covers.
    """

    name: str
    share: float
    x: float
    y: float
    cells: Cells


@dataclass(frozen=True)
class LabelMaps:
    """A data folder's label maps: which photos have one, and the names in it."""

    data: Path

    @cached_property
    def names(self) -> dict[int, str]:
        """The first name of each class number; none where there is no table."""
        table = self.data / "labels" / "ade20k_objects.txt"
        lines = table.read_text(encoding="utf-8").splitlines()[1:] if table.is_file() else []
        rows = [line.split("\t") for line in lines]
        return {int(row[0]): row[-1].split(",")[0].strip() for row in rows if row[0].strip()}

    def has(self, image: str) -> bool:
        return bool(self.names) and self._file(image).is_file()

    def regions(self, image: str) -> list[Region]:
        """The photo's classes, largest first."""
        found = []
        for name, share, mask in self._classes(image):
            if share >= MIN_SHARE:
                height, width = mask.shape
                y, x = np.nonzero(mask)
                centre = float(x.mean()) / width, float(y.mean()) / height
                found.append(Region(name, share, *centre, cells_of(mask)))
        return sorted(found, key=lambda region: -region.share)

    def present(self, image: str) -> frozenset[str]:
        """The names of all that is in the photo, however small."""
        return frozenset(name for name, _, _ in self._classes(image))

    def things(self, image: str) -> dict[str, Mask]:
        """Where the photo's things are that can be pointed at, those of middling size."""
        low, high = THING_SHARES
        return {
            name: mask
            for name, share, mask in self._classes(image)
            if name not in STUFF and low <= share <= high
        }

    def _classes(self, image: str) -> Iterator[tuple[str, float, Mask]]:
        """Each class that has a name, with its share of the picture."""
        with Image.open(self._file(image)) as label_map:
            classes = np.asarray(label_map)
        for number, count in zip(*np.unique(classes, return_counts=True), strict=True):
            if name := self.names.get(int(number), ""):
                yield name, float(count) / classes.size, classes == number

    def _file(self, image: str) -> Path:
        return self.data / "labels" / Path(image).parts[1] / f"{Path(image).stem}.png"


def cells_of(mask: Mask, side: int = IMAGE_SIZE // 16) -> Cells:
    """The share of each cell, [side, side], that a mask of pixels covers."""
    whole = Image.fromarray(mask.astype(np.uint8) * 255)
    covered: Cells = np.asarray(whole.resize((side, side), Image.Resampling.BOX), np.float16)
    return covered / np.float16(255)


def position(region: Region) -> str:
    """Where the centre lies, in thirds: "on the left", "at the top right", "in the middle"."""
    column = ("left", "", "right")[min(int(region.x * 3), 2)]
    row = ("top", "", "bottom")[min(int(region.y * 3), 2)]
    if not row and not column:
        return "in the middle"
    if not row:
        return f"on the {column}"
    return f"at the {row} {column}".strip()


def where_questions(things: Iterable[Region]) -> Iterator[QA]:
    """In which part of the picture each is that doesn't fill it. Where one is *in the scene*
    ("on a bench") captions say: another question, so that each has one kind of answer."""
    for thing in things:
        if thing.share < _FILLS:
            yield f"where in the picture is the {thing.name}", position(thing)


def label_questions(
    found: Sequence[Region], present: Collection[str], everything: Sequence[str], rng: random.Random
) -> dict[str, list[QA]]:
    """All questions that one label map answers: about the regions `found`, with `everything`
    to deny but what is `present`, however small, and what is like it."""
    things = [region for region in found if region.name not in STUFF]
    return {
        kind: pairs
        for kind, pairs in {
            "where": list(where_questions(things)),
            "side": list(_sides(things)),
            "largest": [
                ("what fills most of the picture", r.name) for r in found[:1] if r.share > 0.3
            ],
            "objects": [
                ("list the objects", ", ".join(region.name for region in found[:6])),
            ],
            "yesno": list(
                presence_questions([r.name for r in found], everything, rng, present=present)
            ),
            "inside": list(indoor_questions([r.name for r in found])),
            "who": list(_who(found, present)),
            "share": list(share_questions(found)),
            "relation": list(relation_questions(things, rng)),
        }.items()
        if pairs
    }


def _sides(things: Sequence[Region]) -> Iterator[QA]:
    left = [r for r in things if r.x < 1 / 3]
    right = [r for r in things if r.x > 2 / 3]
    for side, there in (("left", left), ("right", right)):
        if there:
            yield f"what is on the {side} side of the picture", there[0].name


def _who(found: Sequence[Region], present: Collection[str]) -> Iterator[QA]:
    """Label maps don't count people, nor say whether a person is a man or a woman."""
    if PERSON not in present:
        yield WHO_QUESTION, NOBODY
    elif PERSON in [region.name for region in found]:
        yield WHO_QUESTION, "people"


def share_questions(found: Sequence[Region]) -> Iterator[QA]:
    """None about what lies between two of the words."""
    for region in found:
        for low, high, words in _SHARES:
            if low <= region.share < high:
                yield f"how much of the picture is {region.name}", words


def relation_questions(things: Sequence[Region], rng: random.Random) -> Iterator[QA]:
    """On which side of another one a thing lies; "above" is higher up in the picture."""
    for one, other in itertools.combinations(things[:_RELATED], 2):
        if {one.name, other.name} & alike(one.name) & alike(other.name):
            continue  # one may be called the other
        first, second = rng.sample((one, other), 2)
        x, y = first.x - second.x, first.y - second.y
        if abs(x) > _APART and abs(x) > abs(y):
            asked = "left or right of" if rng.random() < 0.5 else "right or left of"
            yield f"is the {first.name} {asked} the {second.name}", "left" if x < 0 else "right"
        elif abs(y) > _APART:
            asked = "above or below" if rng.random() < 0.5 else "below or above"
            yield f"is the {first.name} {asked} the {second.name}", "above" if y < 0 else "below"


def presence_questions(
    named: Sequence[str],
    everything: Sequence[str],
    rng: random.Random,
    present: Iterable[str] = (),
) -> Iterator[QA]:
    """As many things to deny as are `named`, drawn as often as `everything` names them, and
    nothing that is `present` as well, or is like what is there."""
    there = set().union(*map(alike, {*named, *present}))
    absent = [name for name in everything if not there & alike(name)]
    for name in named:
        yield f"is there {article(name)}", "yes"
    for name in rng.choices(absent, k=len(named)) if absent else []:
        yield f"is there {article(name)}", "no"


@cache
def alike(name: str) -> frozenset[str]:
    """The name's words, and those of what others may call the same thing."""
    words = frozenset(name.split())
    return words.union(*(group for group in WORDS.alike if words & group or name in group))
