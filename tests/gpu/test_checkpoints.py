"""Public models as the app opens them, with a graphics card: our exports and the community's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgpt_desktop.engine.graphs.decoder_session import ROOM
from mmgpt_desktop.export.export_folder import VISION, export
from mmgpt_desktop.export.linear import Precision
from tests.community import HEADS, KINDS, make_llama
from tests.engine.test_checkpoint_onnx import folder_of
from tests.families.checkpoints import tiny_smolvlm
from tests.gpu.measures import CPU, CUDA
from tests.gpu.stub import run_on_stub
from tests.gpu.test_placement import OF_SHAPES, check_placement

TOKENS = 30
OF_OUR_ATTENTION = {"Sign", "Sqrt"}  # of sizes, where the community's graphs are given a row
HANDFUL, ENCODER = 40, 30  # nodes that work out shapes; a merged graph has them twice


def check(found: dict[str, Any]) -> dict[str, int]:
    """The decoder's operators on the card."""
    placed, (_, *steps) = found["decoder"], found["tokens"]
    assert placed[CPU].keys() <= OF_SHAPES | OF_OUR_ATTENTION
    assert sum(placed[CPU].values()) <= HANDFUL
    assert placed["copies"] <= 2
    assert len(steps) == TOKENS
    for step in steps:
        assert 0 < step["uploads"] + step["downloads"] <= 10
        assert step["waits"] <= 2
        assert step["bytes_up"] + step["bytes_down"] <= 100_000
        assert step["launches"] > 20
    grown = {name: steps[-1][name] - steps[0][name] for name in steps[0]}
    assert grown["uploads"] == grown["downloads"] == grown["launches"] == 0
    assert grown["bytes_up"] <= 3 * 8 * TOKENS, "masks and places"
    assert grown["bytes_down"] <= 2 * HEADS * 4 * TOKENS, "the attention"
    return dict(placed[CUDA])


def check_growth(steps: list[dict[str, int]]) -> None:
    """The cache is full on the way, and moves into larger buffers on the card."""
    moved = [step for step in steps[1:] if step["copies_on_card"] > steps[1]["copies_on_card"] + 2]
    assert moved, "it was full"
    for step in steps:
        assert step["bytes_up"] < 10_000, "neither room nor what was held before came up"
        assert step["bytes_down"] < 20_000


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT4])
def test_an_export_of_ours(stub: Path, tmp_path: Path, precision: Precision) -> None:
    checkpoint, out = tmp_path / "model", tmp_path / "out"
    export(tiny_smolvlm(checkpoint, head_dim=16, kind="Idefics3"), out, precision, lambda *_: None)
    operators = check(run_on_stub(stub, "tests.gpu.checkpoints:exported", str(out), TOKENS))
    assert operators["GroupQueryAttention"] == 2
    check_placement(stub, out / VISION, ENCODER)
    check_growth(run_on_stub(stub, "tests.gpu.checkpoints:exported", str(out), ROOM + 10)["tokens"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_communitys_graphs(stub: Path, tmp_path: Path, kind: str) -> None:
    """In half precision, as they are preferred there; their cache is kept on the card."""
    model = make_llama(HEADS if kind == "mha" else 2)
    folder = str(folder_of(tmp_path, model, kind, dtype=np.float16))
    check(run_on_stub(stub, "tests.gpu.checkpoints:community", folder, TOKENS))
