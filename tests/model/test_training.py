"""The stages of training, from photos to a model, on four tiny photos."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.training import train as stage
from mmgpt_desktop.training.__main__ import main
from mmgpt_desktop.training.features import FeatureStore, read_pixels
from mmgpt_desktop.training.heads import score_heads
from tests.model.conftest import tiny_config

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200), "white": (255,) * 3}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "images" / "coco").mkdir(parents=True)
    rows = []
    for place, (name, colour) in enumerate(COLOURS.items()):
        image = f"images/coco/{name}.png"
        Image.new("RGB", (40, 30), colour).save(folder / image)
        pair = {"kind": "vqa", "question": "what color is it", "answer": name}
        rows.append({"image": image, "split": "dev" if place == 3 else "train", **pair})
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_every_stage_runs_and_training_resumes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    common = ["--data", str(data), "--work", str(work)]
    small = ["--visits", "3", "--rows", "1", "--length", "32", "--save-every", "2"]
    small += ["--warmup", "1", "--learning-rate", "0.01"]
    monkeypatch.setattr(stage, "new_model", tiny_model)
    main(["features", *common])
    main(["tokenizer", *common])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Trainer's own
        main(["train", *common, *small, "--steps", "2"])
        main(["train", *common, *small, "--steps", "4"])
    state = json.loads((work / "checkpoints/checkpoint-4/trainer_state.json").read_text())
    assert state["global_step"] == 4
    assert (work / "checkpoints/checkpoint-2").is_dir()  # the first run's, gone on from
    model = MMGPTForConditionalGeneration.from_pretrained(work / "model")
    assert not any(parameter.isnan().any() for parameter in model.parameters())
    untrained = tiny_model(stage.Recipe()).state_dict()
    trained = model.state_dict()
    assert torch.equal(
        trained["encoder.blocks.3.layers.0.0.weight"],
        untrained["encoder.blocks.3.layers.0.0.weight"],
    )
    assert not torch.equal(trained["embedding.weight"], untrained["embedding.weight"])


def tiny_model(recipe: stage.Recipe) -> MMGPTForConditionalGeneration:
    torch.manual_seed(recipe.seed)
    config = tiny_config()
    config.grid_size, config.vocab_size = 16, 8192
    return MMGPTForConditionalGeneration(config)


def test_features_of_a_photo_are_the_encoders(data: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    main(["features", "--data", str(data), "--work", str(work)])
    store = FeatureStore.open(work / "features")
    assert store.fine.shape == (4, 256, 120)
    assert store.coarse.shape == (4, 64, 352)
    main(["features", "--data", str(data), "--work", str(work)])  # done already: changes nothing
    assert np.array_equal(FeatureStore.open(work / "features").fine, store.fine)
    assert read_pixels(data / "images/coco/white.png").shape == (3, 256, 256)


def test_a_head_that_looks_at_the_thing_scores_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, work = planted(tmp_path)
    monkeypatch.setattr("mmgpt_desktop.training.heads._attention", look_left)
    model = tiny_model(stage.Recipe())
    scores = score_heads(data, work, model)
    assert scores.things == 1
    assert scores.best()[0] == [1, 0]
    assert scores.scores == [[0.0, 0.0], [1.0, 0.0]]
    assert 0.1 < scores.chance < 0.15


def look_left(*_: object) -> np.ndarray:
    """Head 0 of layer 1 looks at the left edge, the others at the right."""
    weights = np.zeros((2, 2, 256), np.float32)
    weights[..., 255] = 1
    weights[1, 0, 0] = 2
    return weights


def planted(folder: Path) -> tuple[Path, Path]:
    """A photo whose left eighth is a cat, with the cells of an untrained run."""
    data, work = folder / "data", folder / "work"
    (data / "images" / "ade20k").mkdir(parents=True)
    (data / "labels" / "ade20k").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(data / "images/ade20k/a.jpg")
    classes = np.ones((64, 64), np.uint8)
    classes[:, :8] = 2
    Image.fromarray(classes).save(data / "labels/ade20k/a.png")
    table = "Idx\tRatio\tTrain\tVal\tName\n1\t0\t0\t0\tsky\n2\t0\t0\t0\tcat\n"
    (data / "labels" / "ade20k_objects.txt").write_text(table, encoding="utf-8")
    row = {"image": "images/ade20k/a.jpg", "kind": "scene", "question": "", "answer": "x"}
    (data / "texts.jsonl").write_text(json.dumps(row | {"split": "train"}), encoding="utf-8")
    common = ["--data", str(data), "--work", str(work)]
    main(["features", *common])
    main(["tokenizer", *common])
    return data, work
