"""What a linear classifier finds in cells where it is known what there is to find."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.probe import Probe, probe, probe_questions

SCENES = ("beach", "kitchen", "street")
SCENE = {"kind": "scene", "question": ""}


def write(folder: Path, rows: list[dict[str, str]]) -> None:
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_scenes_that_the_cells_tell_apart_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"image": f"images/x/{split}{scene}{n}", "answer": scene, "split": split, **SCENE}
        for scene in SCENES
        for split, count in (("train", 12), ("test", 4))
        for n in range(count)
    ]
    other = {"image": rows[0]["image"], "split": "train"}
    other |= {"kind": "caption", "question": "", "answer": "A dog."}
    unknown = {"image": "images/x/testbeach0", "answer": "attic", "split": "test", **SCENE}
    misc = {**unknown, "answer": "misc"}  # names no scene
    write(tmp_path, [*rows, other, unknown, misc])
    level = np.array([1 + SCENES.index(row["answer"]) for row in rows], np.float16)[:, None, None]
    cells = tuple(
        level * rng.uniform(0.9, 1.1, (len(rows), count, width)).astype(np.float16)
        for count, width in ((256, 6), (64, 4))
    )
    index = {row["image"]: place for place, row in enumerate(rows)}
    store = FeatureStore((cells[0], cells[1]), None, index)
    monkeypatch.setattr(FeatureStore, "open", lambda _folder: store)
    assert probe(tmp_path, tmp_path) == Probe(36, 13, 3, 12 / 13, 12 / 13)


def test_without_scenes_there_is_nothing_to_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.zeros((0, 1, 1), np.float16)
    empty = FeatureStore((nothing, nothing), None, {})
    monkeypatch.setattr(FeatureStore, "open", lambda _folder: empty)
    row = {"image": "images/x/a", "kind": "caption", "question": "", "answer": "A dog."}
    write(tmp_path, [row | {"split": split} for split in ("train", "test")])
    with pytest.raises(AppError, match="No photo's scene"):
        probe(tmp_path, tmp_path)


def test_words_and_cells_answer_what_they_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the bed's colour the words tell nothing, of the sky's all."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "image": f"images/daquar/{split}{n}",
            "split": split,
            "kind": "vqa",
            "question": f"what color is the {thing}",
            "answer": "blue" if thing == "sky" else ("red", "green")[n % 2],
        }
        for split, count in (("train", 300), ("test", 40))
        for n in range(count)
        for thing in ("bed", "sky")
    ]
    write(tmp_path, rows)
    images = sorted({row["image"] for row in rows})
    level = np.array([int(image[-1]) % 2 for image in images], np.float16)[:, None, None]
    noise = rng.uniform(0, 0.1, (len(images), 64, 4)).astype(np.float16)
    fine = np.zeros((len(images), 256, 1), np.float16)
    store = FeatureStore((fine, noise + level), None, {image: n for n, image in enumerate(images)})
    monkeypatch.setattr(FeatureStore, "open", lambda _folder: store)
    found = probe_questions(tmp_path, tmp_path)
    assert found is not None
    assert (found.taught, found.asked) == (600, 80)
    assert found.by_words == pytest.approx(0.75, abs=0.1)
    assert found.by_cells == 1
    write(tmp_path, [row | {"image": "images/coco/a"} for row in rows])
    assert probe_questions(tmp_path, tmp_path) is None
