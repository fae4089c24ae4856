"""What photos of one thing each are asked: what it is, in words that suit it, and yes or no."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.labels import alike
from mmgpt_desktop.training.questions import QA, naming

KINDS = {"flowers102": "flower", "caltech101": "thing", "clothing": "garment"}
"""The kind of question that asks for a collection's labels; others' labels have "label"."""
_SPELT = {"lotus lotus": "lotus"}
_NAMES_OF_THEIR_OWN = frozenset(["Garfield", "Snoopy"])
_STUFF = frozenset(["ball moss", "love in the mist", "ginger", "garlic", "cabbage", "asparagus"])
_BRANDS = frozenset(
    ["Alpro", "Arla", "Bravo", "Garant", "God", "Oatly", "Tropicana", "Valio", "Yoggi"]
)
_NO_FLOWERS = frozenset(["caltech101", "clothing", "fashion"])
_MAY_BLOOM = frozenset(["bonsai", "lily", "lotus", "strawberry", "sunflower", "tree", "vase"])
_ASKED_FOR_A_FLOWER = {True: 0.35, False: 0.5}  # where there is one, and where there is none


@dataclass(frozen=True)
class Labelled:
    """A photo's collection, and the name of the one thing on it."""

    collection: str
    name: str


_SECTIONS = {
    "flowers102": "flowers",
    "caltech101": "objects",
    "clothing": "garments",
    "grocery": "groceries",
}


def label_section(collection: str) -> list[str]:
    """Where `names_zh.toml` has the collection's labels."""
    return [_SECTIONS[collection]] if collection in _SECTIONS else []


def label_kind(collection: str) -> str:
    return KINDS.get(collection, "label")


def label_answer(label: str) -> str:
    """With an article where it has one: so its tokens are those of the name that stands beside the
    cells, and can be copied."""
    name = plain_label(label)
    alone = name in _NAMES_OF_THEIR_OWN or name in _STUFF or name.split()[0] in _BRANDS
    return name if alone else naming(name)


def label_view(photo: Labelled) -> str:
    """A description of a photo that nobody described; empty of a shop's."""
    kind = label_kind(photo.collection)
    if kind == "flower":
        return f"A close-up of a flower, {label_answer(photo.name)}."
    return "" if kind == "label" else f"A photo of {label_answer(photo.name)}."


def label_yes_no(photo: Labelled, others: Sequence[str], rng: random.Random) -> list[QA]:
    """As many yes as no: its own name, and one of the `others` of its collection, which may not
    be a name for the same."""
    name = _SPELT.get(photo.name, photo.name)
    wrong = [other for other in others if not _may_be(other, photo.name)]
    if not wrong:
        return []
    denied = rng.choice(wrong)
    return [(is_this(name), "yes"), (is_this(_SPELT.get(denied, denied)), "no")]


def flower_yes_no(photo: Labelled, rng: random.Random) -> list[QA]:
    """Whether there is a flower: of flowers and of other things."""
    blooms = photo.collection == "flowers102"
    if not blooms and (photo.collection not in _NO_FLOWERS or _words(photo.name) & _MAY_BLOOM):
        return []
    asked = rng.random() < _ASKED_FOR_A_FLOWER[blooms]
    return [("is there a flower", "yes" if blooms else "no")] if asked else []


def is_this(name: str) -> str:
    """The question whether it is this: "is this a rose", "are these carrots"."""
    plain = _lower(name)
    if name in _NAMES_OF_THEIR_OWN or name.split()[0] in _BRANDS or plain in _STUFF:
        return f"is this {plain}"
    named = naming(plain)
    return f"are these {plain}" if named.startswith("some ") else f"is this {named}"


def plain_label(label: str) -> str:
    """A label as a name in mid-sentence, without an article."""
    return _lower(_SPELT.get(label, label))


def _lower(name: str) -> str:
    return name if _words(name) & _CAPITALISED or name in _NAMES_OF_THEIR_OWN else name.lower()


_CAPITALISED = frozenset(["Buddha", "Joshua", "Windsor", *_BRANDS])


def _words(name: str) -> frozenset[str]:
    return frozenset(name.replace("-", " ").split())


def _may_be(other: str, name: str) -> bool:
    one, two = _words(other.lower()), _words(name.lower())
    return bool(one & two) or bool(alike(other.lower()) & alike(name.lower()))
