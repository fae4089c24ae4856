"""Photos' texts, and how they become rows of tokens."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from mmgpt_desktop.model.configuration import FUSIONS, MMGPTConfig
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.mixture import Chances, Mixture
from mmgpt_desktop.training.photo_texts import (
    PhotoTexts,
    in_english,
    load_texts,
    split_of,
    with_weight,
)
from mmgpt_desktop.training.photo_views import unspoiled, view_of
from mmgpt_desktop.training.questions import QA, mirrored, naming, sentence
from mmgpt_desktop.training.rows import (
    ASSISTANT_ID,
    END_ID,
    PAD_ID,
    USER_ID,
    Collator,
    Packer,
    SampleDataset,
)
from mmgpt_desktop.training.tokenizer import train_on
from mmgpt_desktop.training.wordings import NO_PICTURE

ROWS = [
    ("images/flickr8k/a.jpg", "caption", "", "a black dog runs .", "train"),
    ("images/flickr8k/a.jpg", "caption", "", "a dog on the beach", "train"),
    ("images/flickr8k/b.jpg", "caption", "", "a man .", "test"),
    ("images/ade20k/c.jpg", "scene", "", "living_room", "train"),
    ("images/ade20k/d.jpg", "scene", "", "misc", "train"),
    ("images/fashion/e.jpg", "title", "", "Puma Men Black Shoes", "train"),
    ("images/coco/m.jpg", "objects", "", ["dog", "car"], "train"),
    ("images/pascal_sent/z.jpg", "caption-zh", "", "一只 狗在跑", "train"),
    ("images/flowers102/g.jpg", "label", "", "lotus lotus", "train"),
    ("images/flowers102/h.jpg", "label", "", "rose", "train"),
    ("images/caltech101/i.jpg", "label", "", "Garfield", "train"),
    ("images/caltech101/j.jpg", "label", "", "ibis", "train"),
    ("images/grocery/k.jpg", "label", "", "Yellow Onion", "train"),
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


def test_a_part_of_the_training_photos_is_kept_for_dev() -> None:
    rows = [{"image": f"images/daquar/{i}.jpg", "split": "train"} for i in range(4000)]
    splits = [split_of(row) for row in rows]
    assert 60 < splits.count("dev") < 140
    assert split_of({"image": "images/coco/1.jpg", "split": "test"}) == "test"


def test_more_of_coco_is_kept_back_and_none_of_it_went_to_training_again() -> None:
    rows = [{"image": f"images/coco/{i}.jpg", "split": "train"} for i in range(4000)]
    kept = {row["image"] for row in rows if split_of(row) == "dev"}
    assert 400 < len(kept) < 600
    fortieth = {row["image"] for row in rows if zlib.crc32(row["image"].encode()) % 40 == 0}
    assert fortieth
    assert fortieth < kept


def test_a_label_is_asked_for_as_what_it_is(data: Path) -> None:
    photos = {photo.image[-5]: photo.pairs for photo in load_texts(data, ["train"])}
    assert photos["g"]["flower"] == [("", "a lotus")]
    assert photos["i"]["thing"] == [("", "Garfield")]
    assert photos["j"]["thing"] == [("", "an ibis")]
    assert photos["k"]["label"] == [("", "a yellow onion")]
    assert photos["h"]["yesno"][:2] == [("is this a rose", "yes"), ("is this a lotus", "no")]
    assert ("", "A close-up of a flower, a rose.") in photos["h"]["view"]
    assert ("", "A photo of an ibis.") in photos["j"]["view"]


def test_what_has_no_weight_is_never_drawn(data: Path) -> None:
    weights = {"caption": 1.0, "caption-zh": 0.0, "scene": 2.0}
    photos = with_weight(load_texts(data, ["train"]), weights)
    assert [photo.image[-5] for photo in photos] == ["c", "a"]
    photo = PhotoTexts("a/b/c", {"caption": [("", "A.")], "caption-zh": [("", "一。")]})
    assert {photo.draw({"caption": 1.0}, random.Random(n))[1] for n in range(40)} == {"A."}


def test_chinese_is_left_out_of_english_texts(data: Path) -> None:
    photos = {photo.image[-5]: photo for photo in load_texts(data, ["train"])}
    assert photos["z"].pairs["caption-zh"] == [("", "一只狗在跑。")]
    assert "z" not in {photo.image[-5] for photo in in_english(photos.values())}


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


def tokenizer() -> Tokenizer:
    """Words to numbers from 10 on; offsets as a byte-level BPE has them, blank included."""
    lines = ["is it a red fire truck left of the right dog yes what no", NO_PICTURE]
    return train_on(lines * 9, 420)


def questions(answer: str) -> Callable[[], QA]:
    """Different questions of three words, in turn."""
    asked = itertools.permutations(["what", "is", "it", "the"], 3)
    return lambda: (" ".join(next(asked)), answer)


def encode(text: str) -> list[int]:
    return list(tokenizer().encode(text).ids)


def test_a_row_is_full_and_labels_stand_at_answers_alone() -> None:
    row = Packer(tokenizer(), 32).row(questions("a dog"), random.Random(1))
    assert len(row.ids) == len(row.labels) == len(row.segments) == 32
    asked = [USER_ID, *encode("what is it"), ASSISTANT_ID]
    answered = [*encode("a dog"), END_ID]
    turn = len(asked + answered)
    assert row.ids[:turn] == asked + answered
    assert row.labels[:turn] == [IGNORED] * len(asked) + answered
    padding = [place for place, token in enumerate(row.ids) if token == PAD_ID]
    assert all(row.labels[place] == IGNORED and row.segments[place] == 0 for place in padding)
    assert row.ids.count(USER_ID) == 32 // turn  # as many turns as fit
    assert row.segments[0] == 1
    assert max(row.segments) > 1


def test_a_row_says_nothing_twice() -> None:
    row = Packer(tokenizer(), 32).row(lambda: ("what is it", "a dog"), random.Random(1))
    assert row.ids.count(USER_ID) == 1


def test_a_short_answer_weighs_more_a_token_and_less_in_all() -> None:
    packer = Packer(tokenizer(), 32)
    short, long = packer.turn("is it", "no"), packer.turn("what is it", "a red fire truck")
    assert [weight > 0 for weight in long.weights] == [label != IGNORED for label in long.labels]
    assert short.weights[-1] > long.weights[-1] > 0
    assert sum(short.weights) < sum(long.weights)


def test_a_text_longer_than_a_row_is_left_out() -> None:
    texts = iter([("q", "long " * 50), *[("q", "yes")] * 20])
    row = Packer(tokenizer(), 16).row(lambda: next(texts), random.Random(0))
    assert USER_ID in row.ids
    assert len(row.ids) == 16


def test_all_tokens_of_a_name_are_pointed_at_by_the_tokens_before() -> None:
    turn = Packer(tokenizer(), 64).turn("what is it", "a red fire truck", ["fire truck", "dog"])
    named = tokenizer().encode(" fire truck").ids
    pointed = [place for place, name in turn.pointed if name == "fire truck"]
    assert [turn.ids[place + 1] for place in pointed] == named
    assert [turn.labels[place + 1] for place in pointed] == named
    assert {name for _, name in turn.pointed} == {"fire truck"}


def test_an_answer_about_a_named_thing_points_as_it_begins() -> None:
    packer = Packer(tokenizer(), 64)
    turn = packer.turn("what is the dog", "yes", ["dog"])
    assert [turn.ids[place] for place, _ in turn.pointed] == [ASSISTANT_ID]
    assert packer.turn("is it a dog", "no", ["dog"]).pointed == []
    assert packer.turn("is it a dogma", "yes", ["dog"]).pointed == []  # no word of its own


def test_pointing_goes_with_its_turn() -> None:
    packer = Packer(tokenizer(), 64)
    row = packer.row(questions("a dog"), random.Random(0), ["dog"])
    assert len(row.pointed) > 1
    assert all(row.ids[place + 1] == encode(" dog")[0] for place, _ in row.pointed)


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("at the top left", "at the top right"),
        ("Left of the right dog", "Right of the left dog"),
        ("a bright light is leftover", "a bright light is leftover"),
    ],
)
def test_a_mirrored_picture_has_its_sides_swapped(text: str, turned: str) -> None:
    assert mirrored(text) == turned
    assert mirrored(turned) == text


MIXTURE = Mixture(
    Chances(mirrored=0.5, names_hidden=0.2, drilled=0.0, no_picture=0.1),
    fusions=dict.fromkeys(FUSIONS, 1.0),
    collections={"daquar": 2.0, "grocery": 0.5},
    kinds={"vqa": 1.0},
)


def store(images: list[str]) -> FeatureStore:
    """Cells that hold the photo's number, negative in the mirror images."""
    count = len(images)
    number = np.arange(1, count + 1, dtype=np.float16).reshape(-1, 1, 1)
    fine, coarse = np.ones((1, 256, 3), np.float16), np.ones((1, 64, 5), np.float16)
    index = {image: row for row, image in enumerate(images)}
    return FeatureStore((number * fine, number * coarse), (-number * fine, -number * coarse), index)


