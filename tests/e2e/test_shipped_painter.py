"""The painter that ships draws what it says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import PAINTER, painter_path
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PaintOutcome, PaintRequest
from mmgpt_desktop.resources import resource_path

FOLDER = resource_path("models", PAINTER)


@pytest.fixture(scope="module")
def painter() -> Iterator[PaintEngine]:
    found = PaintEngine(FOLDER, RuntimeName.ONNX_CPU)
    found.load()
    yield found
    found.close()


def draw(painter: PaintEngine, prompt: str, seed: int = 1, pictures: int = 1) -> PaintOutcome:
    return painter.paint(PaintRequest(1, prompt, seed, pictures), CancelToken(), lambda _step: None)


def test_it_is_there() -> None:
    assert painter_path() == FOLDER
    info = PaintEngine(FOLDER).describe()
    assert (info.size, info.side, info.languages) == (128, 8, ("en", "zh"))
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


def test_both_runtimes_draw_nearly_the_same(painter: PaintEngine) -> None:
    other = PaintEngine(FOLDER, RuntimeName.TORCH)
    other.load()
    (one,), (two,) = (draw(each, "a pink rose", 3).paintings for each in (painter, other))
    other.close()
    apart = np.abs(one.pixels.astype(int) - two.pixels).mean()
    assert apart < 8, "a code may differ where two are as likely, to the last bits"


@pytest.mark.parametrize("prompt", ["a quantum spaceship", "量子计算机", "qwertz asdf"])
def test_what_is_far_from_all_is_refused(painter: PaintEngine, prompt: str) -> None:
    outcome = draw(painter, prompt)
    assert outcome.kind == "failed"
    assert "never taught" in str(outcome.error)


def test_the_command_draws_without_naming_it(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"{tmp_path}/rose.png"
    assert cli.main(["draw", "a yellow rose", "--out", out]) == 0
    assert cli.main(["doctor"]) == 0
    assert f"Painter: {PAINTER}" in capsys.readouterr().out
