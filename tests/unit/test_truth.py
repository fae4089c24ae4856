"""Descriptions beside label maps."""

from __future__ import annotations

import pytest

from mmgpt_desktop.training.truth import Mapped, Truth, names_in, told_apart

BEDROOM = Mapped(["bed", "coffee table"], frozenset(["bed", "coffee table", "wall"]), "bedroom")
STREET = Mapped(["car", "person"], frozenset(["car", "person", "road"]), "street")


def truth() -> Truth:
    others = {f"o{n}": Mapped(["car"], frozenset(["car", "wall", "bed"])) for n in range(8)}
    return Truth({"bedroom": BEDROOM, "street": STREET, **others})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a pool table and two beds", {"pool table", "bed"}),
        ("two men with a table", {"man", "table"}),
        ("glass", set()),
        ("", set()),
    ],
)
def test_longer_names_come_before_shorter_ones(text: str, named: set[str]) -> None:
    names = frozenset(["pool table", "pool", "table", "bed", "man"])
    assert names_in(text.split(), names) == named


def test_other_names_for_the_same_are_right_and_the_place_is_neither() -> None:
    assert told_apart(["man", "truck", "dog", "street"], STREET) == (
        {"person", "car", "road"},
        {"dog"},
    )
    assert told_apart(["table", "lamp"], BEDROOM) == ({"coffee table"}, {"lamp"})
    assert told_apart(["cat", "horse"], Mapped([], frozenset(["cat"]))) == ({"cat"}, {"horse"})
    beach = Mapped([], frozenset(["sea"]), "beach")
    assert told_apart(["beach"], beach) == (set(), set())


def test_what_is_right_and_complete_scores_most() -> None:
    scores = [
        truth().score("bedroom", text.split())
        for text in (
            "a man with a dog",
            "a dog on a bed",
            "a bed",
            "a bedroom with a bed",
            "a bedroom with a bed and a coffee table",
        )
    ]
    assert scores == sorted(scores)
    assert (scores[0], scores[-1]) == (0, 1)
    assert len(set(scores)) == len(scores)
    repeated = "a bedroom with a bed and a bed and a bed"
    assert truth().score("bedroom", repeated.split()) == scores[3]


def test_what_nearly_every_photo_has_says_little() -> None:
    rare, usual = (truth().score("street", ["a", thing]) for thing in ("person", "car"))
    assert rare > usual > 0