def samples(
    photos: list[PhotoTexts], number: int, seed: int = 0, mixture: Mixture = MIXTURE
) -> SampleDataset:
    return SampleDataset(
        photos,
        store([photo.image for photo in photos]),
        tokenizer(),
        mixture,
        samples=number,
        length=24,
        seed=seed,
    )


def photo_of(image: str, question: str = "is it", answer: str = "yes") -> PhotoTexts:
    photo = PhotoTexts(image)
    photo.pairs["vqa"].append((question, answer))
    return photo


def test_visits_follow_from_the_seed_and_weigh_the_collections() -> None:
    photos = [photo_of(f"images/{c}/{i}.jpg") for c in ("daquar", "grocery") for i in range(40)]
    first, again = samples(photos, 400), samples(photos, 400)
    assert first.order == again.order != samples(photos, 400, seed=1).order
    shown = [photos[place].collection for place in first.order]
    assert 2.5 < shown.count("daquar") / shown.count("grocery") < 6
    assert first[3].row == again[3].row
    longer = samples(photos, 800)
    assert longer.order[:400] == first.order  # a longer run begins as a shorter one
    assert longer[7].row == first[7].row


def test_a_step_has_one_fusion_and_all_fusions_come() -> None:
    dataset = samples([photo_of("images/coco/a.jpg")], 200)
    shares = {"concat": 1.0, "graph": 3.0}
    collate = Collator(MMGPTConfig(), shares, seed=5)
    fusions = [collate([dataset[sample]])["fusion"] for sample in range(200)]
    assert set(fusions) == set(shares)
    assert fusions.count("graph") > 2 * fusions.count("concat")
    again = Collator(MMGPTConfig(), shares, seed=5)
    assert fusions == [again([dataset[sample]])["fusion"] for sample in range(200)]


