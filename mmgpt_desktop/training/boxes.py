"""Questions made from boxes: how many, where, which is larger, on which side, what is there.

People drew some of the boxes; a detector found the others, and these are no truth: it misses
half of what there is and now and then takes one thing for another. So a question is made where
the detector is sure, and a thing is absent where captions, label maps and boxes agree on it.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.model.configuration import IMAGE_SIZE
from mmgpt_desktop.training.labels import (
    CALLED,
    MIN_SHARE,
    Cells,
    Region,
    alike,
    cells_of,
    relation_questions,
    where_questions,
)
from mmgpt_desktop.training.questions import (
    QA,
    WORDS,
    article,
    numbers_said,
    plural_of,
    things_said,
)

SURE, SURER = 0.5, 0.6
"""A box that the detector is less sure of than this is a doubtful one; what is to be there
without anybody having said so needs the higher score."""
MANY = 5
"""More than so many are "many"."""
FEWEST_CAPTIONS = 3
LARGER = 2.0
"""Of two things the larger one has at least so many times the other's share."""
_ZERO = 0.25  # of the photos in which something countable is known to be absent
_OVERLAP = 0.5
_LARGE = 0.04  # a share of the picture
_PRESENT_AT_MOST = 4
PERSON = "person"
ANIMALS = frozenset(
    ["bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"]
)
COUNTED = frozenset(WORDS.hints) | {PERSON}
"""What the detector finds mostly, where it is not tiny: people, vehicles and large animals."""
_IN_MAPS = {"motorcycle": "minibike"} | dict.fromkeys(ANIMALS, "animal")
_NOT_IN_MAPS = frozenset(["train"])
_CROWDS = frozenset(
    ["audience", "band", "boys", "children", "crowd", "family", "girls", "group", "kids", "many"]
) | {"men", "others", "people", "players", "several", "some", "team", "teams", "they", "women"}


