"""The model that comes with the app, through both runtimes, on the sample photos."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.engine.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.images import load_photo
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken, Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.messages import GenerationRequest, Message, Photo, RuntimeName, Sampling
from mmgpt_desktop.pixels import prepare
from mmgpt_desktop.resources import default_bundle_path, resource_path

QUESTION = Message("user", "What is in this picture?")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    bundle = open_bundle(default_bundle_path())
    bundle.verify(lambda done: None, CancelToken())
    return bundle


@pytest.fixture(scope="module")
def onnx(bundle: Bundle) -> Runtime:
    return OnnxRuntime(bundle, RuntimeName.ONNX_CPU)


@pytest.fixture(scope="module")
def torch(bundle: Bundle) -> Runtime:
    return TorchRuntime(bundle)


def photo(name: str) -> Photo:
    return load_photo(resource_path("samples", name))


@pytest.mark.parametrize("name", ["cat.jpg", "coffee.jpg", None])
def test_both_runtimes_agree_to_a_thousandth(
    bundle: Bundle, onnx: Runtime, torch: Runtime, name: str | None
) -> None:
    cancel = CancelToken()
    pixels = prepare(photo(name), bundle.manifest.image)[0] if name else None
    encoded = [runtime.encode(pixels, cancel) for runtime in (onnx, torch)]
    for here, there in zip(*encoded, strict=True):
        assert np.abs(here - np.asarray(there)).max(initial=0) < 1e-3
    feed = list(MmgptFamily(bundle).prompt([QUESTION], 10).token_ids)
    caches: list[Any] = [None, None]
    for _ in range(8):
        first, second = (
            runtime.decode(feed, seen, cache, attention=True, cancel=cancel)
            for runtime, seen, cache in zip((onnx, torch), encoded, caches, strict=True)
        )
        assert np.abs(first.logits - second.logits).max() < 1e-3
        assert first.attention is not None
        assert second.attention is not None
        assert first.attention.shape == second.attention.shape
        assert np.abs(first.attention - second.attention).max(initial=0) < 1e-3
        assert (first.attention.sum(axis=-1) < 1 + 1e-4).all()
        feed, caches = [int(first.logits.argmax())], [first.cache, second.cache]


def answer(engine: Engine) -> tuple[str, tuple[str, ...]]:
    texts: list[str] = []
    request = GenerationRequest(
        1, (photo("cat.jpg"),), (QUESTION,), Sampling(repetition_penalty=1.1, max_new_tokens=16)
    )
    outcome = engine.generate(request, CancelToken(), lambda step: texts.append(step.text))
    assert outcome.kind == "done", outcome.error
    return "".join(texts), outcome.notes


def test_when_onnx_breaks_in_mid_answer_pytorch_writes_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: "switched off")
    engine = Engine(default_bundle_path())
    engine.load()
    whole, notes = answer(engine)
    assert whole
    assert notes == ()
    real, runs = onnxruntime.InferenceSession.run, 0

    def break_at_the_fourth(*args: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 4:
            raise RuntimeError("forced by a test")
        return real(*args)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", break_at_the_fourth)
    assert answer(engine) == (
        whole,
        ("PyTorch took over: ONNX Runtime broke while it ran the model (forced by a test).",),
    )
    assert engine.runtime.runtime is RuntimeName.TORCH
    engine.close()
