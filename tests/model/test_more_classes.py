"""The encoder learns to name more, and says of all else what it said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.adapters import new_flamingo
from mmgpt_desktop.model.encoder import EfficientNetLite2
from mmgpt_desktop.training.__main__ import main
from mmgpt_desktop.training.more_classes import (
    NameInBoth,
    PooledPhotos,
    fits,
    labels_shown,
    learn,
    measured,
)
from tests.families.tiny_flamingo import tiny_language
from tests.model.conftest import random_model, tiny_config

CAMERA, PIZZA = NameInBoth("camera", "照相机"), NameInBoth("pizza", "比萨")


def photos_of(labels: list[int]) -> PooledPhotos:
    """Each label has a direction of its own, and so has what has none."""
    torch.manual_seed(0)
    numbers = torch.tensor(labels)
    pooled = torch.nn.functional.one_hot(numbers + 1, 4).float() + torch.rand(len(labels), 4) / 5
    return PooledPhotos(pooled, torch.full((len(labels),), 3.0), numbers)


def test_labels_are_learnt_and_others_are_left_to_the_classes_there_are() -> None:
    photos = photos_of([-1, 0, 1, 2] * 60)
    untaught, taught = (learn([photos, photos], 3, rounds, 0.0) for rounds in (0, 400))
    assert measured(untaught, photos).startswith("Of 180 dev photos 0.0% are named")
    told = "Of 180 dev photos 100.0% are named by them; of 60 other photos 0.0%, wrongly."
    assert measured(taught, photos) == told


def test_names_with_too_many_tokens_are_left_out(tiny_tokenizer: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_tokenizer))
    room = len(tokenizer.encode(" camera").ids)
    assert fits(CAMERA, tokenizer, ["en"], room)
    assert not fits(NameInBoth("cameras", "照相机"), tokenizer, ["en"], room)
    assert not fits(CAMERA, tokenizer, ["en", "zh"], room)  # of bytes: nine tokens


def write_data(folder: Path, images: int) -> list[str]:
    paths = [f"images/caltech101/{number}.png" for number in range(images)]
    rows = [
        {"image": path, "split": "train", "kind": "label", "question": "", "answer": name}
        for path, name in zip(paths, ["camera", "pizza"] * images, strict=False)
    ]
    for row in rows[80:]:
        row["split"] = "dev"
    rows.append({**rows[0], "image": "images/flowers102/f.png", "answer": "lotus lotus"})
    rows.append({**rows[0], "image": "images/grocery/g.png", "answer": "no such name"})
    rows.append({**rows[0], "image": "images/coco/c.png", "kind": "vqa", "split": "dev"})
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return [row["image"] for row in rows]


def test_what_photos_show_has_its_names(tmp_path: Path) -> None:
    images = write_data(tmp_path, 2)
    assert labels_shown(tmp_path) == {
        images[0]: CAMERA,
        images[1]: PIZZA,
        "images/flowers102/f.png": NameInBoth("lotus", "荷花"),
    }


def write_features(folder: Path, shown: dict[str, int]) -> None:
    """Photos of the same number are alike."""
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    kinds = draws.normal(size=(4, 1, 352))
    coarse = kinds[list(shown.values())] + draws.normal(size=(1, 64, 352))
    for suffix in ("", "_mirrored"):
        np.save(folder / f"coarse{suffix}.npy", coarse.astype(np.float16))
        np.save(folder / f"fine{suffix}.npy", np.zeros((len(shown), 256, 120), np.float16))
    (folder / "photos.json").write_text(json.dumps([*shown]), encoding="utf-8")
    nothing = np.zeros(len(shown))
    np.savez(folder / "guesses.npz", classes=nothing, probabilities=nothing, places=nothing)


def test_a_model_s_encoder_has_more_classes(
    tmp_path: Path, tiny_tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = write_data(tmp_path, 90)
    shown = {image: number % 2 for number, image in enumerate(images[:90])}
    shown |= dict.fromkeys(images[90:], 3)
    write_features(tmp_path / "work" / "features", shown)
    old = random_model(tiny_config())
    old.save_pretrained(tmp_path / "old")
    (tmp_path / "work" / "tokenizer.json").write_bytes(tiny_tokenizer.read_bytes())
    options = ["--data", str(tmp_path), "--work", str(tmp_path / "work")]
    main(["classes", *options, "--start", str(tmp_path / "old"), "--room", "8"])
    told = capsys.readouterr().out
    assert "3 classes. Of 10 dev photos 100.0% are named by them; of 1 other" in told
    new = MMGPTForConditionalGeneration.from_pretrained(tmp_path / "work" / "named").eval()
    assert new.config.classes == 1003
    wide = torch.rand(2, 1280, 8, 8)
    assert torch.equal(new.encoder.classify(wide)[:, :1000], old.encoder.classify(wide))
    assert (new.config.name_tokens, new.names.tokens.shape) == (8, (1003, 8))
    assert torch.equal(new.names.slot.view(2, 8, 32)[:, :2], old.names.slot.view(2, 2, 32))
    words = Tokenizer.from_file(str(tiny_tokenizer))
    named = [words.decode(row[row > 0].tolist()) for row in new.names.tokens[1000:]]
    assert named == [" camera", " lotus", " pizza"]
    scores = torch.zeros(1, 1003)
    scores[0, 1002] = 30.0
    _, read = new.names(scores, new.embedding)
    assert torch.equal(read[0, :8], new.embedding(new.names.tokens[1002]))


def test_mmgpt_small_reads_the_first_of_an_encoder_s_classes() -> None:
    encoder, language = EfficientNetLite2(1007), tiny_language()
    fewer = new_flamingo(language, encoder, cross_layers=(1, 2))
    assert torch.equal(fewer.encoder.classifier.weight, encoder.classifier.weight[:1000])
    all_of_them = new_flamingo(language, encoder, cross_layers=(1, 2), classes=1007)
    assert torch.equal(all_of_them.encoder.classifier.bias, encoder.classifier.bias)
    assert len(all_of_them.get_buffer("names")) == 1007
