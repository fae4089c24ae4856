"""The exported graphs against the model, on tiny random weights."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from mmgpt_desktop.engine.bundle import open_bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_packed, pack, quantise, unpack
from mmgpt_desktop.training.bundle import build_bundle
from mmgpt_desktop.training.export import stored_tensors
from mmgpt_desktop.training.heads import HeadScores

CANCEL = CancelToken()
PIXELS = np.linspace(-1, 1, 3 * 64 * 64, dtype=np.float32).reshape(1, 3, 64, 64)


@pytest.fixture(scope="module")
def bundle(
    tiny_model: MMGPTForConditionalGeneration,
    tiny_tokenizer: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    heads = HeadScores([[0.1, 0.4], [0.3, 0.2]], 0.05, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        build_bundle(tiny_model, tiny_tokenizer, heads, folder / "tiny")
    return folder / "tiny"


@pytest.fixture(scope="module")
def runtimes(bundle: Path) -> tuple[OnnxRuntime, TorchRuntime]:
    opened = open_bundle(bundle)
    opened.verify(lambda _: None, CANCEL)
    return OnnxRuntime(opened, RuntimeName.ONNX_CPU), TorchRuntime(opened)


@pytest.mark.parametrize("chunks", [[7], [4, 3], [5, 1, 1], [1, 6]])
@pytest.mark.parametrize("picture", [True, False])
def test_graphs_equal_the_model(
    runtimes: tuple[OnnxRuntime, TorchRuntime], chunks: list[int], picture: bool
) -> None:
    ids = [1, 20, 30, 40, 2, 50, 60]
    results = []
    for runtime in runtimes:
        encoded = runtime.encode(PIXELS if picture else None, CANCEL)
        cache, start = None, 0
        for size in chunks:
            feed = ids[start : start + size]
            result = runtime.decode(feed, encoded, cache, attention=True, cancel=CANCEL)
            cache, start = result.cache, start + size
        results.append(result)
    ours, theirs = results
    assert np.abs(ours.logits - theirs.logits).max() < 1e-3
    assert ours.attention is not None
    assert theirs.attention is not None
    assert ours.attention.shape == (2, 2, 16 if picture else 0)
    assert np.allclose(ours.attention, theirs.attention, atol=1e-4)


def test_the_weights_lie_in_the_bundle_once(bundle: Path) -> None:
    graphs = sum((bundle / name).stat().st_size for name in ("image_encoder.onnx", "decoder.onnx"))
    assert graphs < 1_000_000
    stored = stored_tensors(bundle / "model.safetensors")
    assert stored["embedding.weight"].dtype == "I8"
    assert "lm_head.weight" not in stored


def test_manifest_names_the_best_heads(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["attention"]["heads"] == [[0, 1], [1, 0], [1, 1]]
    assert "40 %" in manifest["attention"]["how"]


def test_quantising_keeps_each_value_within_half_a_step() -> None:
    matrix = torch.randn(5, 64) * torch.logspace(-4, 2, 5)[:, None]
    values, scale = quantise(matrix)
    assert values.dtype == torch.int8
    assert ((values * scale - matrix).abs() <= scale / 2 + 1e-9).all()


def test_packing_keeps_a_row_of_zeros() -> None:
    packed = pack({"fully.weight": torch.zeros(3, 4)})
    assert (unpack(packed)["fully.weight"] == 0).all()


def test_packed_weights_are_those_of_the_model(
    bundle: Path, tiny_model: MMGPTForConditionalGeneration
) -> None:
    loaded = load_packed(bundle)
    ids = torch.tensor([[1, 20, 2]])
    with torch.no_grad():
        difference = (loaded(ids).logits - tiny_model(ids).logits).abs().max()
    assert difference < 0.3
    assert loaded.lm_head.weight is loaded.embedding.weight
    assert not loaded.training
