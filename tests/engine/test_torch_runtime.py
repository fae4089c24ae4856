"""PyTorch behind the same protocol, with a small untrained model."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmgpt_desktop.engine.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling, TokenStep
from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import save_packed
from tests.fakes import make_photo
from tests.tiny_bundle import make_tiny_bundle, manifest, read_manifest, write_manifest

SIDE, ROWS, HEADS, WIDTH, LAYERS, LOOKING = 256, 16, 2, 16, 2, 1
PIXELS = np.linspace(-1, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)
PROMPT = (1, 40, 41, 42, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_bundle(tmp_path_factory.mktemp("torch") / "small")
    vocabulary = read_manifest(folder)["decoder"]["vocabulary"]
    torch.manual_seed(0)
    config = MMGPTConfig(
        vocab_size=vocabulary,
        hidden_size=HEADS * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
    )
    save_packed(MMGPTForConditionalGeneration(config).eval(), folder)
    about = manifest(folder, vocabulary)
    about["image"]["size"], about["grid"] = SIDE, {"rows": ROWS, "columns": ROWS}
    about["decoder"] |= {"head_dim": WIDTH, "attention_layers": LOOKING}
    about["attention"]["heads"] = [[0, 1]]
    write_manifest(folder, about)
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return open_bundle(folder)


@pytest.fixture(scope="module")
def runtime(bundle: Bundle) -> TorchRuntime:
    return TorchRuntime(bundle)


def test_shapes_of_a_run(bundle: Bundle, runtime: TorchRuntime) -> None:
    cancel = CancelToken()
    encoded = runtime.encode(PIXELS, cancel)
    assert [tuple(part.shape) for part in encoded] == [(LOOKING, 1, HEADS, ROWS**2, WIDTH)] * 2
    result = runtime.decode(PROMPT, encoded, None, attention=True, cancel=cancel)
    assert result.logits.shape == (bundle.manifest.decoder.vocabulary,)
    assert result.attention is not None
    assert result.attention.shape == (LOOKING, HEADS, ROWS**2)
    assert not runtime.decode(PROMPT, encoded, None, attention=False, cancel=cancel).attention


@pytest.mark.parametrize("pixels", [PIXELS, None])
def test_steps_through_the_cache_equal_one_prefill(
    runtime: TorchRuntime, pixels: np.ndarray | None
) -> None:
    cancel = CancelToken()
    encoded = runtime.encode(pixels, cancel)
    whole = runtime.decode(PROMPT, encoded, None, attention=True, cancel=cancel)
    cache = runtime.decode(PROMPT[:3], encoded, None, attention=False, cancel=cancel).cache
    cache = runtime.decode(PROMPT[3:4], encoded, cache, attention=False, cancel=cancel).cache
    last = runtime.decode(PROMPT[4:], encoded, cache, attention=True, cancel=cancel)
    assert last.logits == pytest.approx(whole.logits, abs=1e-5)
    assert last.attention == pytest.approx(whole.attention, abs=1e-5)


def test_the_engine_answers_with_it(folder: Path) -> None:
    engine = Engine(folder, RuntimeName.TORCH)
    engine.load()
    steps: list[TokenStep] = []
    request = GenerationRequest(
        1, (make_photo(40, 30),), (Message("user", "A dog?"),), Sampling(max_new_tokens=3)
    )
    outcome = engine.generate(request, CancelToken(), steps.append)
    assert (outcome.kind, outcome.error) == ("done", None)
    assert (engine.runtime.runtime, engine.runtime.provider) == (RuntimeName.TORCH, "cpu")
    assert all(step.attention is not None for step in steps)
    engine.close()


def test_transformers_generate_can_be_timed(runtime: TorchRuntime) -> None:
    for attention in (False, True):
        assert runtime.time_generate(PIXELS, PROMPT, 2, attention=attention) > 0


def test_a_cancelled_token_starts_no_run(runtime: TorchRuntime) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        runtime.encode(PIXELS, cancel)
    with pytest.raises(Cancelled):
        runtime.decode(PROMPT, None, None, attention=True, cancel=cancel)  # type: ignore[arg-type]


def test_a_run_that_breaks_is_a_failure(runtime: TorchRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch broke"):
        runtime.encode(PIXELS[:, :2], CancelToken())


def test_weights_that_cant_be_read_are_a_failure(own_bundle: Path) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch can't load the model"):
        TorchRuntime(open_bundle(own_bundle))


def test_a_missing_pytorch_is_a_failure(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RuntimeFailure, match="PyTorch can't load the model"):
        TorchRuntime(bundle)
