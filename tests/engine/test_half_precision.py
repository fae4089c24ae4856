"""Every family in half precision, as on a graphics card, beside itself in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmgpt_desktop.engine import torch_device
from mmgpt_desktop.engine.chat.model_inputs import Context
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint
from tests.families.tiny import TINY
from tests.torch_answers import answered

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
MODELS = [kind for kind in TINY if kind not in ("idefics3", "qwen2_vl")]
"""These two run as SmolVLM and Qwen2.5-VL do."""


def rows_of(runtime: CheckpointTorch, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The last position's weights over all positions, layer by layer, as they come."""
    seen, given = list[torch.Tensor](), runtime.rows

    def watched(output: Any, context: Context, total: int) -> NDArray[np.float32]:
        seen.extend(layer[0, :, -1].float() for layer in output.attentions)
        return given(output, context, total)

    monkeypatch.setattr(runtime, "rows", watched)
    return seen


@pytest.fixture(scope="module", params=MODELS)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = TINY[request.param](tmp_path_factory.mktemp("half") / "tiny")
    return open_checkpoint(folder)


@pytest.mark.parametrize("half", HALVES)
def test_half_precision_looks_where_float32_does(
    checkpoint: Checkpoint, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = checkpoint_torch(checkpoint)
    chosen = torch_device.PROCESSOR, HALVES[half]
    monkeypatch.setattr(torch_device, "choose_device", lambda: chosen)
    rough = checkpoint_torch(checkpoint)
    assert (exact.info.precision, rough.info.precision) == ("float32", half)

    family, rows = family_of(checkpoint), rows_of(rough, monkeypatch)
    whole, halved = (answered(runtime, family) for runtime in (exact, rough))
    kinds = {each.dtype for each in (*vars(whole).values(), *vars(halved).values())}
    assert kinds == {np.dtype(np.float32)}
    assert whole.looks.max() > 0.01
    logits, looks = halved.apart(whole)
    assert (looks < 3e-2, logits < 5e-2) == (True, True)
    assert rows
    for row in rows:
        assert torch.allclose(row.sum(-1), torch.ones(len(row)), atol=1e-2)
    exact.close()
    rough.close()
