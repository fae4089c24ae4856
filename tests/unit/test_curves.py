"""The picture of a run's losses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.curves import (
    SIZE,
    Panel,
    curves_of,
    draw,
    panel_of,
    write_curves,
)

ROWS = [
    {"loss": 5.0, "step": 20},
    {"loss": 4.0, "step": 40},
    {"eval_cross_attention_loss": 4.5, "eval_cross_attention_runtime": 3.0, "step": 40},
    {"loss": 3.0, "step": 60},
    {"train_loss": 3.5, "step": 60},
]


def test_curves_by_step() -> None:
    assert curves_of(ROWS) == {
        "training": [(20, 5.0), (40, 4.0), (60, 3.0)],
        "dev, cross-attention": [(40, 4.5)],
    }
    assert curves_of([]) == {}


def test_of_a_rewarded_run_the_rewards_are_drawn() -> None:
    rows = [{"loss": 0.1, "reward": 0.2, "step": 20}, {"loss": 0.2, "reward": 0.4, "step": 40}]
    panel = panel_of("Rewarded", rows)
    assert panel.curves == {"sampled captions": [(20, 0.2), (40, 0.4)]}
    assert panel.measure != panel_of("One", ROWS).measure == "loss"


def test_a_picture_shows_each_curve_in_its_colour(tmp_path: Path) -> None:
    points = [(0.0, 3.0), (50.0, 1.0)]
    draw([Panel("One", {"training": points, "dev": points})], tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == SIZE
        colours = {tuple(pixel) for pixel in np.asarray(picture.convert("RGB")).reshape(-1, 3)}
    assert (0x00, 0x72, 0xB2) in colours  # the dev set's


def test_a_single_point_is_drawn_too(tmp_path: Path) -> None:
    draw([Panel("One", {"training": [(1.0, 2.0)]})] * 2, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert (0x9A, 0x9A, 0x9A) in {
            tuple(pixel) for pixel in np.asarray(picture.convert("RGB")).reshape(-1, 3)
        }


def test_the_newest_checkpoint_is_read_and_its_log_kept(tmp_path: Path) -> None:
    for step, rows in ((40, ROWS[:2]), (100, ROWS)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    log = write_curves(tmp_path, tmp_path / "curves.png")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines == [{"run": "checkpoints", **row} for row in ROWS]
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == SIZE


def test_without_a_checkpoint_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="Train first"):
        write_curves(tmp_path, tmp_path / "curves.png")
