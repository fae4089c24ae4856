"""Questions that boxes answer, and those that they can't."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mmgpt_desktop.training.boxes import (
    BoxedPhoto,
    Known,
    Sighting,
    agrees,
    box_masks,
    box_questions,
    present_names,
    read_boxes,
    scenes_of,
)

EVERYTHING = Counter(["bus", "car", "dog", "train", "fork"])
STREET = ("a man on a bench .", "a man sits outside .", "an old man .")


def thing(name: str, score: float = 0.9, *, x: float = 0.5, size: float = 0.4) -> Sighting:
    return Sighting(name, score, x - size / 2, 0.5 - size / 2, x + size / 2, 0.5 + size / 2)


def asked(scene: BoxedPhoto) -> dict[str, dict[str, str]]:
    """All that may be asked of it, by kind."""
    found: dict[str, dict[str, str]] = {}
    for seed in range(30):
        for kind, pairs in box_questions(scene, EVERYTHING, random.Random(seed)).items():
            found.setdefault(kind, {}).update(pairs)
    return found


def test_people_s_boxes_win(tmp_path: Path) -> None:
    machine = {"a": [["dog", 0.7, 0, 0, 1, 1]], "b": [["cat", 0.4, 0, 0, 1, 0.5]]}
    (tmp_path / "boxes_yolox.json").write_text(json.dumps(machine), encoding="utf-8")
    (tmp_path / "boxes_human.json").write_text('{"a": [["cow", 0, 0, 0.5, 1]]}', encoding="utf-8")
    found = read_boxes(tmp_path)
    assert found["a"] == BoxedPhoto([Sighting("cow", 1.0, 0, 0, 0.5, 1)], by_people=True)
    assert (found["b"].by_people, found["b"].boxes[0].share) == (False, 0.5)
    assert read_boxes(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("boxes", "answer"),
    [
        ([thing("dog")], "1"),
        ([thing("dog"), thing("dog", x=0.2)], "2"),
        ([thing("dog"), thing("dog", 0.4, x=0.2)], None),  # a doubtful one
        ([thing("dog")] * 6, "many"),
        ([thing("dog", size=0.05)] * 6 + [thing("dog", 0.4)], "many"),
        ([thing("dog", size=0.05)], None),  # where there is one so small there may be others
        ([thing("fork")], None),  # the detector misses most
    ],
)
def test_what_is_counted(boxes: Sequence[Sighting], answer: str | None) -> None:
    counted = asked(BoxedPhoto(boxes)).get("count", {})
    assert counted.get(f"how many {boxes[0].name}s are there") == answer


def test_people_count_small_things_too() -> None:
    boxes = [thing("fork", size=0.02), thing("fork", size=0.02, x=0.1)]
    assert asked(BoxedPhoto(boxes, by_people=True))["count"]["how many forks are there"] == "2"


@pytest.mark.parametrize(
    ("count", "captions", "agreed"),
    [
        (2, ["two men walk"], True),
        (1, ["two men walk"], False),
        (3, ["two men walk", "three people walk"], True),
        (3, ["a group of people"], False),
        (6, ["a group of people"], True),
        (1, ["a man walks"], True),
        (2, ["a man walks"], False),
        (2, ["a man and a woman walk"], True),
        (1, ["a dog walks"], False),
    ],
)
def test_a_count_of_people_is_what_captions_say(
    count: int, captions: Sequence[str], agreed: bool
) -> None:
    assert agrees("person", count, captions) is agreed


def test_a_car_that_captions_leave_out_may_be_one_of_many() -> None:
    assert agrees("car", 1, ["a car on a road"])
    assert not agrees("car", 1, ["a man on a road"])
    assert not agrees("car", 1, ["cars on a road"])


def test_a_thing_is_denied_where_captions_and_boxes_agree() -> None:
    scene = BoxedPhoto([thing("boat")], captions=STREET)
    assert scene.is_absent("bus")
    assert not BoxedPhoto([thing("truck", 0.36)], captions=STREET).is_absent("bus")
    assert not BoxedPhoto([], captions=("a man drives .", *STREET)).is_absent("car")
    assert not BoxedPhoto([], captions=STREET[:2]).is_absent("car")  # too few looked
    assert not BoxedPhoto([]).is_absent("car")  # nobody did
    assert not scene.is_absent("fork")  # the detector misses most


def test_a_label_map_denies_what_it_has_a_class_for() -> None:
    scene = BoxedPhoto([], mapped=frozenset(["road", "minibike", "person"]))
    assert scene.is_absent("bus")
    assert scene.is_absent("dog")
    assert not scene.is_absent("motorcycle")
    assert not scene.is_absent("train")  # label maps know none
    assert not BoxedPhoto([], mapped=frozenset(["animal"])).is_absent("dog")


def test_people_s_lists_and_boxes_deny_all_the_rest() -> None:
    assert BoxedPhoto([], listed=["dog"]).is_absent("fork")
    assert not BoxedPhoto([], listed=["truck"]).is_absent("car")
    assert BoxedPhoto([thing("dog")], by_people=True).is_absent("fork")


def test_as_many_things_are_affirmed_as_denied() -> None:
    scene = BoxedPhoto([thing("boat"), thing("cat")], captions=STREET)
    for seed in range(20):
        answers = [a for _, a in box_questions(scene, EVERYTHING, random.Random(seed))["yesno"]]
        assert answers.count("yes") == answers.count("no") > 0
    assert asked(scene)["yesno"]["is there a boat"] == "yes"
    assert asked(scene)["yesno"]["is there a bus"] == "no"
    assert "yesno" not in asked(BoxedPhoto([thing("boat")]))  # nothing can be denied
    assert "yesno" not in asked(BoxedPhoto([thing("boat")], listed=["boat"]))  # the list says it


def test_what_is_absent_counts_none() -> None:
    counted = asked(BoxedPhoto([], captions=STREET))["count"]
    assert counted["how many buses are there"] == "0"
    assert "how many forks are there" not in counted


def test_only_what_is_sure_and_what_a_view_keeps_is_affirmed() -> None:
    assert present_names(BoxedPhoto([thing("car")])) == ["car"]
    assert present_names(BoxedPhoto([thing("car", 0.55)])) == []
    assert present_names(BoxedPhoto([thing("car", x=0.1, size=0.15)])) == []
    assert present_names(BoxedPhoto([thing("car")], mapped=["road"])) == []
    assert present_names(BoxedPhoto([thing("car")], mapped=["van"])) == ["car"]


def test_places_sizes_and_sides_are_of_what_there_is_one_of() -> None:
    dog, ball = thing("dog", x=0.2, size=0.3), thing("sports ball", x=0.8, size=0.15)
    made = asked(BoxedPhoto([dog, ball]))
    assert made["where"]["where in the picture is the dog"] == "on the left"
    assert set(made["bigger"].values()) == {"dog"}
    assert set(made["relation"].values()) == {"left", "right"}
    twice = asked(BoxedPhoto([dog, thing("dog", x=0.7), ball]))
    assert "where in the picture is the dog" not in twice["where"]
    assert not {"bigger", "relation"} & set(twice)
    alike = asked(BoxedPhoto([dog, thing("dog", 0.4), ball]))
    assert "where in the picture is the dog" not in alike["where"]


def test_things_of_like_size_are_not_compared() -> None:
    made = asked(BoxedPhoto([thing("dog", x=0.2, size=0.3), thing("kite", x=0.8, size=0.25)]))
    assert "bigger" not in made
    assert "relation" in made


def test_on_flickr_captions_name_the_animals() -> None:
    boxes = BoxedPhoto([thing("cow"), thing("bear", 0.6), thing("dog", 0.5, x=0.1, size=0.1)])
    image = "images/flickr8k/a.jpg"

    def named(*captions: str) -> list[str]:
        scene = scenes_of({image: boxes}, Known({image: captions}, {}, {}))[image]
        return [box.name for box in scene.boxes]

    assert named("A dog runs.", "Two dogs run.") == ["dog", "dog"]
    assert named("A dog runs after a cat.") == []
    assert named("A man.") == []
    other = scenes_of({"images/coco/a.jpg": boxes}, Known({}, {}, {}))
    assert [box.name for box in other["images/coco/a.jpg"].boxes] == ["cow", "bear", "dog"]


def test_masks_lie_where_the_sure_boxes_do() -> None:
    masks = box_masks(BoxedPhoto([Sighting("dog", 0.8, 0, 0, 0.5, 1), thing("cat", 0.4)]))
    assert set(masks) == {"dog"}
    assert masks["dog"][:, :7].min() == 1
    assert masks["dog"][:, 9:].max() == 0
