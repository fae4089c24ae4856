"""Every family's decoder for graphics cards is on the card, and asks little of the bus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop.engine.families.registry import families
from mmgpt_desktop.engine.folder.layouts import CARD
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.export_folder import read_config
from mmgpt_desktop.export.linear import Precision, linears_for
from tests.benchmarks.precisions import open_language
from tests.families.tiny import TINY
from tests.gpu.exported import CONFIG, STEPS
from tests.gpu.measures import CPU, CUDA
from tests.gpu.stub import run_on_stub
from tests.gpu.test_placement import OF_SHAPES

Measured = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: TINY[kind](folder / kind) for kind in families()}


@pytest.fixture(scope="module", params=["fp16", "int4"])
def measured(
    request: pytest.FixtureRequest,
    stub: Path,
    models: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Measured:
    linears, folders = linears_for(Precision(request.param)), dict[str, str]()
    for kind, model in models.items():
        folder, language = tmp_path_factory.mktemp("decoder"), open_language(model)
        plain, card = folder / "decoder.onnx", folder / CARD
        build_decoder(language.spec, language.weights, plain, linears, card=card)
        config = read_config(model).get_text_config(decoder=True)
        config.to_json_file(folder / CONFIG, use_diff=False)
        folders[kind] = str(folder)
    found: Measured = run_on_stub(stub, "tests.gpu.exported:decoders", folders)
    return found


@pytest.mark.parametrize("kind", list(families()))
def test_its_nodes_are_on_the_card(measured: Measured, kind: str) -> None:
    placed = measured[kind]["placed"]
    assert placed[CPU].keys() <= OF_SHAPES
    assert placed["copies"] <= 2
    assert placed[CUDA]["GroupQueryAttention"] >= 2


@pytest.mark.parametrize("kind", list(families()))
def test_a_token_asks_little_of_the_bus(measured: Measured, kind: str) -> None:
    steps = measured[kind]["steps"]
    assert len(steps) == STEPS
    for step in steps:
        assert 0 < step["uploads"] + step["downloads"] <= 10
        assert step["waits"] <= 2
        assert step["bytes_up"] + step["bytes_down"] <= 100_000
        assert step["launches"] > 20
    grown = steps[-1]["bytes_down"] - steps[0]["bytes_down"]
    attention = 2 * 8 * 4 * STEPS  # of a longer answer: layers, heads at most, bytes of a weight
    assert 0 <= grown <= attention
