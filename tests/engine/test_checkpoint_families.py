"""Families with ways of their own, through the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    Photo,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from tests.fakes import FoundMaps
from tests.families.checkpoints import noise_photo, smolvlm_settings
from tests.families.checks import context_of, greedy
from tests.families.tiny_idefics import tiny_idefics
from tests.families.tiny_kosmos2 import tiny_kosmos2
from tests.families.tiny_qwen import tiny_qwen3, tiny_qwen25

PHOTOS = (noise_photo(40, 24, 1), noise_photo(24, 40, 2))


@pytest.fixture(
    scope="module",
    params=[tiny_qwen25, tiny_qwen3, tiny_kosmos2, tiny_idefics],
    ids=["qwen2.5", "qwen3", "kosmos2", "idefics"],
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> CheckpointEngine:
    make: Callable[[Path], Path] = request.param
    found = CheckpointEngine(make(tmp_path_factory.mktemp("model")))
    found.load(lambda _fraction, _what: None, CancelToken())
    return found


def asked(photos: tuple[Photo, ...], tokens: int = 5) -> GenerationRequest:
    sampling = Sampling(max_new_tokens=tokens)
    return GenerationRequest(1, photos, (Message("user", "What is this?"),), sampling)


@pytest.mark.parametrize("photos", [0, 1, 2])
def test_each_word_has_a_map_on_each_photo(engine: CheckpointEngine, photos: int) -> None:
    steps = list[TokenStep]()
    outcome = engine.generate(asked(PHOTOS[:photos]), CancelToken(), steps.append)
    assert outcome.kind == "done", outcome.error
    fusion = engine.model.fusions[0]
    shape = fusion.image_layers, fusion.heads
    for step in steps:
        assert (step.attention is not None) == bool(photos)
        if step.attention is None:
            continue
        maps = (step.attention, *step.attention.others)
        assert len(maps) == photos
        for photo, each in zip(PHOTOS, maps, strict=False):
            assert each.weights.shape == (*shape, each.grid.cells)
            assert (each.grid.photo_width, each.grid.photo_height) == (photo.width, photo.height)
            assert (each.weights >= 0).all()
        seen = sum(each.weights.sum(axis=-1) for each in maps)
        assert (seen <= 1.01).all()
        assert seen.max() > 0


def test_half_the_memory_does_too(
    engine: CheckpointEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.torch_device.free_memory", lambda: 0)
    runtime = checkpoint_torch(engine.checkpoint)
    assert runtime.model.dtype == runtime.torch.bfloat16
    messages = asked(()).messages
    for photos in (PHOTOS, ()):
        context = context_of(runtime, engine.family, messages, photos)
        for token in greedy(runtime, context):
            assert token.attention is not None
            assert (token.attention.sum(axis=-1) <= 1.01).all()


def test_what_a_word_needed_can_be_measured(engine: CheckpointEngine) -> None:
    steps = list[TokenStep]()
    request = asked(PHOTOS[:1], tokens=2)
    engine.generate(request, CancelToken(), steps.append)
    maps = FoundMaps()
    token_ids = tuple(step.token_id for step in steps)
    engine.explain(Explanation(request, token_ids), Method.OCCLUSION, CancelToken(), maps.take)
    assert maps[-1].done == 1
    assert maps[-1].weights.shape[0] == len(steps)


@pytest.mark.parametrize("make", [tiny_qwen25, tiny_qwen3])
def test_looking_at_a_photo_makes_no_scores_of_all_patches(
    make: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 8,192 patches, as a fine look has, those of one layer take 4 gigabytes."""
    checkpoint, cancel = open_checkpoint(make(tmp_path / "model")), CancelToken()
    runtime, family = checkpoint_torch(checkpoint), family_of(checkpoint)
    inputs = family.preprocess(PHOTOS[0])
    expected = runtime.encode(inputs, cancel).embeddings
    eager = f"{type(runtime.model).__module__}.eager_attention_forward"
    monkeypatch.setattr(eager, None)
    assert (runtime.encode(inputs, cancel).embeddings == expected).all()
    prompt = family.build_prompt([Message("user", "?")], [], 1)
    with pytest.raises(RuntimeFailure):  # rows of what words read are wanted
        runtime.decode(prompt.token_ids, Context(prompt), None, attention=True, cancel=cancel)


@pytest.mark.parametrize("make", [tiny_qwen3, tiny_kosmos2, tiny_idefics, smolvlm_settings])
def test_null_in_the_processors_settings_stands_for_nothing_said(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    checkpoint = read_checkpoint(make(tmp_path / "model"))
    nothing = dict.fromkeys(("resample", "image_mean", "image_std", "rescale_factor"))
    said = {k: v for k, v in checkpoint.image_processor.items() if k not in nothing}
    as_said, with_nothing = [
        family_of(replace(checkpoint, image_processor=settings)).preprocess(PHOTOS[0]).arrays
        for settings in (said, said | nothing)
    ]
    assert as_said.keys() == with_nothing.keys()
    assert all((as_said[name] == with_nothing[name]).all() for name in as_said)
