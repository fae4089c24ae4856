"""Statements made from captions, and what somebody does to what: none is said to be false that
a caption speaks for."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from mmgpt_desktop.training.chinese_claims import (
    FALSE,
    TRUE,
    Described,
    chinese_claims,
    claims_of_deeds,
)
from mmgpt_desktop.training.claims import Pool, claims, opposed, other_gender
from mmgpt_desktop.training.deeds import (
    by_deed,
    deeds,
    does_questions,
    held_questions,
    is_absent,
)
from mmgpt_desktop.training.questions import QA, WORDS, words_of

MEADOW = (
    "a brown dog is running through the grass .",
    "the dog runs on a green field .",
    "a dog with a red ball in the yard .",
)
BEACH = (
    "a woman is riding a horse on the beach .",
    "the woman wears a white hat .",
    "a lady on a horse near the ocean .",
)
STREET = (
    "a man is carrying a guitar down the street .",
    "the man holds his guitar .",
    "a person walks along a road with a guitar .",
)
POOL = ("a dog is jumping over a boat .", "a wet dog swims .", "a dog in the water .")
PHOTOS = (MEADOW, BEACH, STREET, POOL)
SEEDS = range(60)


def claimed(photo: tuple[str, ...]) -> set[QA]:
    pool = Pool.of(PHOTOS)
    return {pair for seed in SEEDS for pair in claims(photo, pool, random.Random(seed))}


@pytest.mark.parametrize("photo", PHOTOS)
def test_what_people_wrote_is_true_and_is_never_denied(photo: tuple[str, ...]) -> None:
    answers = defaultdict(set)
    for text, answer in claimed(photo):
        answers[text].add(answer)
    own = {f"{caption[:1].upper()}{caption[1:].rstrip(' .')}." for caption in photo}
    assert all(answers[text] == {"yes"} for text in own)
    assert all(len(given) == 1 for given in answers.values())
    told = [
        answer
        for seed in SEEDS
        for _, answer in claims(photo, Pool.of(PHOTOS), random.Random(seed))
    ]
    assert 0.35 < told.count("yes") / len(told) < 0.65


def test_a_false_one_has_a_word_exchanged_or_is_of_another_photo() -> None:
    false = {text for text, answer in claimed(MEADOW) if answer == "no"}
    assert "A white dog is running through the grass." in false
    assert "An elephant with a red ball in the yard." in false  # with its article
    assert any("horse" in text and "woman" in text for text in false)
    assert "The dog is not running through the grass." in false
    assert "The dog is jumping over a boat." in false
    assert "There is no dog." in false
    assert not any("green ball" in text for text in false)  # green is said, if of the field


def test_what_is_not_there_may_be_denied_but_not_what_people_leave_out() -> None:
    true = {text for text, answer in claimed(STREET) if answer == "yes"}
    assert {"There is no beach.", "There is no dog."} <= true
    assert not any("no road" in text or "no man" in text or "no hat" in text for text in true)


@pytest.mark.parametrize(
    ("caption", "absent"),
    [
        ("a man is riding a bike down the street .", "sitting"),  # he does that as well
        ("a dog lies near a swimming pool table .", "street table"),
        ("a child eats a hot dog .", "hot c"),
        ("a boy is eating an apple while running a race .", "sleeping a race"),
    ],
)
def test_what_would_show_without_the_picture_is_not_exchanged(caption: str, absent: str) -> None:
    pool = Pool.of([(caption,)])
    made = {text for seed in SEEDS for text, _ in claims((caption,), pool, random.Random(seed))}
    assert not any(absent in text for text in made)


def test_a_woman_is_denied_where_only_a_man_is_named() -> None:
    assert other_gender("man", words_of(["a man in a hat ."])) == "woman"
    assert other_gender("man", words_of(["a man and his daughters , a girl and a boy ."])) == ""
    assert other_gender("boys", words_of(["two boys among a group of kids ."])) == ""
    assert other_gender("dog", words_of(["a dog ."])) == ""


def test_nobody_rests_and_moves_at_once() -> None:
    assert "sleeping" in opposed("running", {"a", "dog", "running"})
    assert "running" in opposed("sitting", {"sitting"})
    assert "running" in opposed("sits", {"sits"})
    assert not opposed("running", words_of(["a dog runs .", "a dog lies ."]))
    assert not opposed("holding", {"holding"})
    assert not WORDS.moving & WORDS.resting


def test_who_does_what_to_which_thing() -> None:
    assert set(held_questions(MEADOW)) == {
        ("what is the dog running through", "grass"),
        ("what is the dog running on", "field"),
    }
    assert set(held_questions(STREET)) == {
        ("what is the man carrying", "guitar"),
        ("what is the man holding", "guitar"),
        ("what is the person walking along", "road"),
    }
    assert set(held_questions(BEACH)) == {("what is the woman riding", "horse")}


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("a boy in a red shirt is holding a large yellow plastic ball .", "ball"),
        ("a man slides down a steep , snowy hill .", None),
        ("a girl wearing a jacket is running .", "jacket"),
        ("a dog is catching a tennis ball in his mouth .", "tennis ball"),
        ("a man is doing a trick .", None),
        ("a child plays .", None),
    ],
)
def test_a_thing_has_its_plain_name_or_is_left_out(caption: str, found: str | None) -> None:
    assert [deed.thing for deed in deeds([caption])] == ([found] if found else [])


def test_as_much_is_affirmed_as_denied_and_nothing_that_is_there() -> None:
    photos = [*PHOTOS, ("a man is carrying a box up the stairs .", "a man carries a book .")]
    for seed in SEEDS:
        asked = does_questions(STREET, by_deed(photos), random.Random(seed))
        assert ("is the man carrying a guitar", "yes") in asked
        denied = {question for question, answer in asked if answer == "no"}
        assert denied
        assert denied <= {"is the man carrying a box", "is the man carrying a book"}
        assert len(asked) == 2 * len(denied)
    assert not is_absent("dogs", words_of(MEADOW))
    assert not is_absent("lake", words_of(BEACH))  # an ocean may be one
    assert not is_absent("sofa", words_of(["a cat on a couch ."]))
    assert not is_absent("truck", words_of(["a red pickup ."]))
    assert is_absent("tennis racket", words_of(BEACH))


def test_a_thing_keeps_its_article() -> None:
    captions = ["a dog is jumping over the log .", "a man is riding his old elephant ."]
    named = [deed.named for deed in deeds(captions)]
    assert named == ["the log", "an elephant"]


def test_chinese_ones_are_false_by_the_english_captions() -> None:
    photos = [
        Described("meadow", MEADOW, ("一只棕色的狗在草地上奔跑。", "狗在草地上。")),
        Described("beach", BEACH, ("一个女人在海滩上骑马。",)),
        Described("street", STREET, ("一个男人背着吉他走在街道上。", "热狗店旁的马路上。")),
        Described("untold", MEADOW, ()),
    ]
    made = chinese_claims(photos)
    assert set(made) == {"meadow", "beach", "street"}
    for photo in photos[:3]:
        answers = dict(made[photo.image])
        own = set(photo.chinese) & set(answers)
        assert own
        assert all(answers[caption] == TRUE for caption in own)
        assert {TRUE, FALSE} == set(answers.values())
    assert dict(made["meadow"])["图里没有狗。"] == FALSE
    false = [text for text, answer in made["street"] if answer == FALSE]
    assert not any("猫" in text or "狗路" in text for text in false)  # no hot cat, no "dog road"


def test_a_chinese_caption_of_another_photo_is_false_only_by_a_thing_that_it_names() -> None:
    dogs = ("a dog runs on the beach .", "a dog on a beach .", "the dog at the beach .")
    photos = [
        Described("meadow", MEADOW, ("狗在草地上。",)),
        Described("beach", dogs, ("一只狗在奔跑。", "海滩上的狗。")),
    ]
    false = {text for text, answer in chinese_claims(photos)["meadow"] if answer == FALSE}
    assert "一只狗在奔跑。" not in false


def test_what_somebody_does_is_stated_in_chinese() -> None:
    asked = [("男人拿着球吗", "是"), ("狗跳过围栏吗", "不是")]
    assert claims_of_deeds(asked) == [("男人拿着球。", TRUE), ("狗跳过围栏。", FALSE)]
