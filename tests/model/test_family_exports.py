"""Every family exported: ONNX Runtime beside PyTorch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.families.registry import checkpoint_onnx, checkpoint_torch, family_of
from mmgpt_desktop.engine.families.runtimes.idefics_onnx import IdeficsOnnx
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.folder.layouts import PROMPT
from mmgpt_desktop.engine.generate import softmax
from mmgpt_desktop.export import export_folder as bundle
from mmgpt_desktop.export import vision
from mmgpt_desktop.export.export_folder import export
from mmgpt_desktop.export.linear import Floating, Precision
from mmgpt_desktop.messages import (
    PICTURE,
    Explanation,
    GenerationRequest,
    Message,
    Photo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from tests.fakes import FoundMaps
from tests.families.checkpoints import enlivened, noise_photo
from tests.families.checks import SHAPES, greedy
from tests.families.test_gemma import tiny_paligemma
from tests.families.tiny import TINY, near
from tests.families.tiny_idefics import tiny_idefics

CANCEL = CancelToken()
MODELS: dict[str, Callable[[Path], Path]] = {
    **{kind: TINY[kind] for kind in TINY if kind not in ("idefics3", "smolvlm")},
    "idefics, no resampler": enlivened(partial(tiny_idefics, resampler=False)),
    "paligemma 2": partial(tiny_paligemma, text="gemma2"),
}


@dataclass(frozen=True, eq=False)
class Exported:
    """A checkpoint in PyTorch, and its graphs: `quick` reads prompts by one of their own."""

    checkpoint: Path
    graphs: Path
    family: Family
    torch: Any
    onnx: Any
    quick: Any

    @property
    def runtimes(self) -> Sequence[Any]:
        return self.torch, self.onnx


@pytest.fixture(scope="module", params=list(MODELS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    checkpoint = open_checkpoint(MODELS[request.param](folder / "model"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "prompt_linears_for", lambda _: Floating())
        out = folder / "out"
        export(checkpoint.path, out, Precision.FP32, lambda *_: None)
    plain, quick = opened(out), opened(out)
    assert quick.decoder.prompt
    plain.decoder.prompt = None
    family, slow = family_of(checkpoint), checkpoint_torch(checkpoint)
    return Exported(checkpoint.path, out, family, slow, plain, quick)


def opened(graphs: Path) -> Any:
    cache = graphs.with_name("cache")
    return checkpoint_onnx(read_checkpoint(graphs), RuntimeName.ONNX_CPU, cache=cache)


def parts(features: Features) -> list[NDArray[np.float32]]:
    """What stands for the photo in the prompt, and what later layers take of it."""
    found = features.embeddings
    if isinstance(found, tuple):
        return [found[0], *found[1]]
    found = np.asarray(found)
    return list(found) if found.ndim == 3 else [found]


@pytest.mark.parametrize(("width", "height"), [*SHAPES, (90, 7)])
def test_photos_become_what_they_become_in_pytorch(
    exported: Exported, width: int, height: int
) -> None:
    photo = noise_photo(width, height)
    plain, tiled = (exported.family.preprocess(photo, tiled=tiled) for tiled in (False, True))
    check_photo(exported, plain)
    if not np.array_equal(plain.arrays["pixel_values"], tiled.arrays["pixel_values"]):
        check_photo(exported, tiled)


def check_photo(exported: Exported, inputs: ImageInputs) -> None:
    prompt = exported.family.build_prompt([Message("user", "What is this?")], [inputs], 16)
    theirs, ours = (runtime.encode(inputs, CANCEL) for runtime in exported.runtimes)
    if not isinstance(exported.onnx, IdeficsOnnx):  # which gives keys and values, not features
        for one, two in zip(parts(ours), parts(theirs), strict=True):
            near(one, two)
    assert (ours.reading is None) == (theirs.reading is None)
    if ours.reading is not None:
        near(ours.reading, theirs.reading)
    expected, found = (
        runtime.score(prompt.token_ids, Context(prompt, (inputs,), (features,)), CANCEL)
        for runtime, features in zip(exported.runtimes, (theirs, ours), strict=True)
    )
    near(found, expected)


PHOTOS = (noise_photo(60, 40), noise_photo(24, 50), noise_photo(5, 3))


def contexts(exported: Exported, photos: Sequence[Photo]) -> list[Context]:
    """A question with photos before it and, if there are several, within it; for each runtime."""
    text = f"What is{PICTURE * len(photos[1:])} this?"
    images = [exported.family.preprocess(photo) for photo in photos]
    prompt = exported.family.build_prompt([Message("user", text)], images, 16)
    return [
        Context(prompt, tuple(images), tuple(runtime.encode(each, CANCEL) for each in images))
        for runtime in exported.runtimes
    ]


@pytest.mark.parametrize("photos", range(len(PHOTOS) + 1))
def test_words_and_attention_are_pytorchs(exported: Exported, photos: int) -> None:
    """Also where the prompt is read by a graph of its own, block by block and photo by photo."""
    slow, plain = contexts(exported, PHOTOS[:photos])
    theirs = greedy(exported.torch, slow)
    assert exported.onnx.attention_shape == exported.torch.attention_shape
    for runtime in (exported.onnx, exported.quick):
        ours = greedy(runtime, plain)
        assert [token.token_id for token in ours] == [token.token_id for token in theirs]
        for one, two in zip(ours, theirs, strict=True):
            assert one.attention is not None
            assert two.attention is not None
            assert one.attention.shape == (*runtime.attention_shape, two.attention.shape[-1])
            np.testing.assert_allclose(one.attention, two.attention, atol=1e-4)
    written = [*slow.prompt.token_ids, *(token.token_id for token in theirs)]
    near(exported.onnx.score(written, plain, CANCEL), exported.torch.score(written, slow, CANCEL))


def test_mixed_ones_read_the_prompt_truer_than_with_4_bits(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(_checkpoint: object, _family: object, path: Path) -> None:  # takes seconds
        for file in exported.graphs.glob(f"{path.name}*"):
            shutil.copyfile(file, path.with_name(file.name))

    monkeypatch.setattr(vision, "export_vision", copied)
    sizes = export(exported.checkpoint, tmp_path / "mixed", Precision.MIXED, lambda *_: None)
    assert PROMPT in sizes
    mixed = opened(tmp_path / "mixed")
    slow, plain = contexts(exported, PHOTOS[:2])
    features = tuple(mixed.encode(each, CANCEL) for each in plain.images)
    check_last_row(mixed, replace(plain, features=features), exported.torch, slow)
    truth, eight = left(exported.onnx, plain), left(mixed, plain)
    mixed.decoder.prompt = None
    four = left(mixed, plain)
    errors = [np.linalg.norm(each - truth) / np.linalg.norm(truth) for each in (eight, four)]
    assert 0 < errors[0] < 0.05
    assert errors[0] < errors[1] / 4


def check_last_row(mixed: Any, context: Context, torch: Any, slow: Context) -> None:
    """What the prompt's last position says and looks at; of that, nothing is missing to 1."""
    ids = context.prompt.token_ids
    theirs, ours = (
        runtime.decode(ids, each, None, attention=True, cancel=CANCEL)
        for runtime, each in ((torch, slow), (mixed, context))
    )
    assert np.abs(softmax(ours.logits) - softmax(theirs.logits)).sum() / 2 < 0.4
    assert np.abs(ours.attention - theirs.attention).sum(axis=-1).mean() / 2 < 0.2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixed, "looks", lambda attention, _context: attention)
        whole = mixed.decode(ids, context, None, attention=True, cancel=CANCEL).attention
    np.testing.assert_allclose(whole.sum(axis=-1), 1, atol=1e-4)


