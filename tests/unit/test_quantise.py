"""Weights in few bits: what the kernels make of them, and how far they are from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from mmgpt_desktop.engine.onnx_runtime import make_session
from mmgpt_desktop.export.graph_writer import FLOAT, GraphWriter, WeightFile
from mmgpt_desktop.export.linear import (
    Floating,
    InBlocks,
    Linears,
    Precision,
    linears_for,
)
from mmgpt_desktop.export.quantise import Quantiser, as_stored, in_blocks, round_to_nearest
from tests.benchmarks.weight_ways import ByLayer, DynamicInt8, half_quadratic, least_squares

WAYS: dict[str, Quantiser] = {
    "4 bits": round_to_nearest(4, 32),
    "4 bits, symmetric": round_to_nearest(4, 32, symmetric=True),
    "8 bits": round_to_nearest(8, 32),
    "8 bits, symmetric": round_to_nearest(8, 16, symmetric=True),
    "half-quadratic": half_quadratic(4, 32),
    "least squares": least_squares(4, 32, {"layer": np.eye(48, dtype=np.float32)}),
}


def some_weight(rows: int = 24, columns: int = 48) -> np.ndarray:
    weight = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    weight[3] = 0  # a dead row
    weight[5, 7] = 9  # an outlier
    return weight


def graph_of(
    linears: Linears,
    weight: np.ndarray,
    bias: np.ndarray | None,
    folder: Path,
    layer: str = "layer",
    shape: Sequence[int | str] | None = None,
) -> Path:
    path = folder / "linear.onnx"
    with (folder / "linear.onnx.data").open("wb") as file:
        graph = GraphWriter(WeightFile(file, "linear.onnx.data"))
        value = graph.input("x", FLOAT, shape or ["S", weight.shape[1]])
        product = linears.add(graph, layer, value, weight, bias)
        graph.output(product, "y", FLOAT, [*(shape or ["S", 0])[:-1], weight.shape[0]])
        graph.save(path)
    return path


def applied(linears: Linears, x: np.ndarray, bias: np.ndarray | None, folder: Path) -> np.ndarray:
    path = graph_of(linears, some_weight(), bias, folder)
    session = make_session(str(path), folder, cuda=False)
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("way", WAYS)
def test_restored_weights_are_near(way: str) -> None:
    weight = some_weight()
    blocks = WAYS[way]("layer", weight)
    step = np.repeat(np.abs(blocks.scales), blocks.size, axis=1)[:, : weight.shape[1]]
    far = np.abs(blocks.restored(weight.shape[1]) - weight) / step
    assert far[3].max() == 0
    # Least squares moves what is left to round; half-quadratic lets outliers go.
    limit = 1.01 if way.endswith("symmetric") or way.startswith(("4", "8")) else 30
    assert far.max() <= limit
    assert np.median(far) < 0.5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("with_bias", [False, True])
def test_the_kernel_restores_the_same_weights(way: str, with_bias: bool, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(5, 48)).astype(np.float32)
    bias = np.arange(24, dtype=np.float32) if with_bias else None
    expected = x @ WAYS[way]("layer", some_weight()).restored(48).T + (0 if bias is None else bias)
    given = applied(InBlocks(WAYS[way]), x, bias, tmp_path)
    # Activations are int8 by block: an error of 1/254 of the largest, over 48 columns.
    np.testing.assert_allclose(given, expected, atol=0.25)
    assert np.abs(given - expected).mean() < 0.04


@pytest.mark.parametrize("linears", [Floating(), Floating(half=True), DynamicInt8()])
def test_other_ways_give_the_product(linears: Linears, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(5, 48)).astype(np.float32)
    bias = np.arange(24, dtype=np.float32)
    error = np.abs(applied(linears, x, bias, tmp_path) - (x @ some_weight().T + bias)).max()
    assert error < (0.5 if isinstance(linears, DynamicInt8) else 0.02)


def stored(bits: int, columns: int = 96) -> np.ndarray:
    """A weight that llama.cpp rounded: Q4_1 or Q8_0, and half precision since."""
    parts = in_blocks(some_weight(24, columns), 32)
    if bits == 4:
        low = parts.min(-1, keepdims=True).astype(np.float16).astype(np.float32)
        step = ((parts.max(-1, keepdims=True) - low) / 15).astype(np.float16).astype(np.float32)
    else:
        low = np.zeros((*parts.shape[:2], 1), np.float32)
        step = np.abs(parts).max(-1, keepdims=True) / 127
    step = np.where(step == 0, 1, step)
    rounded = np.round((parts - low) / step) * step + low
    return np.asarray(rounded.reshape(24, columns).astype(np.float16), np.float32)


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_that_came_in_few_bits_stay_as_they_are(bits: int, tmp_path: Path) -> None:
    weight = stored(bits)
    way = as_stored(round_to_nearest(2, 32), 32)
    blocks = way("layer", weight)
    assert blocks.bits == bits
    step = np.repeat(blocks.scales, 32, axis=1)
    assert (np.abs(blocks.restored(96) - weight) <= 0.2 * step).all()
    x = np.random.default_rng(1).normal(size=(1, 5, 96)).astype(np.float32)
    graph = graph_of(InBlocks(way, floating=True), weight, None, tmp_path, shape=[1, "S", 96])
    given = make_session(str(graph), tmp_path, cuda=False).run(None, {"x": x})[0]
    np.testing.assert_allclose(given, x @ weight.T, atol=0.05)


@pytest.mark.parametrize("columns", [48, 96])
def test_other_weights_are_rounded_as_before(columns: int) -> None:
    weight, other = some_weight(24, columns), round_to_nearest(8, 32, symmetric=True)
    found, expected = as_stored(other, 32)("layer", weight), other("layer", weight)
    assert found.offsets is None
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.scales, expected.scales)


def test_least_squares_errs_less_where_inputs_are_correlated() -> None:
    generator = np.random.default_rng(2)
    x = (generator.normal(size=(500, 6)) @ generator.normal(size=(6, 48))).astype(np.float32)
    weight = some_weight()
    ways = [round_to_nearest(4, 32), least_squares(4, 32, {"layer": x.T @ x})]
    errors = [np.square(x @ (way("layer", weight).restored(48) - weight).T).mean() for way in ways]
    assert errors[1] < 0.5 * errors[0]


def test_half_quadratic_errs_less_for_most() -> None:
    weight = np.random.default_rng(3).standard_t(2, size=(64, 64)).astype(np.float32)
    ways = [round_to_nearest(4, 32), half_quadratic(4, 32)]
    errors = [(np.abs(way("", weight).restored(64) - weight) ** 0.7).sum() for way in ways]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("layer", ["layers.0.mlp.down_proj", "layers.0.mlp.up_proj"])
def test_mixed_precision_goes_by_the_layer_s_name(layer: str, tmp_path: Path) -> None:
    way = ByLayer({"down_proj": InBlocks(WAYS["8 bits"])}, InBlocks(WAYS["4 bits"]))
    path = graph_of(way, some_weight(), None, tmp_path, layer)
    (node,) = onnx.load(path).graph.node[:1]
    bits = {each.name: each.i for each in node.attribute}["bits"]
    assert bits == (8 if layer.endswith("down_proj") else 4)


def test_floating_activations_are_truer(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(5, 48)).astype(np.float32)
    x[:, 7] *= 50  # an outlier takes the other activations of its block their steps
    expected = x @ WAYS["8 bits"]("layer", some_weight()).restored(48).T
    ways = [InBlocks(WAYS["8 bits"], floating=floating) for floating in (True, False)]
    errors = [np.abs(applied(way, x, None, tmp_path) - expected).max() for way in ways]
    assert errors[0] < 1e-3 < errors[1]


def test_each_precision_has_its_size(tmp_path: Path) -> None:
    sizes = []
    for precision in Precision:
        folder = tmp_path / precision
        folder.mkdir()
        weight = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
        graph_of(linears_for(precision), weight, None, folder)
        sizes.append((folder / "linear.onnx.data").stat().st_size)
    whole = 256 * 256 * 4
    assert sizes[0] == whole
    assert sizes[1] == whole // 2
    assert whole // 4 < sizes[2] < whole // 3
    assert whole // 8 < sizes[3] < whole // 5
