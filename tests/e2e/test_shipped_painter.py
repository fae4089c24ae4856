"""The painters that ship draw what they are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop import cli
from mmgpt_desktop.attention.left_out import left_out, without_word
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import FLOW, PAINTER, PAINTERS, painter_path, painter_paths
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PaintOutcome, PaintRequest
from mmgpt_desktop.resources import resource_path
from tests.not_none import not_none

NEAR = {PAINTER: 8.0, FLOW: 2.0}
"""Of 255: codes may differ where two are as likely, to the last bits."""


@pytest.fixture(scope="module", params=PAINTERS)
def folder(request: pytest.FixtureRequest) -> Path:
    return resource_path("models", request.param)


@pytest.fixture(scope="module")
def painter(folder: Path) -> Iterator[PaintEngine]:
    found = PaintEngine(folder, RuntimeName.ONNX_CPU)
    found.load()
    yield found
    found.close()


def draw(painter: PaintEngine, prompt: str, seed: int = 1, pictures: int = 1) -> PaintOutcome:
    return painter.paint(PaintRequest(1, prompt, seed, pictures), CancelToken(), lambda _step: None)


def test_they_are_there() -> None:
    assert [path.name for path in painter_paths()] == list(PAINTERS)
    assert not_none(painter_path()).name == FLOW


def test_each_says_what_it_is(folder: Path) -> None:
    info = PaintEngine(folder).describe()
    assert (info.name, info.at_once) == (folder.name, folder.name == FLOW)
    assert (info.size, info.side, info.languages) == (256, 8, ("en", "zh"))
    assert "flowers" in info.taught


@pytest.mark.parametrize(
    ("yellow", "red"),
    [("a yellow flower", "a red flower"), ("黄色的花", "红色的花")],
)
def test_colours_are_drawn_as_they_are_told(painter: PaintEngine, yellow: str, red: str) -> None:
    """Yellow has more green in it, in the mean of four pictures' middles."""
    greens = []
    for prompt in (yellow, red):
        outcome = draw(painter, prompt, pictures=4)
        middles = [each.pixels[32:96, 32:96].reshape(-1, 3) for each in outcome.paintings]
        red_part, green_part, _ = np.concatenate(middles).astype(float).mean(axis=0)
        greens.append(green_part / red_part)
    assert greens[0] > greens[1] + 0.2


def test_both_runtimes_draw_nearly_the_same(painter: PaintEngine, folder: Path) -> None:
    other = PaintEngine(folder, RuntimeName.TORCH)
    other.load()
    (one,), (two,) = (draw(each, "a pink rose", 3).paintings for each in (painter, other))
    other.close()
    assert np.abs(one.pixels.astype(int) - two.pixels).mean() < NEAR[folder.name]


def test_without_its_colour_a_flower_is_another_one_in_the_same_place() -> None:
    """Where all cells come out of the same noise, a word's place is where it changes most."""
    flow, ratios = PaintEngine(resource_path("models", FLOW), RuntimeName.ONNX_CPU), []
    flow.load()
    for seed in range(6):
        (whole,) = draw(flow, "a pink rose", seed).paintings
        (without,) = draw(flow, without_word(whole.drawing, 1), seed).paintings
        ratios.append(not_none(left_out(whole, 1, without).ratio))
    flow.close()
    assert np.exp(np.mean(np.log(ratios))) > 1.2


@pytest.mark.parametrize("prompt", ["a quantum spaceship", "量子计算机", "qwertz asdf"])
def test_what_is_far_from_all_is_refused(painter: PaintEngine, prompt: str) -> None:
    outcome = draw(painter, prompt)
    assert outcome.kind == "failed"
    assert "never taught" in str(outcome.error)


def test_the_command_draws_without_naming_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["draw", "a yellow rose", "--out", str(tmp_path / "rose.png")]) == 0
    told = ["--painter", FLOW, "--steps", "4"]
    assert cli.main(["draw", "a yellow rose", "--out", str(tmp_path / "flow.png"), *told]) == 0
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for name in PAINTERS:
        assert f"Painter: {name}" in said
