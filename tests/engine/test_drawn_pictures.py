"""What is measured of a painter, with one that draws without a model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.attention.left_out import (
    changed,
    inside_against_outside,
    left_out,
    without_word,
)
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.messages import Photo, RuntimeName
from mmgpt_desktop.painted import Drawing, Painting, PromptWord
from mmgpt_desktop.training.evaluation import drawn_pictures as drawing
from mmgpt_desktop.training.evaluation.drawn_pictures import (
    Told,
    frechet_distance,
    nearest,
    told_of,
    truth_of_maps,
)
from mmgpt_desktop.training.evaluation.table import Row
from tests.tiny_painter import FakePainter, fake_maker, write_painter


@pytest.fixture
def painter(tmp_path: Path) -> PaintEngine:
    make = fake_maker(FakePainter(RuntimeName.ONNX_CPU))
    found = PaintEngine(write_painter(tmp_path / "tiny"), make=make)
    found.load()
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three test flowers, one of which has no colour, and a training flower."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    flowers = {"rose": (200, 10, 20), "daisy": (250, 250, 245), "iris": None}
    (folder / "images/flowers102").mkdir(parents=True)
    for split in ("test", "train"):
        for name, colour in flowers.items():
            image = f"images/flowers102/{name}-{split}.png"
            noise = np.random.default_rng(1).integers(0, 255, (32, 32, 3), np.uint8)
            photo = Image.fromarray(noise) if colour is None else Image.new("RGB", (32, 32), colour)
            photo.save(folder / image)
            told = {"image": image, "split": split, "kind": "label", "question": ""}
            rows.append(told | {"answer": name})
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


class Flatterer:
    """A respondent that says what the prompt says, or always the same."""

    def __init__(self, same: str = "") -> None:
        self.same = same

    def say(self, photo: Photo, text: str) -> str:
        told = photo.image_id.split()[3:]  # after "drawn", the seed and an article
        return self.same or told[-1 if "flower is" in text else 0]


def cells(pixels: NDArray[np.uint8], maps: NDArray[np.float32], prompt: str = "a dog") -> Painting:
    words = (PromptWord("a", 0, 1), PromptWord("dog", 2, 5))
    return Painting(pixels, Drawing(prompt, 0, "painter", words, maps))


def grey(*values: int) -> NDArray[np.uint8]:
    """Four cells of 4 pixels each."""
    cells_ = np.kron(np.reshape(values, (2, 2)), np.ones((4, 4)))
    return cells_[..., None].repeat(3, 2).astype(np.uint8)


def test_what_is_told_comes_from_test_photos(data: Path) -> None:
    told = told_of(data, None)
    names = {each.prompt for each in told if each.task == "drawn flowers, name"}
    assert names == {"a rose", "a daisy", "an iris"}
    coloured = {(each.prompt, each.answer, each.named) for each in told if "colour" in each.task}
    assert coloured == {("a red rose", "red", "red"), ("a white daisy", "white", "white")}
    assert len(told_of(data, 1)) == 2


def test_shops_titles_are_told_as_well(data: Path, tmp_path: Path) -> None:
    rows = (data / "texts.jsonl").read_text(encoding="utf-8")
    data = shutil.copytree(data, tmp_path / "own")
    ware = {"image": "images/fashion/1.png", "kind": "title", "question": "", "split": "test"}
    titles = ("Lee Men Navy Blue Jeans", "Puma Men Black Tshirt", "Nike Men Perfume")
    more = [json.dumps(ware | {"answer": each}) for each in titles]
    (data / "texts.jsonl").write_text("\n".join([rows, *more]), encoding="utf-8")
    told = [each for each in told_of(data, None) if "wares" in each.task]
    assert {(each.prompt, each.answer, each.named) for each in told} == {
        ("blue jeans", "blue", "blue"),
        ("a black t-shirt", "black", "black"),
        ("a t-shirt", "t-shirt", ""),
    }


@pytest.mark.parametrize(("same", "right", "other"), [("", 1.0, 0.0), ("rose", 1 / 3, 1 / 3)])
def test_agreement_stands_beside_that_with_another_prompt(
    data: Path, painter: PaintEngine, same: str, right: float, other: float
) -> None:
    told = [each for each in told_of(data, None) if "name" in each.task]
    drawn = {each: drawing.draw(painter, each.prompt, n) for n, each in enumerate(told)}
    (row,) = drawing.agreement(Flatterer(same), drawn)  # type: ignore[arg-type]
    assert not isinstance(row.model, str)
    assert row.items == 3
    assert row.model.value == pytest.approx(right)
    assert row.blind["another prompt"].value == pytest.approx(other)


def test_colours_are_asked_as_colours(data: Path, painter: PaintEngine) -> None:
    told = [each for each in told_of(data, None) if "colour" in each.task]
    drawn = {each: drawing.draw(painter, each.prompt, n) for n, each in enumerate(told)}
    asked, seen = drawing.agreement(Flatterer(), drawn)  # type: ignore[arg-type]
    assert (asked.measure, seen.measure) == ("agreement", "by its pixels")
    assert not isinstance(asked.model, str)
    assert asked.model.value == 1
    assert not isinstance(seen.model, str)
    assert seen.model.value == 0, "it draws in grey"
    red = np.full((32, 32, 3), (200, 10, 20), np.uint8)
    told_red = {each: replace(drawn[each], pixels=red) for each in told}
    _, seen = drawing.agreement(Flatterer(), told_red)  # type: ignore[arg-type]
    assert not isinstance(seen.model, str)
    assert seen.model.value == 0.5, "one of both was to be red"
    assert seen.blind["another prompt"].value == 0.5


def test_the_frechet_distance_of_known_distributions() -> None:
    random = np.random.default_rng(0)
    one = random.normal(size=(4000, 3))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, one + np.array([0.3, 0, 0])) == pytest.approx(90, rel=1e-6)
    # Of deviations 1 and 2: (1 - 2)^2 for each of three numbers.
    assert frechet_distance(one, 2 * one - one.mean(axis=0)) == pytest.approx(3000, rel=0.05)


def test_the_nearest_is_found() -> None:
    known = np.eye(3)
    found = nearest(np.array([[1.0, 0, 0], [0, 0.6, 0.8]]), known)
    np.testing.assert_allclose(found, [0, 0.2], atol=1e-9)


def test_a_change_is_compared_inside_and_outside() -> None:
    maps = np.array([[[0, 0], [0, 0]], [[0.1, 0.9], [0.2, 0.3]]], np.float32)
    one, other = cells(grey(10, 20, 30, 40), maps), cells(grey(10, 60, 40, 40), maps)
    change = changed(one.pixels, other.pixels, (2, 2))
    assert change.tolist() == [[0, 40], [10, 0]]
    ratio = inside_against_outside(change, maps[1])
    assert ratio == pytest.approx(40 / (10 / 3), rel=1e-3)
    assert inside_against_outside(np.zeros((2, 2), np.float32), maps[1]) is None
    uneven = changed(one.pixels[:7, :5], other.pixels[:7, :5], (2, 2))
    assert uneven.shape == (2, 2)
    found = left_out(one, 1, other)
    assert (found.word, found.ratio) == ("dog", ratio)


def test_a_word_is_left_out_wherever_it_stands() -> None:
    words = (PromptWord("a", 0, 1), PromptWord("red", 2, 5), PromptWord("rose", 6, 10))
    told = Drawing("a red rose.", 0, "painter", words, np.zeros((3, 2, 2), np.float32))
    left = [without_word(told, number) for number in range(3)]
    assert left == ["red rose.", "a rose.", "a red."]


def test_words_are_left_out_with_the_same_seed(
    painter: PaintEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told("t", "i", "a red rose", "What colour?", "red", named="red")
    painting = drawing.draw(painter, told.prompt, 4)
    assert truth_of_maps(painter, {told: painting}) == [], "this painter does not read its words"
    asked: list[tuple[str, int]] = []

    def other(_: PaintEngine, prompt: str, seed: int) -> Painting:
        asked.append((prompt, seed))
        brighter = painting.pixels.copy()
        brighter[:16, 16:] += 1  # the cell that reads the second token
        return Painting(brighter, replace(painting.drawing, prompt=prompt, seed=seed))

    monkeypatch.setattr(drawing, "draw", other)
    (row,) = truth_of_maps(painter, {told: painting})
    assert asked == [("a rose", 4)]
    assert not isinstance(row.model, str)
    assert row.items == 1
    assert row.model.value > 2


def test_alike_pictures_are_near(data: Path, painter: PaintEngine) -> None:
    told = told_of(data, None)
    drawn = {each: drawing.draw(painter, each.prompt, n) for n, each in enumerate(told)}
    rows = drawing.likeness(StandIn(), data, drawn)  # type: ignore[arg-type]
    assert [row.measure for row in rows] == ["Frechet distance", "nearest training photo"]
    near = not_score(rows[1])
    assert near["test photos"] == pytest.approx(0, abs=1e-6), "here each has its like in training"
    assert set(not_score(rows[0])) == {"blurred photos"}


def not_score(row: Row) -> dict[str, float]:
    return {name: each.value for name, each in row.blind.items()}


class StandIn:
    """An encoder whose coarse cells are the picture's mean colours."""

    def backbone(self, pixels: object) -> Sequence[object]:
        small = pixels.mean(dim=(2, 3), keepdim=True) + 2  # type: ignore[attr-defined]
        return small, small