def test_a_mirrored_visit_has_mirrored_cells_texts_and_masks() -> None:
    photo = photo_of("images/coco/a.jpg", "what is left of the dog", "left")
    photo.masks["dog"] = np.zeros((16, 16), np.float16)
    photo.masks["dog"][:, 0] = 1
    dataset = samples([photo], 40)
    for sample in map(dataset.__getitem__, range(40)):
        if not sample.has_image:
            assert encode(NO_PICTURE)[0] in sample.row.labels
            assert sample.masks == []
            continue
        flipped = sample.fine[0, 0] < 0
        written = set(sample.row.labels)
        assert (encode("right")[0] in written) == flipped
        assert (encode("left")[0] in written) != flipped
        for mask in sample.masks:
            assert mask.reshape(16, 16)[:, 15 if flipped else 0].all()
            assert mask.sum() == 16


def test_a_visit_to_a_view_asks_nothing_that_the_view_may_spoil() -> None:
    photo = photo_of("images/coco/a.jpg", "what is beside the dog", "left")
    photo.pairs["where"].append(("where is the dog", "above"))
    photo.masks["dog"] = np.ones((16, 16), np.float16)
    mixture = replace(
        MIXTURE,
        shares=replace(MIXTURE.shares, no_picture=0.0, varied=0.5),
        kinds={"vqa": 1.0, "where": 1.0},
    )
    dataset = samples([photo], 60, mixture=mixture)
    plain = dataset.features
    dataset.features = replace(plain, views=[(100 * plain.plain[0], 100 * plain.plain[1])] * 8)
    turned = {view_of(photo.image, view).mirrored for view in range(8)}
    assert turned == {True, False}
    varied = 0
    for sample in map(dataset.__getitem__, range(60)):
        written = set(sample.row.labels)
        if sample.fine[0, 0] != 100:
            assert sample.masks
            continue
        varied += 1
        assert sample.masks == []
        assert encode("above")[0] not in written
        assert encode("left")[0] in written or encode("right")[0] in written
    assert 15 < varied < 45


