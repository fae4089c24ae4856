"""The names of the encoder's classes, and what is asked about them."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from mmgpt_desktop.training.features import FeatureStore, Guesses
from mmgpt_desktop.training.imagenet_names import (
    ANIMALS,
    DOGS,
    add_names,
    class_names,
    name_tokens,
)
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.questions import naming

BEAGLE, TENCH, BEER_BOTTLE = 162, 0, 440


def test_there_is_an_everyday_name_for_each_class() -> None:
    names = class_names()
    assert len(names) == 1000
    assert all(name and name == name.strip() and "_" not in name for name in names)
    assert names[BEAGLE] == "beagle dog"
    assert BEAGLE in DOGS
    assert names[BEER_BOTTLE] == "beer bottle"
    assert BEER_BOTTLE not in ANIMALS


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("beagle dog", "a beagle dog"),
        ("owl", "an owl"),
        ("scissors", "some scissors"),
        ("bus", "a bus"),
        ("dress", "a dress"),
    ],
)
def test_an_answer_names_with_an_article(name: str, answer: str) -> None:
    assert naming(name) == answer


def test_names_are_padded_or_cut() -> None:
    words = sorted({word for name in class_names() for word in name.split()})
    tokenizer = Tokenizer(models.WordLevel({"?": 9} | {w: 10 + i for i, w in enumerate(words)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    table = name_tokens(tokenizer, 2)
    assert table.shape == (1000, 2)
    assert table[TENCH].tolist() == [10 + words.index("tench"), 0]
    assert table[BEER_BOTTLE].tolist() == [10 + words.index(w) for w in ("beer", "bottle")]
    assert (name_tokens(tokenizer, 1)[BEER_BOTTLE] == table[BEER_BOTTLE, :1]).all()


def seen_as(number: int, probability: float, image: str = "images/coco/a.jpg") -> PhotoTexts:
    """A photo that the encoder takes for this class, in its top left quarter."""
    place = np.zeros((1, 8, 8), np.float16)
    place[0, :4, :4] = 1
    none = np.zeros((1, 1, 1), np.float16)
    guesses = Guesses(np.array([number], np.int16), np.array([probability], np.float16), place)
    photo = PhotoTexts(image)
    add_names([photo], FeatureStore((none, none), None, {image: 0}, guesses))
    return photo


def test_a_sure_guess_is_asked_about_and_has_its_place() -> None:
    photo = seen_as(BEAGLE, 0.9)
    answers = {answer for _, answer in photo.pairs["name"]}
    questions = {question for question, _ in photo.pairs["name"]}
    assert answers == {"a beagle dog"}
    assert "What breed is this dog?" in questions
    assert photo.masks["beagle dog"].shape == (16, 16)
    assert photo.masks["beagle dog"][:8, :8].all()
    assert photo.masks["beagle dog"].sum() == 64


@pytest.mark.parametrize(
    "photo",
    [seen_as(BEAGLE, 0.3), seen_as(BEAGLE, 0.9, "images/grocery/a.jpg")],
    ids=["unsure", "labelled"],
)
def test_nothing_is_asked_where_the_guess_is_unsure_or_not_needed(photo: PhotoTexts) -> None:
    assert not photo.pairs
    assert not photo.masks


def test_a_thing_is_not_asked_about_beside_people() -> None:
    place = np.ones((1, 8, 8), np.float16)
    guesses = Guesses(np.array([BEER_BOTTLE]), np.array([0.9], np.float16), place)
    photo = PhotoTexts("images/coco/a.jpg")
    photo.pairs["caption"].append(("", "A man drinks"))
    none = np.zeros((1, 1, 1), np.float16)
    add_names([photo], FeatureStore((none, none), None, {photo.image: 0}, guesses))
    assert "name" not in photo.pairs
