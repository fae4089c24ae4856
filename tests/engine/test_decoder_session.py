"""A decoder of ours, run with a cache that is written in place."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import onnxruntime
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, DecoderSession
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.decoder_spec import read_spec
from mmgpt_desktop.export.graph_writer import FLOAT, GraphWriter, WeightFile
from mmgpt_desktop.export.linear import (
    ByPosition,
    InBlocks,
    Linears,
    Precision,
    linears_for,
)
from mmgpt_desktop.export.quantise import round_to_nearest
from mmgpt_desktop.export.weights import DecoderWeights
from tests.benchmarks.precisions import CHUNK, difference, read
from tests.benchmarks.weight_ways import DynamicInt8
from tests.not_none import not_none

CONFIG = {
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 48,
    "vocab_size": 50,
}
TEXTS = [list(range(40)), [7, 3, 9] * 6]


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return generator.normal(scale=0.3, size=shape).astype(np.float32)

    made = {"model.embed_tokens.weight": some(50, 32), "model.norm.weight": 1 + some(32)}
    for layer in range(2):
        name = f"model.layers.{layer}"
        made |= {
            f"{name}.input_layernorm.weight": 1 + some(32),
            f"{name}.post_attention_layernorm.weight": 1 + some(32),
            f"{name}.self_attn.q_proj.weight": some(64, 32),
            f"{name}.self_attn.k_proj.weight": some(32, 32),
            f"{name}.self_attn.v_proj.weight": some(32, 32),
            f"{name}.self_attn.o_proj.weight": some(32, 64),
            f"{name}.mlp.gate_proj.weight": some(48, 32),
            f"{name}.mlp.up_proj.weight": some(48, 32),
            f"{name}.mlp.down_proj.weight": some(32, 48),
        }
    return made


def session(
    weights: dict[str, np.ndarray],
    folder: Path,
    linears: Linears,
    attention: bool = True,
) -> DecoderSession:
    path = folder / "decoder.onnx"
    build_decoder(read_spec(CONFIG), DecoderWeights(weights), path, linears, attention=attention)
    return DecoderSession(path, capacity=48, threads=1)


def test_step_by_step_equals_all_at_once(weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    decoder = session(weights, tmp_path, linears_for(Precision.FP32))
    embedded = weights["model.embed_tokens.weight"][TEXTS[0]][None]
    whole, rows = decoder.feed(embedded, logits_from=0)
    assert whole.shape == (40, 50)
    assert rows is not None
    assert rows.shape == (2, 4, 40)
    decoder.length = 0
    for place in range(40):
        logits, row = decoder.feed(embedded[:, place : place + 1])
        np.testing.assert_allclose(logits[0], whole[place], atol=1e-4)
    assert row is not None
    np.testing.assert_allclose(row, rows, atol=1e-5)
    np.testing.assert_allclose(row.sum(-1), 1, atol=1e-5)


def test_the_cache_grows_when_it_is_full(weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    decoder = session(weights, tmp_path, linears_for(Precision.FP32))
    embedded = weights["model.embed_tokens.weight"][np.arange(600) % 50][None]
    whole, _ = decoder.feed(embedded, logits_from=0)
    small = DecoderSession(tmp_path / "decoder.onnx", capacity=8, threads=1)
    for start in range(0, 600, 100):
        found, _ = small.feed(embedded[:, start : start + 100], logits_from=0)
        np.testing.assert_allclose(found, whole[start : start + 100], atol=1e-4)


def test_no_room_for_the_cache_is_a_failure_of_the_runtime(
    weights: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another runtime takes over after one, and after nothing else."""
    decoder = session(weights, tmp_path, linears_for(Precision.FP32))
    embedded = weights["model.embed_tokens.weight"][np.arange(100) % 50][None]

    def full(*_: object) -> NoReturn:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", full)
    with pytest.raises(RuntimeFailure, match=r"broke while it ran the model \(out of memory\)"):
        decoder.feed(embedded)