def test_a_photo_of_spoiled_kinds_alone_keeps_them() -> None:
    where, what = [("where is the dog", "above")], [("what is it", "a dog")]
    assert unspoiled({"where": where}) == {"where": where}
    assert unspoiled({"where": where, "vqa": what}) == {"vqa": what}


def test_a_view_keeps_no_numbers_and_sides_and_only_the_presence_that_captions_tell() -> None:
    vqa = [("what is it", "a dog"), ("how many dogs are there", "2"), ("what is left of it", "cat")]
    there = [("is there a dog", "yes")]
    who = [("who is in the picture", "people")]
    assert unspoiled({"vqa": vqa, "yesno": there, "who": who}) == {"vqa": vqa[:1]}
    told = {"caption": [("", "A dog.")], "yesno": there, "who": who}
    assert unspoiled(told) == told


def test_what_is_asked_of_a_mirrored_photo_keeps_the_wording_around_it() -> None:
    photo = PhotoTexts("images/coco/a.jpg")
    photo.pairs["truefalse"].append(("The cat is left of the dog.", "yes"))
    asked = {photo.draw({"truefalse": 1.0}, random.Random(n), mirror=True) for n in range(40)}
    assert ("The cat is right of the dog. Is that right?", "yes") in asked
    assert not any("left" in question for question, _ in asked)


def test_a_view_is_a_part_of_the_photo() -> None:
    ramp = np.zeros((200, 100, 3), np.uint8)
    ramp[..., 0] = np.arange(100) * 2  # from left to right
    for number in range(30):
        view = view_of("images/coco/a.jpg", number)
        assert view == view_of("images/coco/a.jpg", number)
        seen = view.of(ramp)
        height, width = seen.shape[:2]
        assert 0.75 * 100 <= width <= 100
        assert 0.75 * 200 <= height <= 200
        assert width * height == pytest.approx(20_000 * view.width * view.height, rel=0.05)
        red = seen[..., 0].astype(int).mean(axis=0)
        assert (red[0] > red[-1]) == view.mirrored


def test_a_drill_asks_for_the_class_that_it_puts_first() -> None:
    mixture = replace(MIXTURE, shares=replace(MIXTURE.shares, drilled=1.0))
    dataset = samples([photo_of("images/coco/a.jpg")], 12, mixture=mixture)
    items = [dataset[sample] for sample in range(12)]
    assert len({item.named for item in items}) > 6
    for item in items:
        assert (item.has_image, item.has_names, item.masks) == (True, True, [])
        answer = naming(class_names()[item.named])
        written = [token for token in item.row.labels if token not in (IGNORED, END_ID)]
        assert not written or written[: len(encode(answer))] == encode(answer)
    batch = Collator(MMGPTConfig())(items[:4])
    assert batch["named"].tolist() == [item.named for item in items[:4]]
    assert dataset[3].row == items[3].row


def test_a_batch_is_what_the_model_takes() -> None:
    photo = photo_of("images/coco/a.jpg", "what is it", "a dog")
    photo.masks["dog"] = np.ones((16, 16), np.float16)
    dataset = samples([photo], 8)
    for fusion, positions in (("concat", 64 + 20), ("graph", 256 + 20)):
        items = [replace(dataset[i], fusion=fusion) for i in range(4)]
        items[0] = replace(items[0], has_image=False, has_names=True)
        items[1] = replace(items[1], has_image=True, has_names=False)
        batch = Collator(MMGPTConfig())(items)
        assert batch["fusion"] == fusion
        assert batch["input_ids"].shape == batch["labels"].shape == (4, 24)
        assert batch["fine"].shape == (4, 256, 3)
        assert batch["fine"].dtype == torch.float32
        assert batch["visible"].shape == (4, positions)
        assert batch["named"].tolist() == [-1] * 4
        assert not batch["visible"][0].any()
        assert batch["visible"][1].sum() == positions - 20
        assert len(batch["pointed"]) == len(batch["masks"]) > 0
        rows, places = batch["pointed"].unbind(dim=1)
        assert (batch["input_ids"][rows, places + 1] == encode(" dog")[0]).all()


def test_a_batch_may_have_nothing_to_point_at() -> None:
    dataset = samples([photo_of("images/coco/a.jpg")], 2)
    batch = Collator(MMGPTConfig())([dataset[0], dataset[1]])
    assert batch["pointed"].shape == (0, 2)
    assert batch["masks"].shape == (0, 256)
