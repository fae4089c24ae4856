"""ONNX Runtime on a graphics card: the same answers as on the processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.engine.onnx_runtime import cuda_obstacle
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, TokenStep
from tests.community import make_llama
from tests.engine.test_checkpoint_onnx import PROMPT, context_of, folder_of
from tests.fakes import make_photo
from tests.tiny_bundle import ANSWER, FUSIONS, make_tiny_bundle

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(cuda_obstacle() is not None, reason="no CUDA here"),
]


def steps_of(folder: Path, name: RuntimeName, fusion: str) -> list[TokenStep]:
    engine = BundleEngine(folder, name)
    engine.load()
    assert engine.runtime.runtime is name
    steps: list[TokenStep] = []
    question = (Message("user", "A dog?"),)
    request = GenerationRequest(1, (make_photo(40, 30),), question, fusion=fusion)
    outcome = engine.generate(request, CancelToken(), steps.append)
    assert outcome.kind == "done"
    engine.close()
    return steps


@pytest.mark.parametrize("fusion", FUSIONS)
def test_cuda_answers_like_the_processor(tmp_path: Path, fusion: str) -> None:
    folder = make_tiny_bundle(tmp_path / "tiny")
    names = (RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU)
    cuda, cpu = (steps_of(folder, name, fusion) for name in names)
    assert "".join(step.text for step in cuda) == ANSWER
    for here, there in zip(cuda, cpu, strict=True):
        assert here.token_id == there.token_id
        assert here.probability == pytest.approx(there.probability, abs=1e-3)
        assert here.attention is not None
        assert there.attention is not None
        assert here.attention.weights == pytest.approx(there.attention.weights, abs=1e-3)


@pytest.mark.parametrize("kind", ["gqa-rotary", "gqa", "spelled"])
def test_a_public_models_graphs_give_the_same_on_cuda(tmp_path: Path, kind: str) -> None:
    """There the operator gives no weights, so they are computed again beside it."""
    folder = folder_of(tmp_path, make_llama(2), kind)
    results = []
    for name in (RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU):
        runtime = CheckpointOnnx(read_checkpoint(folder), name, cache=folder / "cache")
        assert runtime.info.runtime is name
        context, past, found = context_of(runtime), None, []
        for feed in (PROMPT, [3], [8]):
            found.append(runtime.decode(feed, context, past, attention=True, cancel=CancelToken()))
            past = found[-1].cache
        results.append(found)
        runtime.close()
    for cuda, cpu in zip(*results, strict=True):
        assert cuda.logits == pytest.approx(cpu.logits, abs=1e-2)
        assert cuda.attention is not None
        assert cuda.attention == pytest.approx(cpu.attention, abs=1e-3)
