"""Where ONNX Runtime puts the nodes of our graphs when there is a graphics card: on the card."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.embedded import FLOW, PAINTER
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.painting.flow_folder import MOVE
from mmgpt_desktop.engine.painting.painter_folder import DRAW, PAINT, READ
from mmgpt_desktop.resources import mini_path, resource_path
from tests.gpu.measures import CPU, CUDA
from tests.gpu.stub import run_on_stub

MINI = mini_path()
FUSIONS = ("concat", "cross_attention", "graph")
# A few whole numbers about lengths and places, which ONNX Runtime itself keeps on the processor.
OF_SHAPES = {"Add", "Cast", "Concat", "Gather", "Mul", "Reshape", "Slice", "Squeeze", "Sub"}
DECODER = 13  # so many of them


def check_placement(stub: Path, graph: Path, handful: int) -> dict[str, int]:
    """The operators on the card. All are there but a `handful`; at most two copies are between."""
    placed = run_on_stub(stub, "tests.gpu.measures:placement", str(graph))
    elsewhere = placed.get(CPU, {})
    assert elsewhere.keys() <= OF_SHAPES, graph.name
    assert sum(elsewhere.values()) <= handful, graph.name
    assert placed["copies"] <= 2, graph.name
    return dict(placed[CUDA])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_mmgpt_mini_is_on_the_card(stub: Path, fusion: str) -> None:
    bundle = open_bundle(MINI)
    files = bundle.manifest.fusions[fusion]
    decoder = check_placement(stub, bundle.file(files.decoder), DECODER)
    assert decoder["MatMul"] > 50
    encoder = check_placement(stub, bundle.file(files.image_encoder), 0)
    assert encoder["Conv"] == 64
    assert "BatchNormalization" not in encoder, "folded into the convolutions"


@pytest.mark.parametrize(
    ("name", "graph", "handful"),
    [(PAINTER, READ, 5), (PAINTER, PAINT, 14), (PAINTER, DRAW, 3), (FLOW, MOVE, 15)],
)
def test_our_painters_are_on_the_card(stub: Path, name: str, graph: str, handful: int) -> None:
    placed = check_placement(stub, resource_path("models", name) / graph, handful)
    assert placed["Conv" if graph == DRAW else "MatMul"] > 10
    assert placed.keys().isdisjoint({"BitShift", "BitwiseAnd"}), "4 bits are unpacked once"
