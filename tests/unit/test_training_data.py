"""Photos' texts, and how they become rows of tokens."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training.data import (
    ASSISTANT_ID,
    END_ID,
    PAD_ID,
    USER_ID,
    Packer,
    PhotoTexts,
    VisitDataset,
    collate,
    load_texts,
    sentence,
)
from mmgpt_desktop.training.features import FeatureStore

ROWS = [
    ("images/flickr8k/a.jpg", "caption", "", "a black dog runs .", "train"),
    ("images/flickr8k/a.jpg", "caption", "", "a dog on the beach", "train"),
    ("images/flickr8k/b.jpg", "caption", "", "a man .", "test"),
    ("images/ade20k/c.jpg", "scene", "", "living_room", "train"),
    ("images/ade20k/d.jpg", "scene", "", "misc", "train"),
    ("images/fashion/e.jpg", "title", "", "Puma Men Black Shoes", "train"),
    ("images/coco/f.jpg", "objects", "", ["dog", "car"], "train"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    keys = ("image", "kind", "question", "answer", "split")
    lines = [json.dumps(dict(zip(keys, row, strict=True))) for row in ROWS]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_only_the_wanted_split_is_read(data: Path) -> None:
    photos = {photo.image: photo for photo in load_texts(data, ["train"])}
    assert set(photos) == {r[0] for r in ROWS if r[4] == "train" and r[3] != "misc"}


def test_texts_of_each_kind(data: Path) -> None:
    photos = {photo.collection: photo.pairs for photo in load_texts(data, ["train"])}
    assert ("", "A black dog runs.") in photos["flickr8k"]["caption"]
    assert ("what color is the dog", "black") in photos["flickr8k"]["colour"]
    assert photos["ade20k"]["scene"] == [("", "living room")]
    assert photos["fashion"]["wearer"] == [("who is it for", "men")]
    assert photos["fashion"]["item"] == [("what kind of item is this", "black shoes")]
    assert photos["coco"]["objects"] == [("", "dog, car")]
    assert ("is there a dog", "yes") in photos["coco"]["yesno"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a dog .", "A dog."),
        ("  two  men , one", "Two men, one."),
        ("the man 's hat", "The man's hat."),
    ],
)
def test_captions_become_prose(raw: str, clean: str) -> None:
    assert sentence(raw) == clean


def encode(text: str) -> list[int]:
    return [10 + len(word) for word in text.split()]


def test_a_row_is_full_and_labels_stand_at_answers_alone() -> None:
    packer = Packer(encode, 32)
    row = packer.row(lambda: ("what is it", "a dog"), random.Random(1))
    ids, labels, segments = row["input_ids"], row["labels"], row["segments"]
    assert len(ids) == len(labels) == len(segments) == 32
    turn = [USER_ID, *encode("what is it"), ASSISTANT_ID, *encode("a dog"), END_ID]
    assert ids[: len(turn)] == turn
    assert labels[: len(turn)] == [IGNORED] * 5 + turn[5:]
    padding = [place for place, token in enumerate(ids) if token == PAD_ID]
    assert all(labels[place] == IGNORED and segments[place] == 0 for place in padding)
    assert ids.count(USER_ID) == 4  # as many turns as fit
    assert segments[0] == 1
    assert max(segments) > 1


def test_a_text_longer_than_a_row_is_left_out() -> None:
    texts = iter([("q", "long " * 50), *[("q", "yes")] * 20])
    row = Packer(encode, 16).row(lambda: next(texts), random.Random(0))
    assert USER_ID in row["input_ids"]
    assert len(row["input_ids"]) == 16


def store(images: list[str]) -> FeatureStore:
    count = len(images)
    fine = np.arange(count, dtype=np.float16).reshape(-1, 1, 1) * np.ones((1, 4, 3), np.float16)
    return FeatureStore(fine, fine[:, :1], {image: row for row, image in enumerate(images)})


def visits(photos: list[PhotoTexts], number: int, seed: int = 0) -> VisitDataset:
    tokenizer = Tokenizer(models.WordLevel({"<|pad|>": 0, "yes": 7}, unk_token="<|pad|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return VisitDataset(
        photos,
        store([photo.image for photo in photos]),
        tokenizer,
        visits=number,
        rows=2,
        length=16,
        seed=seed,
    )


def test_visits_follow_from_the_seed_and_weigh_the_collections() -> None:
    photos = [PhotoTexts(f"images/{c}/{i}.jpg") for c in ("daquar", "grocery") for i in range(40)]
    for photo in photos:
        photo.pairs["vqa"].append(("is it", "yes"))
    first, again = visits(photos, 400), visits(photos, 400)
    assert first.order == again.order != visits(photos, 400, seed=1).order
    shown = [photos[place].collection for place in first.order]
    assert 2.5 < shown.count("daquar") / shown.count("grocery") < 6
    assert first[3]["rows"] == again[3]["rows"]
    longer = visits(photos, 800)
    assert longer.order[:400] == first.order  # a longer run begins as a shorter one


def test_a_batch_has_rows_of_text_for_each_picture() -> None:
    photo = PhotoTexts("images/coco/a.jpg")
    photo.pairs["vqa"].append(("is it", "yes"))
    dataset = visits([photo], 3)
    batch = collate([dataset[i] for i in range(3)])
    assert batch["input_ids"].shape == batch["labels"].shape == (6, 16)
    assert batch["fine"].shape == (3, 4, 3)
    assert batch["fine"].dtype == torch.float32
    assert batch["has_image"].shape == (3,)
