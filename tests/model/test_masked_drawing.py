"""aMUSEd's pipeline as a painter: a tiny one with random weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diffusers import AmusedPipeline

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.diffusers_folder import open_pipeline
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_runtime import PicturesToBegin
from mmgpt_desktop.engine.painting.painter_source import ToPaint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PaintRequest, PaintSettings, PaintStep
from tests.not_none import not_none
from tests.tiny_pipeline import (
    CODES,
    SIDE,
    SIZE,
    TEXT,
    by_diffusers,
    change,
    draw,
    noise_of,
    seed_of_later,
    write_masked,
)

PROMPT = "a red rose"
STEPS = PaintSettings(guidance=4.0, steps=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masked(tmp_path_factory.mktemp("masked") / "tiny")


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "own"))


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_it_draws_what_diffusers_draws(folder: Path, guidance: float) -> None:
    how = PaintSettings(guidance=guidance, steps=5)
    steps, outcome = draw(folder, PaintRequest(1, PROMPT, 3, 1, how))
    later = seed_of_later(np.random.default_rng(3))
    wanted = by_diffusers(AmusedPipeline, folder, PROMPT, how, later)
    (painting,) = outcome.paintings
    assert painting.pixels.shape == wanted.shape == (SIZE, SIZE, 3)
    assert wanted.std() > 20, "there is something to see"
    assert int(np.abs(painting.pixels - wanted).max()) <= 1
    assert [(each.done, each.strokes) for each in steps] == [(n, 5) for n in range(1, 6)]
    assert np.array_equal(not_none(steps[-1].pixels)[0], painting.pixels)


def test_each_place_tells_what_it_read_of_each_word(folder: Path) -> None:
    drawing = draw(folder, PaintRequest(1, PROMPT, 3, 1, STEPS))[1].paintings[0].drawing
    assert [word.text for word in drawing.words] == ["a", "red", "rose"]
    assert drawing.maps.shape == (3, SIDE, SIDE)
    read = drawing.maps.sum(axis=0)
    assert bool(((read > 0) & (read < 1)).all()), "the rest is of what begins and ends the text"
    assert float(drawing.maps.std(axis=(1, 2)).min()) > 1e-4, "not the same everywhere"


def test_a_cell_reads_the_whole_text_once(folder: Path) -> None:
    source = open_pipeline(folder)
    source.prepare(lambda *_: None, CancelToken())
    wanted = ToPaint(source.read_prompt(PROMPT, known_only=False), (3, 4), STEPS)
    noises = [noise_of(seed) for seed in wanted.seeds]
    begun = PicturesToBegin(wanted.ids, wanted.visible, noises, STEPS)
    painter: Any = source.runtime(RuntimeName.TORCH, card=False)
    state = painter.begin(begun, CancelToken())
    assert bool((state.latents == CODES).all()), "at first all is masked"
    moved = painter.step(state, 0, CancelToken())
    still = moved.state.latents == CODES
    painter.close()
    assert 0 < int(still.sum()) < still.numel(), "the surest tokens stay"
    assert moved.attention.shape == (2, 1, 1, SIDE**2, TEXT)
    np.testing.assert_allclose(moved.attention.sum(axis=-1), 1, atol=1e-5)


def test_the_same_seed_draws_the_same_alone_and_among_others(folder: Path) -> None:
    many = draw(folder, PaintRequest(1, PROMPT, 3, 3, STEPS))[1].paintings
    (alone,) = draw(folder, PaintRequest(1, PROMPT, 5, 1, STEPS))[1].paintings
    assert int(np.abs(many[2].pixels.astype(int) - alone.pixels).max()) <= 1
    assert not np.array_equal(many[0].pixels, many[1].pixels)


def test_it_can_be_stopped_at_any_step(folder: Path) -> None:
    painter, cancel, steps = PaintEngine(folder), CancelToken(), list[PaintStep]()

    def stop(step: PaintStep) -> None:
        steps.append(step)
        cancel.cancel()

    painter.load()
    outcome = painter.paint(PaintRequest(1, PROMPT, 3, 1, STEPS), cancel, stop)
    painter.close()
    assert (outcome.kind, len(steps)) == ("cancelled", 1)


def test_it_says_how_it_draws(folder: Path) -> None:
    info = open_pipeline(folder).info
    assert (info.name, info.size, info.side, info.at_once) == ("tiny", SIZE, SIDE, True)
    assert (info.settings.guidance, info.settings.steps) == (10.0, 12)


def _enlarge(own: Path) -> None:
    change(own / "vqvae/config.json", block_out_channels=[8] * 8)
    change(own / "transformer/config.json", sample_size=64)


def _without_safetensors(own: Path) -> None:
    weights = own / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda own: change(own / "scheduler/scheduler_config.json", mask_token_id=3), "masks"),
        (lambda own: change(own / "scheduler/scheduler_config.json", mask_token_id=99), "masks"),
        (lambda own: change(own / "vqvae/config.json", num_vq_embeddings=7), "fewer tokens"),
        (_enlarge, "too large"),
        (lambda own: change(own / "text_encoder/config.json", hidden_size=48), "can't read"),
        (lambda own: change(own / "text_encoder/config.json", projection_dim=48), "can't read"),
        (lambda own: change(own / "transformer/config.json", sample_size=10**9), "sample_size"),
        (lambda own: change(own / "transformer/config.json", num_hidden_layers=10**6), "layers"),
        (lambda own: change(own / "transformer/config.json", hidden_size=10**9), "hidden_size"),
        (lambda own: change(own / "model_index.json", vqvae=["mine", "Model"]), "not known here"),
        (lambda own: change(own / "model_index.json", scheduler=["diffusers", "X"]), "not known"),
        (_without_safetensors, "a stranger's code"),
        (lambda own: shutil.rmtree(own / "vqvae"), "missing"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused_in_a_sentence(
    own: Path, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(own)
    with pytest.raises(BundleError, match=why):
        open_pipeline(own)
