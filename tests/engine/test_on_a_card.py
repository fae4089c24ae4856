"""PyTorch on a made-up graphics card: all that it computes with lies there; answers are true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._mode_utils import no_dispatch

from mmgpt_desktop.engine import checkpoint_torch as module
from mmgpt_desktop.engine import torch_device
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    RuntimeInfo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.model import attribution
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.model.written_answer import WrittenAnswer
from mmgpt_desktop.resources import mini_path
from tests.families.checkpoints import noise_photo
from tests.families.tiny import TINY
from tests.made_up_card import CARD, made_up_card
from tests.torch_answers import CANCEL, answered, told


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load = module.load_model

    def loaded(checkpoint: Checkpoint, **options: Any) -> Any:
        with no_dispatch():  # a model is built without memory, which "meta" is, too
            return load(checkpoint, **options)

    monkeypatch.setattr(module, "load_model", loaded)
    monkeypatch.setattr(torch_device, "choose_device", lambda: (CARD, torch.float32))
    with made_up_card():
        yield


@pytest.mark.parametrize("kind", TINY)
def test_a_family_answers_from_a_card(kind: str, tmp_path: Path, card: None) -> None:
    checkpoint = open_checkpoint(TINY[kind](tmp_path / "tiny"))
    family, providers, found = family_of(checkpoint), [], []
    for runtime in (checkpoint_torch(checkpoint), checkpoint_torch(checkpoint, card=False)):
        providers.append(runtime.info.provider)
        found.append(answered(runtime, family))
        runtime.close()
    assert providers == [CARD.type, "cpu"]
    logits, looks = found[0].apart(found[1])
    assert max(logits, looks) < 1e-4


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(mini_path())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_our_own_model_answers_and_explains_from_a_card(
    bundle: Bundle, fusion: str, card: None
) -> None:
    runtimes = TorchRuntime(bundle), TorchRuntime(bundle, card=False)
    assert [each.info.provider for each in runtimes] == [CARD.type, "cpu"]
    found, expected = (told(each, bundle, fusion) for each in runtimes)
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}
    assert set(found) >= {"rollout", "relevancy"}
    for name, values in expected.items():
        near = 1e-3 * np.abs(values).max()
        np.testing.assert_allclose(found[name], values, atol=near, err_msg=name)


def test_our_own_model_is_exact_where_others_are_halved(
    bundle: Bundle, card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_device, "choose_device", lambda: (CARD, torch.bfloat16))
    runtime = TorchRuntime(bundle)
    assert (runtime.info.provider, runtime.info.precision) == (CARD.type, "float32")


@pytest.mark.parametrize("choice", [RuntimeName.ONNX_CPU, RuntimeName.TORCH])
def test_a_card_that_breaks_over_a_map_gives_way_to_the_processor(
    choice: RuntimeName, card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside ONNX Runtime, and where PyTorch answers."""
    explain, tried = attribution.explain, list[str]()

    def broken(method: Method, answer: WrittenAnswer) -> NDArray[Any]:
        tried.append(answer.pixels.device.type)
        if answer.pixels.device == CARD:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return explain(method, answer)

    monkeypatch.setattr(attribution, "explain", broken)
    monkeypatch.setattr(RuntimeInfo, "CARDS", (CARD.type,))
    engine = BundleEngine(mini_path(), choice)
    engine.load()
    request = GenerationRequest(1, (noise_photo(60, 40),), (Message("user", "What?"),))
    maps = engine.traced(Explanation(request, (43, 44)), Method.ROLLOUT, CANCEL)
    assert maps.weights.max() > 0
    assert tried == [CARD.type, "cpu"]
    said = "PyTorch on the processor took over: The graphics card has not enough free memory."
    assert engine.runtime.runtime is choice
    assert str(engine.runtime.note) == said
    engine.close()


def test_an_answer_goes_on_without_the_card(
    tmp_path: Path, card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the same token: what the card held of the photo and the text is made anew."""
    folder = TINY["smolvlm"](tmp_path / "tiny")
    arguments, calls = module.CheckpointTorch.arguments, list[str]()

    def broken(self: module.CheckpointTorch, *given: Any) -> dict[str, Any]:
        calls.append(self.info.provider)
        if self.place.on_card and len(calls) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return arguments(self, *given)

    monkeypatch.setattr(module.CheckpointTorch, "arguments", broken)
    monkeypatch.setattr(RuntimeInfo, "CARDS", (CARD.type,))
    sampling = Sampling(max_new_tokens=4)
    request = GenerationRequest(1, (noise_photo(60, 40),), (Message("user", "What?"),), sampling)
    answers = []
    for _ in range(2):
        engine = CheckpointEngine(folder, RuntimeName.TORCH)
        engine.load()
        engine.stop_ids = frozenset()
        steps: list[TokenStep] = []
        outcome = engine.generate(request, CANCEL, steps.append)
        assert (outcome.kind, outcome.error) == ("done", None)
        answers.append([step.token_id for step in steps])
        engine.close()
    assert calls == [CARD.type] * 3 + ["cpu"] * 2 + [CARD.type] * 4
    assert answers[0] == answers[1]
