"""ONNX Runtime on a graphics card: the same answers as on the processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.engine.onnx_runtime import cuda_obstacle
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, TokenStep
from tests.fakes import make_photo
from tests.tiny_bundle import ANSWER, FUSIONS, make_tiny_bundle

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(cuda_obstacle() is not None, reason="no CUDA here"),
]


def steps_of(folder: Path, name: RuntimeName, fusion: str) -> list[TokenStep]:
    engine = Engine(folder, name)
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
