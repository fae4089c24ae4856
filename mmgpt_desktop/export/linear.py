"""How a linear layer is written into a graph, for each precision."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.graphs.nodes import Nodes
from mmgpt_desktop.export.graph_writer import CONTRIB, FLOAT, HALF
from mmgpt_desktop.export.quantise import Blocks, Quantiser, as_stored, round_to_nearest

FLOATS, INT8_ACTIVATIONS = 1, 4  # MatMulNBits's `accuracy_level`
BLOCK = 32
TINY = 1e-30  # so that nothing is divided by 0

Floats = NDArray[np.float32]


class Precision(StrEnum):
    """How a decoder's weights are kept."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    INT4 = "int4"
    MIXED = "mixed"  # int8 for the prompt, int4 for the answer: the weights are there twice


class Linears(Protocol):
    """Adds linear layers to a graph."""

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        """Nodes for value @ weight.T + bias, weight [N, K]; returns the output's name."""


class Floating:
    """Weights as they are, or stored in half the bytes: ONNX Runtime makes them float32 again
    when it loads them."""

    def __init__(self, *, half: bool = False) -> None:
        self._half = half

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        stored = weight.T.astype(np.float16) if self._half else weight.T
        matrix = graph.tensor(f"{name}.weight", stored)
        matrix = graph.cast(matrix, HALF if self._half else FLOAT, graph.activations)
        product = graph.op("MatMul", value, matrix)
        if bias is None:
            return product
        return graph.op("Add", product, graph.flowing(f"{name}.bias", bias))


class InBlocks:
    """Weights in few bits with a scale for each block of a row, activations in int8 likewise.

    With `floating` activations stay as they are: truer, and several times slower, since ONNX
    Runtime then makes the weights float32 again at each step.
    """

    def __init__(self, quantiser: Quantiser, *, floating: bool = False) -> None:
        self._quantiser, self._level = quantiser, FLOATS if floating else INT8_ACTIVATIONS

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        blocks = self._quantiser(name, weight)
        inputs = [
            value,
            graph.tensor(f"{name}.codes", blocks.packed()),
            graph.flowing(f"{name}.scales", blocks.scales),
            "",
            "",
            "" if bias is None else graph.flowing(f"{name}.bias", bias),
        ]
        zeros = blocks.packed_zeros()
        if zeros is not None:
            inputs[3] = graph.tensor(f"{name}.zeros", zeros)
        product = graph.op(
            "MatMulNBits",
            *inputs,
            domain=CONTRIB,
            N=weight.shape[0],
            K=weight.shape[1],
            bits=blocks.bits,
            block_size=blocks.size,
            accuracy_level=self._level,
        )
        if blocks.offsets is None:
            return product
        return graph.op("Add", product, _offset(graph, name, value, blocks))


def _offset(graph: Nodes, name: str, value: str, blocks: Blocks) -> str:
    """What the blocks' offsets add: each times the sum of what the block is multiplied with."""
    parts = graph.op("Reshape", value, graph.constant(1, -1, blocks.codes.shape[1], blocks.size))
    sums = graph.op("ReduceSum", parts, graph.constant(3), keepdims=0)
    assert blocks.offsets is not None
    return graph.op("MatMul", sums, graph.flowing(f"{name}.offsets", blocks.offsets.T))


class ByPosition:
    """Weights int8 with a scale for each output, activations uint8 with one for each position:
    nearly as quick through many positions, and no token spoils what the others say."""

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        codes, scales = in_rows(weight)
        middle = graph.tensor("uint8.middle", np.array(128, np.uint8))
        # ONNX Runtime computes the next lines once for layers that share their input.
        most = graph.op("ReduceMax", graph.op("Abs", value), graph.constant(-1), keepdims=1)
        step = graph.op("Mul", most, graph.constant(1 / 127, scalar=True))
        step = graph.op("Max", step, graph.constant(TINY, scalar=True))  # (1, S, 1)
        steps = graph.op("Reshape", step, graph.constant(-1))
        middles = graph.op("Expand", middle, graph.op("Shape", steps))
        product = graph.op(
            "MatMulIntegerToFloat",
            graph.op("QuantizeLinear", value, steps, middles, axis=1),
            graph.tensor(f"{name}.codes", codes.T),
            graph.constant(1.0, scalar=True),
            graph.tensor(f"{name}.scales", scales),
            middle,
            domain=CONTRIB,
        )
        product = graph.op("Mul", product, step)
        if bias is None:
            return product
        return graph.op("Add", product, graph.tensor(f"{name}.bias", bias))


def in_rows(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """[N, K] and the scales [N]."""
    most = np.abs(weight).max(axis=1)
    scales = (np.where(most == 0, 1, most) / 127).astype(np.float32)
    return np.round(weight / scales[:, None]).astype(np.int8), scales


def linears_for(precision: Precision) -> Linears:
    """The way that is used unless another is asked for; of `MIXED`, the answer's."""
    if precision in (Precision.FP32, Precision.FP16):
        return Floating(half=precision is Precision.FP16)
    if precision is Precision.MIXED:  # larger blocks: an eighth quicker, and the prompt makes good
        return InBlocks(round_to_nearest(4, 2 * BLOCK))
    bits = 8 if precision is Precision.INT8 else 4
    return InBlocks(as_stored(round_to_nearest(bits, BLOCK, symmetric=bits == 8), BLOCK))


def prompt_linears_for(precision: Precision) -> Linears | None:
    """The way of a graph of its own for the prompt, where there is one."""
    return ByPosition() if precision is Precision.MIXED else None