def test_a_prompt_graph_leaves_the_cache_that_the_other_would(
    weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    exact = linears_for(Precision.FP32)
    whole = session(weights, tmp_path, exact)
    spec, path = read_spec(CONFIG), tmp_path / "prompt.onnx"
    build_decoder(spec, DecoderWeights(weights), path, exact, cache_only=True)
    quick = DecoderSession(tmp_path / "decoder.onnx", capacity=48, threads=1, prompt=path)
    embedded = weights["model.embed_tokens.weight"][TEXTS[0]][None]
    for start, stop in ((0, 20), (20, 21), (21, 40)):  # a prompt, a step, a second turn
        logits, rows = whole.feed(embedded[:, start:stop])
        found, row = quick.feed(embedded[:, start:stop])
        assert quick.length == whole.length == stop
        np.testing.assert_allclose(found, logits, atol=1e-4)
        np.testing.assert_allclose(not_none(row), not_none(rows), atol=1e-5)


def test_with_a_scale_for_each_position_none_spoils_another(tmp_path: Path) -> None:
    """One is a thousand times as large as the rest."""
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(1, 8, 32)).astype(np.float32)
    matrix, bias = generator.normal(size=(24, 32)).astype(np.float32), np.ones(24, np.float32)
    rows[0, 2] *= 1000
    rows[0, 5] = 0
    path, errors = tmp_path / "layer.onnx", []
    for linears in (ByPosition(), DynamicInt8()):
        with (tmp_path / "layer.data").open("wb") as file:
            graph = GraphWriter(WeightFile(file, "layer.data"))
            graph.input("x", FLOAT, [1, "S", 32])
            made = linears.add(graph, "layer", "x", matrix, bias)
            graph.output(made, "y", FLOAT, [1, "S", 24])
            graph.save(path)
        (found,) = Graph(path, cuda=False).run(["y"], {"x": rows}, CancelToken())
        wrong = np.abs(found - (rows @ matrix.T + bias))[0]
        errors.append(wrong.max(-1))
    assert errors[0][5] == 0
    assert np.delete(errors[0], 2).max() < 0.2
    assert np.delete(errors[1], 2).max() > 2


def test_a_graph_without_attention_gives_none(
    weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    decoder = session(weights, tmp_path, linears_for(Precision.FP32), attention=False)
    assert decoder.feed(weights["model.embed_tokens.weight"][:3][None])[1] is None


def test_fewer_bits_are_farther_from_the_truth(
    weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    table, readings = weights["model.embed_tokens.weight"], []
    ways = [
        linears_for(Precision.FP32),
        linears_for(Precision.FP16),
        linears_for(Precision.INT8),
        linears_for(Precision.INT4),
        InBlocks(round_to_nearest(2, 32)),
    ]
    for place, linears in enumerate(ways):
        folder = tmp_path / str(place)
        folder.mkdir()
        readings.append(read(session(weights, folder, linears), table, TEXTS))
    assert len(readings[0].choices) == sum(map(len, TEXTS))
    assert len(readings[0].rows) == sum(-(-len(text) // CHUNK) for text in TEXTS)
    found = [difference(readings[0], other) for other in readings]
    assert (found[0].agreement, found[0].attention) == (1, 0)
    assert found[1].agreement > 0.98
    assert found[2].agreement > 0.9
    moved = [not_none(each.attention) for each in found]
    assert moved == sorted(moved)
    assert found[4].agreement < found[2].agreement


def test_a_card_copies_a_cache_that_its_operator_cant_take(
    tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    """It is float32 here; with buffers on a card this would fail."""
    build_decoder(
        read_spec(CONFIG), DecoderWeights(weights), tmp_path / "a.onnx", linears_for(Precision.FP32)
    )
    decoder = DecoderGraph(Graph(tmp_path / "a.onnx", cuda=False), in_place=True, cuda=True)
    embeddings = weights["model.embed_tokens.weight"][[3, 7]][None]
    feeds = decoder.text_feeds(embeddings, 0, logits_from=1)
    _, attention, past = decoder.run(feeds, None, 2, CancelToken())
    assert past.in_place is None
    assert attention is not None
    assert attention.shape == (2, 4, 2)
