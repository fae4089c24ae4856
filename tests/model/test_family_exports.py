"""Families whose graphs are not those of LLaVA, exported: ONNX Runtime beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.engine.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.families.base import Context, Family, Features, Seen
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.public import PublicEngine
from mmgpt_desktop.engine.public_onnx_models import IdeficsOnnx, public_onnx
from mmgpt_desktop.engine.public_torch_models import public_torch
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.export.bundle import export
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.messages import (
    PICTURE,
    CellMaps,
    Explanation,
    GenerationRequest,
    Message,
    Photo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from tests.family_checks import SHAPES
from tests.model.test_llava_onevision import tiny_onevision
from tests.public_checks import greedy
from tests.public_models import noise_photo
from tests.tiny_idefics import tiny_idefics
from tests.tiny_kosmos2 import tiny_kosmos2
from tests.tiny_qwen import tiny_qwen2, tiny_qwen3, tiny_qwen25

CANCEL = CancelToken()
MODELS: dict[str, Callable[[Path], Path]] = {
    "idefics": tiny_idefics,
    "kosmos2": tiny_kosmos2,
    "llava onevision": tiny_onevision,
    "qwen2": tiny_qwen2,
    "qwen2.5": tiny_qwen25,
    "qwen3": tiny_qwen3,
}


@dataclass(frozen=True, eq=False)
class Exported:
    """A checkpoint in PyTorch, and its graphs."""

    graphs: Path
    family: Family
    torch: Any
    onnx: Any

    @property
    def runtimes(self) -> Sequence[Any]:
        return self.torch, self.onnx


@pytest.fixture(scope="module", params=list(MODELS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    checkpoint = open_checkpoint(enlivened(MODELS[request.param](folder / "model")))
    out = export(checkpoint.path, folder / "out", Precision.FP32, lambda *_: None).folder
    runtime = public_onnx(read_checkpoint(out), RuntimeName.ONNX_CPU, cache=folder / "cache")
    return Exported(out, family_of(checkpoint), public_torch(checkpoint), runtime)


def enlivened(folder: Path) -> Path:
    """With matrices ten times as large: at first each patch and word is nearly like the others.

    Gates (Idefics) stay half open.
    """
    from safetensors.numpy import load_file, save_file

    file = folder / "model.safetensors"
    tensors = load_file(file)
    grown = {
        name: each * 10 if each.ndim > 1 and "alpha" not in name else each
        for name, each in tensors.items()
    }
    save_file(grown, file, metadata={"format": "pt"})
    return folder


def near(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    """By the largest difference, as a share of how far the expected values lie apart."""
    one, two = np.asarray(found, np.float32), np.asarray(expected, np.float32)
    assert one.shape == two.shape
    assert np.ptp(two) > 0
    assert np.abs(one - two).max() < tolerance * np.ptp(two)


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
    plain, fine = (exported.family.see(photo, fine=fine) for fine in (False, True))
    check_photo(exported, plain)
    if not np.array_equal(plain.inputs["pixel_values"], fine.inputs["pixel_values"]):
        check_photo(exported, fine)


def check_photo(exported: Exported, seen: Seen) -> None:
    laid = exported.family.lay([Message("user", "What is this?")], [seen], 16)
    theirs, ours = (runtime.encode(seen, CANCEL) for runtime in exported.runtimes)
    if not isinstance(exported.onnx, IdeficsOnnx):  # which gives keys and values, not features
        for one, two in zip(parts(ours), parts(theirs), strict=True):
            near(one, two)
    assert (ours.reading is None) == (theirs.reading is None)
    if ours.reading is not None:
        near(ours.reading, theirs.reading)
    expected, found = (
        runtime.score(laid.token_ids, Context(laid, (seen,), (features,)), CANCEL)
        for runtime, features in zip(exported.runtimes, (theirs, ours), strict=True)
    )
    near(found, expected)


PHOTOS = (noise_photo(60, 40), noise_photo(24, 50), noise_photo(5, 3))


def contexts(exported: Exported, photos: Sequence[Photo]) -> list[Context]:
    """A question with photos before it and, if there are several, within it; for each runtime."""
    text = f"What is{PICTURE * len(photos[1:])} this?"
    seen = [exported.family.see(photo) for photo in photos]
    laid = exported.family.lay([Message("user", text)], seen, 16)
    return [
        Context(laid, tuple(seen), tuple(runtime.encode(each, CANCEL) for each in seen))
        for runtime in exported.runtimes
    ]


@pytest.mark.parametrize("photos", range(len(PHOTOS) + 1))
def test_words_and_attention_are_pytorchs(exported: Exported, photos: int) -> None:
    pairs = list(zip(exported.runtimes, contexts(exported, PHOTOS[:photos]), strict=True))
    theirs, ours = (greedy(runtime, context) for runtime, context in pairs)
    assert [token.token_id for token in ours] == [token.token_id for token in theirs]
    assert exported.onnx.attention_shape == exported.torch.attention_shape
    for one, two in zip(ours, theirs, strict=True):
        assert one.attention is not None
        assert two.attention is not None
        assert one.attention.shape == (*exported.onnx.attention_shape, two.attention.shape[-1])
        np.testing.assert_allclose(one.attention, two.attention, atol=1e-4)
    written = [*pairs[0][1].laid.token_ids, *(token.token_id for token in theirs)]
    scores = [runtime.score(written, context, CANCEL) for runtime, context in pairs]
    near(scores[1], scores[0])


def test_the_engine_answers_and_measures_with_them(exported: Exported) -> None:
    engine = PublicEngine(exported.graphs, RuntimeName.ONNX_CPU)
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
    found = list[CellMaps]()
    token_ids = tuple(step.token_id for step in steps)
    engine.occlude(Explanation(request, token_ids), CANCEL, found.append)
    assert found[-1].done == 1
    assert np.abs(found[-1].weights).max() > 0
    engine.close()
