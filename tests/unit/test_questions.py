"""Questions made from captions and label maps: each answer follows from its source."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.training.labels import (
    LabelMaps,
    Region,
    label_questions,
    position,
    presence_questions,
    relation_questions,
    share_questions,
)
from mmgpt_desktop.training.questions import (
    WORDS,
    action_questions,
    animal_questions,
    caption_questions,
    colour_questions,
    count_questions,
    either_questions,
    indoor_questions,
    naming,
    person_questions,
    place_questions,
    plain_place,
    who_questions,
    yes_no_questions,
)


@pytest.mark.parametrize(
    ("caption", "question", "answer"),
    [
        ("a boy in a red shirt", "what color is the shirt", "red"),
        ("a black and white dog runs", "what color is the dog", "black and white"),
        ("a man in a blue t shirt", "what color is the t shirt", "blue"),
        ("two brown dogs", "what color are the dogs", "brown"),
        ("a grey cat", "what color is the cat", "gray"),
    ],
)
def test_colours(caption: str, question: str, answer: str) -> None:
    assert (question, answer) in set(colour_questions([caption]))


def test_a_colour_that_names_no_thing_asks_nothing() -> None:
    assert list(colour_questions(["a man in red and a black cat coat"])) == []


def test_counts() -> None:
    assert ("how many dogs are there", "3") in set(count_questions(["three brown dogs run ."]))
    alone = ["a dog runs .", "a dog jumps .", "the brown dog plays ."]
    assert ("how many dogs are there", "1") in set(count_questions(alone))
    assert list(count_questions([*alone, "two dogs ."])) == [("how many dogs are there", "2")]


def test_actions_stop_at_the_clause() -> None:
    captions = ["a man is riding a bike down a street while a dog watches ."]
    assert list(action_questions(captions)) == [
        ("what is the man doing", "riding a bike down a street")
    ]
    assert list(action_questions(["the girl wearing a red hat , sits ."])) == [
        ("what is the girl wearing", "a red hat")
    ]
    assert list(action_questions(["a man wearing a blue shirt is holding a football ."])) == [
        ("what is the man wearing", "a blue shirt")
    ]
    assert list(action_questions(["a man building a wall ."])) == []


def test_places_and_animals() -> None:
    captions = ["a dog runs on the sandy beach .", "a dog plays ."]
    assert list(place_questions(captions)) == [("where is the dog", "on the sandy beach")]
    assert ("what animal is this", "dog") in set(animal_questions(captions))
    assert list(animal_questions(["a dog .", "a man .", "a boy ."])) == []


def test_yes_and_no_are_balanced_and_never_deny_what_is_implied() -> None:
    captions = ["a surfer rides a wave in the ocean .", "a man on a surfboard ."]
    everything = ["water", "beach", "woman", "boy", "dog", "car", "tree", "horse"] * 3
    pairs = [p for p in yes_no_questions(captions, everything, random.Random(0)) if "there" in p[0]]
    answers = [answer for _, answer in pairs]
    assert answers.count("yes") == answers.count("no") > 0
    denied = {question.split()[-1] for question, answer in pairs if answer == "no"}
    assert denied <= {"dog", "car", "tree", "horse"}


def test_a_thing_is_denied_as_often_as_others_name_it() -> None:
    captions = ["a car ."]
    everything = ["dog"] * 90 + ["tent"] * 10
    pairs = [
        pair
        for seed in range(200)
        for pair in yes_no_questions(captions, everything, random.Random(seed))
    ]
    assert pairs.count(("is there a dog", "no")) > 5 * pairs.count(("is there a tent", "no"))


def test_nothing_is_asked_where_nothing_can_be_denied() -> None:
    assert list(yes_no_questions(["a dog runs ."], ["dog"], random.Random(0))) == []


def test_who_is_there() -> None:
    captions = ["two young men stand .", "a dog and a little girl .", "people cheer .", "a dog ."]
    asked, said = zip(*who_questions(captions), strict=True)
    assert set(asked) == {"who is in the picture"}
    assert said == ("two men", "a girl", "some people")


@pytest.mark.parametrize(
    ("captions", "who", "person"),
    [
        (["a dog runs .", "a brown dog .", "the dog is wet ."], ["a dog"], "no"),
        (["a red car .", "a car skids .", "a race ."], ["nobody"], "no"),
        (["a red car .", "a car skids .", "the drivers race ."], [], None),
        (["a red car .", "a car skids ."], [], None),  # two may have left somebody out
    ],
)
def test_nobody_is_there_where_nobody_names_one(
    captions: list[str], who: list[str], person: str | None
) -> None:
    assert [answer for _, answer in who_questions(captions)] == who
    asked = dict(person_questions(captions, random.Random(0)))
    assert asked == ({"is there a person": person} if person else {})


def test_people_are_asked_for_now_and_then() -> None:
    captions = ["a man runs .", "a runner .", "he runs ."]
    found = [dict(person_questions(captions, random.Random(seed))) for seed in range(200)]
    assert {tuple(pairs.values()) for pairs in found} == {(), ("yes",)}
    assert 30 < sum(map(bool, found)) < 90


def test_one_of_two_things_and_one_of_two_colours() -> None:
    pairs = dict(either_questions(["a red ball ."], ["dog", "snow"] * 5, random.Random(0)))
    thing, colour = pairs
    assert pairs[thing] == "ball"
    assert thing.startswith("is it ")
    assert ("a dog" in thing) != ("snow" in thing)
    assert pairs[colour] == "red"
    assert colour.startswith("is the ball ")
    assert colour.count("red") == 1


@pytest.mark.parametrize(
    ("named", "answers"),
    [
        (["sky", "dog"], ["outdoors", "no", "yes"]),
        (["ceiling"], ["indoors", "yes", "no"]),
        (["sky", "floor"], []),
        ([], []),
    ],
)
def test_indoors_or_outdoors(named: list[str], answers: list[str]) -> None:
    assert [answer for _, answer in indoor_questions(named)] == answers


def test_made_questions_are_the_same_every_time() -> None:
    captions = ["a man in a red hat is riding a bike .", "a man on the street ."]
    first = caption_questions(captions, ["dog", "tree"], random.Random(3))
    assert first == caption_questions(captions, ["dog", "tree"], random.Random(3))
    assert {"colour", "action", "place", "yesno"} <= set(first)


def test_the_vocabulary_has_no_word_in_two_roles_that_clash() -> None:
    assert set(WORDS.related) <= set(WORDS.things)
    assert WORDS.people <= set(WORDS.actors) | {"people"}


def region(name: str, share: float, x: float, y: float) -> Region:
    return Region(name, share, x, y, np.zeros((16, 16), np.float16))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.1, 0.5, "on the left"),
        (0.9, 0.5, "on the right"),
        (0.5, 0.1, "at the top"),
        (0.9, 0.9, "at the bottom right"),
        (0.5, 0.5, "in the middle"),
        (1.0, 1.0, "at the bottom right"),
    ],
)
def test_positions(x: float, y: float, expected: str) -> None:
    assert position(region("cat", 0.1, x, y)) == expected


def test_regions_of_a_label_map(tmp_path: Path) -> None:
    classes = np.zeros((40, 80), np.uint8)
    classes[:, :20] = 2
    classes[:2, 70:72] = 3  # too small to be asked about
    (tmp_path / "labels" / "x").mkdir(parents=True)
    Image.fromarray(classes).save(tmp_path / "labels" / "x" / "map.png")
    table = "Idx\tRatio\tTrain\tVal\tName\n2\t0\t0\t0\tcat, feline\n3\t0\t0\t0\tfly\n"
    (tmp_path / "labels" / "ade20k_objects.txt").write_text(table, encoding="utf-8")
    maps, image = LabelMaps(tmp_path), "images/x/map.jpg"
    found = maps.regions(image)
    assert maps.present(image) == {"cat", "fly"}
    assert [(r.name, r.share) for r in found] == [("cat", 0.25)]
    assert position(found[0]) == "on the left"
    assert found[0].cells.shape == (16, 16)
    assert (found[0].cells[:, :4] == 1).all()
    assert (found[0].cells[:, 4:] == 0).all()


def test_label_questions_deny_what_is_not_there() -> None:
    found = [region("sky", 0.5, 0.5, 0.2), region("cat", 0.2, 0.1, 0.5)]
    made = label_questions(found, ["sky", "cat", "dog"], ["dog", "cat", "owl"], random.Random(0))
    assert {answer for question, answer in made["yesno"] if "owl" in question} == {"no"}
    assert not any("dog" in question for question, _ in made["yesno"])  # there, but too small
    assert made["inside"][0] == ("is this indoors or outdoors", "outdoors")
    assert made["who"] == [("who is in the picture", "nobody")]
    assert made["share"] == [
        ("how much of the picture is sky", "about half"),
        ("how much of the picture is cat", "about a quarter"),
    ]
    assert made["side"] == [("what is on the left side of the picture", "cat")]
    assert made["largest"] == [("what fills most of the picture", "sky")]
    assert made["objects"][0][1] == "sky, cat"
    answers = dict(presence_questions(["cat"], ["owl", "cat"], random.Random(0)))
    assert answers == {"is there a cat": "yes", "is there an owl": "no"}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.02, "very little of it"),
        (0.05, ""),
        (0.1, "about a tenth"),
        (0.25, "about a quarter"),
        (0.35, ""),
        (0.5, "about half"),
        (0.6, ""),
        (0.9, "most of it"),
    ],
)
def test_how_much_is_asked_where_the_words_are_clear(share: float, words: str) -> None:
    pairs = dict(share_questions([region("sky", share, 0.5, 0.5)]))
    assert pairs == ({"how much of the picture is sky": words} if words else {})


def test_on_which_side_of_another_a_thing_is() -> None:
    lamp, bed, cat = (
        region("lamp", 0.1, 0.5, 0.1),
        region("bed", 0.3, 0.5, 0.8),
        region("cat", 0.1, 0.05, 0.75),
    )
    sides = {
        ("lamp", "bed"): "above",
        ("bed", "lamp"): "below",
        ("cat", "bed"): "left",
        ("bed", "cat"): "right",
    }
    asked = set()
    for seed in range(40):
        for question, answer in relation_questions([lamp, bed, cat], random.Random(seed)):
            one, other = (word for word in question.split() if word in {"lamp", "bed", "cat"})
            asked.add((one, other))
            if (one, other) in sides:
                assert sides[one, other] == answer
            assert f" {answer} " in question
    assert set(sides) < asked
    near = region("bed", 0.3, 0.6, 0.2)  # beside the lamp, but hardly
    assert list(relation_questions([lamp, near], random.Random(0))) == []
    chair, stool = region("chair", 0.1, 0.1, 0.5), region("stool", 0.1, 0.9, 0.5)
    assert list(relation_questions([chair, stool], random.Random(0))) == []  # one or the other?


def test_people_in_a_label_map() -> None:
    def who(share: float, present: list[str]) -> list[str]:
        found = [region("person", share, 0.5, 0.5)] if share else []
        made = label_questions(found, present, ["owl"], random.Random(0))
        return [answer for _, answer in made.get("who", ())]

    assert who(0.1, ["person"]) == ["people"]
    assert who(0, ["person"]) == []  # there, but too small
    assert who(0, ["cat"]) == ["nobody"]


def test_what_may_be_the_same_thing_is_not_denied() -> None:
    everything = ["armchair", "coffee table", "desk", "owl"]
    denied = dict(presence_questions(["swivel chair", "table"], everything, random.Random(0)))
    assert {question for question, answer in denied.items() if answer == "no"} == {
        "is there an owl"
    }


@pytest.mark.parametrize(
    ("scene", "named"),
    [("hangar outdoor", "a hangar"), ("indoor pool", "an indoor pool"), ("water", "some water")],
)
def test_places_and_what_is_not_counted(scene: str, named: str) -> None:
    assert naming(plain_place(scene)) == named