@dataclass(frozen=True)
class Sighting:
    """A thing and its box, in shares of the picture; people are sure."""

    name: str
    score: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def share(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def stays_in_view(self) -> bool:
        """Whether it reaches into the middle, which every view of the photo shows."""
        wide, high = (self.left < 0.7, self.right > 0.3), (self.top < 0.7, self.bottom > 0.3)
        return all(wide) and all(high)

    def overlap(self, other: Sighting) -> float:
        """The share of both that is common to them."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(width, 0.0) * max(height, 0.0)
        whole = self.share + other.share - common
        return common / whole if whole else 0.0


@dataclass(frozen=True)
class BoxedPhoto:
    """What is known of a photo: its boxes, whether people drew them, its lower-case captions,
    what its label map names, and which of COCO's classes people found in it; None where nobody
    looked."""

    boxes: Sequence[Sighting]
    by_people: bool = False
    captions: Sequence[str] = ()
    mapped: Collection[str] | None = None
    listed: Collection[str] | None = None

    @property
    def known(self) -> Collection[str] | None:
        """All of COCO's classes that are there, if people looked."""
        return {box.name for box in self.boxes} if self.by_people else self.listed

    @cached_property
    def said(self) -> frozenset[str]:
        """The words of its captions."""
        return frozenset(things_said(self.captions))

    @cached_property
    def boxed(self) -> frozenset[str]:
        """All that its boxes may be called."""
        return _all_alike({box.name for box in self.boxes})

    def of(self, name: str) -> list[Sighting]:
        return [box for box in self.boxes if box.name == name]

    def sure(self, score: float = SURE) -> dict[str, list[Sighting]]:
        """The boxes of each class of which none is doubtful."""
        names = dict.fromkeys(box.name for box in self.boxes)
        found = {name: self.of(name) for name in names}
        return {n: boxes for n, boxes in found.items() if all(b.score >= score for b in boxes)}

    def is_absent(self, name: str) -> bool:
        """Whether all that is known agrees that nothing like it is there."""
        if self.known is not None:
            return not alike(name) & _all_alike(self.known)
        like = alike(name) | (ANIMALS if name in ANIMALS else frozenset())
        if name not in COUNTED or like & self.boxed:
            return False
        described = len(self.captions) >= FEWEST_CAPTIONS
        if self.said & _hints(name):
            return False
        if self.mapped is not None and name not in _NOT_IN_MAPS:
            called = _in_maps(name)
            return not (alike(name) | alike(called)) & _all_alike(self.mapped)
        return described

    def is_present(self, name: str) -> bool:
        """Whether nothing that is known speaks against it: a label map names all that is there,
        and descriptions all people."""
        if self.mapped is not None:
            return bool((alike(name) | alike(_in_maps(name))) & _all_alike(self.mapped))
        described = len(self.captions) >= FEWEST_CAPTIONS
        return not (name == PERSON and described and not self.said & _hints(name))


def _hints(name: str) -> frozenset[str]:
    return WORDS.somebody if name == PERSON else WORDS.hints[name]


def _in_maps(name: str) -> str:
    return _IN_MAPS.get(name, CALLED.get(name, name))


def _all_alike(names: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*map(alike, names))


def read_boxes(data: Path) -> dict[str, BoxedPhoto]:
    """Each photo's boxes: those that people drew where there are some."""
    found = {
        image: BoxedPhoto([Sighting(*box) for box in boxes])
        for image, boxes in _table(data / "boxes_yolox.json").items()
    }
    for image, boxes in _table(data / "boxes_human.json").items():
        sightings = [Sighting(name, 1.0, *corners) for name, *corners in boxes]
        found[image] = BoxedPhoto(sightings, by_people=True)
    return found


def _table(path: Path) -> dict[str, list[list[Any]]]:
    if not path.is_file():
        return {}
    table: dict[str, list[list[Any]]] = json.loads(path.read_text(encoding="utf-8"))
    return table


@dataclass(frozen=True)
class Known:
    """What is known of photos beside their boxes, by photo: captions, the names in their label
    maps, and people's lists of COCO's classes."""

    captions: Mapping[str, Sequence[str]]
    mapped: Mapping[str, Collection[str]]
    listed: Mapping[str, Collection[str]]


def scenes_of(boxes: Mapping[str, BoxedPhoto], known: Known) -> dict[str, BoxedPhoto]:
    """The photos' boxes beside what else is known of them."""
    found = {}
    for image, scene in boxes.items():
        whole = replace(
            scene,
            captions=[text.lower() for text in known.captions.get(image, ())],
            mapped=known.mapped.get(image),
            listed=known.listed.get(image),
        )
        taken_for_others = not scene.by_people and "/flickr8k/" in image
        found[image] = named_by_captions(whole) if taken_for_others else whole
    return found


def named_by_captions(scene: BoxedPhoto) -> BoxedPhoto:
    """The same where animals have the name that the captions give them: the detector takes a
    brown dog for a cow or a bear. Without one such name there are no animals."""
    said = [name for name in ANIMALS if name in scene.said]
    kept: list[Sighting] = []
    for box in sorted(scene.boxes, key=lambda box: -box.score):
        if box.name not in ANIMALS:
            kept.append(box)
        elif len(said) == 1:
            renamed = replace(box, name=said[0])
            if all(renamed.overlap(o) < _OVERLAP for o in kept if o.name == said[0]):
                kept.append(renamed)
    return replace(scene, boxes=kept)


def box_masks(scene: BoxedPhoto) -> dict[str, Cells]:
    """Where the sure things lie that aren't tiny: the cells of their boxes."""
    return {
        name: _cells(boxes)
        for name, boxes in scene.sure().items()
        if sum(box.share for box in boxes) >= MIN_SHARE
    }


def _cells(boxes: Sequence[Sighting]) -> Cells:
    mask = np.zeros((IMAGE_SIZE, IMAGE_SIZE), bool)
    for box in boxes:
        rows = slice(round(box.top * IMAGE_SIZE), round(box.bottom * IMAGE_SIZE))
        mask[rows, round(box.left * IMAGE_SIZE) : round(box.right * IMAGE_SIZE)] = True
    return cells_of(mask)


def box_questions(
    scene: BoxedPhoto, everything: Mapping[str, int], rng: random.Random
) -> dict[str, list[QA]]:
    """All questions that a photo's boxes answer, by kind; what is denied is drawn as often as
    it is there in photos, which `everything` counts."""
    single = list(_single(scene))
    absent = {name: times for name, times in everything.items() if scene.is_absent(name)}
    made = {
        "count": [*count_questions(scene), *_none(absent, rng)],
        "yesno": list(_presence(scene, absent, rng)),
        "where": list(where_questions(single)),
        "bigger": list(bigger_questions(single, rng)),
        "relation": list(relation_questions(single, rng)),
    }
    return {kind: pairs for kind, pairs in made.items() if pairs}


def present_names(scene: BoxedPhoto) -> list[str]:
    """What is asked for as present: sure, of some size, and of a kind whose absence can be
    known too. People are asked for elsewhere."""
    named = scene.sure(SURER) if scene.known is None else scene.sure()
    return [
        name
        for name, boxes in named.items()
        if name != PERSON
        and (name in COUNTED or scene.known is not None)
        and any(box.share >= MIN_SHARE and box.stays_in_view for box in boxes)
        and scene.is_present(name)
    ]


def _presence(scene: BoxedPhoto, absent: Mapping[str, int], rng: random.Random) -> Iterator[QA]:
    """As many yes as no; nothing where people's lists say it already."""
    if scene.listed is not None:
        return
    named = present_names(scene)[:_PRESENT_AT_MOST]
    for name, other in zip(named, _drawn(absent, _PRESENT_AT_MOST, rng), strict=False):
        yield f"is there {article(name)}", "yes"
        yield f"is there {article(other)}", "no"


def count_questions(scene: BoxedPhoto) -> Iterator[QA]:
    """How many there are where no box is doubtful; doubtful ones make many only more."""
    for name in dict.fromkeys(box.name for box in scene.boxes):
        sure = [box for box in scene.of(name) if box.score >= SURE]
        doubtful = len(sure) < len(scene.of(name))
        if not sure or (doubtful and len(sure) <= MANY) or not scene.is_present(name):
            continue
        if scene.by_people or (name in COUNTED and _is_counted(scene, name, sure)):
            yield _how_many(name), str(len(sure)) if len(sure) <= MANY else "many"


def _is_counted(scene: BoxedPhoto, name: str, boxes: Sequence[Sighting]) -> bool:
    """Where they aren't tiny, and captions say nothing else; without captions they are large,
    since more of a kind may be missed."""
    least = MIN_SHARE if scene.captions else _LARGE
    if len(boxes) <= MANY and any(box.share < least for box in boxes):
        return False
    return not scene.captions or agrees(name, len(boxes), scene.captions)


def agrees(name: str, count: int, captions: Sequence[str]) -> bool:
    """Whether captions say so, or at least speak of one where it is one, of several where it
    is many."""
    people = name == PERSON
    said = numbers_said(captions, WORDS.people if people else {name})
    if said:
        return count in said or (count > MANY and max(said) > MANY)
    words = set(re.findall(r"\w+", " ".join(captions)))
    if words & (_CROWDS if people else {plural_of(name)}):
        return count > MANY
    if count > 1:
        return people and count == 2 and any(map(_two_people, captions))
    return bool(words & (WORDS.somebody if people else {name}))


def _two_people(caption: str) -> bool:
    named = [word for word in re.findall(r"\w+", caption) if word in WORDS.people]
    return len(named) == 2 and " and " in caption


def _none(absent: Mapping[str, int], rng: random.Random) -> Iterator[QA]:
    if rng.random() < _ZERO:
        yield from ((_how_many(name), "0") for name in _drawn(absent, 1, rng))


def _drawn(names: Mapping[str, int], number: int, rng: random.Random) -> list[str]:
    """Up to so many different ones, by how often they are."""
    drawn = rng.choices(list(names), list(names.values()), k=number) if names else []
    return list(dict.fromkeys(drawn))


def _how_many(name: str) -> str:
    return f"how many {plural_of(name)} are there"


def _single(scene: BoxedPhoto) -> Iterator[Region]:
    """The things of which there is one, which is sure and not tiny, largest first."""
    found = [boxes[0] for boxes in scene.sure(SURER).values() if len(boxes) == 1]
    for box in sorted(found, key=lambda box: -box.share):
        doubled = any(box.overlap(other) > _OVERLAP for other in scene.boxes if other is not box)
        if box.share >= MIN_SHARE and not doubled and scene.is_present(box.name):
            x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
            yield Region(box.name, box.share, x, y, _cells([box]))


def bigger_questions(things: Sequence[Region], rng: random.Random) -> Iterator[QA]:
    """Which of two things is larger in the picture."""
    for large, small in itertools.combinations(things[:4], 2):
        if large.share >= LARGER * small.share and not alike(large.name) & alike(small.name):
            one, other = rng.sample((large.name, small.name), 2)
            yield f"which is larger, the {one} or the {other}", large.name