def left(runtime: Any, context: Context) -> NDArray[np.float32]:
    """Keys and values of the prompt, without its last position."""
    ids = context.prompt.token_ids
    past = runtime.decode(ids, context, None, attention=False, cancel=CANCEL).cache
    held = [past.buffers.held(name)[:, :, : len(ids) - 1] for name in runtime.decoder.pairs]
    return np.stack(held)


def test_the_engine_answers_and_measures_with_them(exported: Exported) -> None:
    engine = CheckpointEngine(exported.graphs, RuntimeName.ONNX_CPU)
    engine.load()
    sampling, steps = Sampling(max_new_tokens=2), list[TokenStep]()
    messages = (Message("user", "What is this?"),)
    request = GenerationRequest(1, PHOTOS[:2], messages, sampling)
    assert engine.generate(request, CANCEL, steps.append).error is None
    for step in steps:
        assert step.attention is not None
        maps = (step.attention, *step.attention.others)
        assert [each.grid.photo_width for each in maps] == [photo.width for photo in PHOTOS[:2]]
        shape = exported.onnx.attention_shape
        assert all(each.weights.shape == (*shape, each.grid.cells) for each in maps)
        assert sum(each.weights.sum(axis=-1) for each in maps).max() > 0.01
    found = FoundMaps()
    token_ids = tuple(step.token_id for step in steps)
    engine.explain(Explanation(request, token_ids), Method.OCCLUSION, CANCEL, found.take)
    assert found[-1].done == 1
    assert np.abs(found[-1].weights).max() > 0
    engine.close()
