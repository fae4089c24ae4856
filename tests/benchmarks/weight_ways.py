"""Ways to keep a decoder's weights that no export uses: what `precisions` compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.graphs.nodes import Nodes
from mmgpt_desktop.export.graph_writer import CONTRIB
from mmgpt_desktop.export.linear import Floats, Linears, in_rows
from mmgpt_desktop.export.quantise import (
    Blocks,
    Quantiser,
    grid,
    in_blocks,
    nearest_codes,
    round_to_nearest,
)

POWER, STRENGTH = 0.7, 10.0  # of the half-quadratic way: its norm, and how little it forgives


class DynamicInt8:
    """Weights int8 with a scale for each output, activations uint8 with one for the tensor:
    the quickest way through many positions, and the least exact."""

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        codes, scales = in_rows(weight)
        return graph.op(
            "DynamicQuantizeMatMul",
            value,
            graph.tensor(f"{name}.codes", codes.T),
            graph.tensor(f"{name}.scales", scales),
            "",
            "" if bias is None else graph.tensor(f"{name}.bias", bias),
            domain=CONTRIB,
        )


class ByLayer:
    """A way of its own for the layers whose names end so, `other` for the rest: 8 bits where 4
    cost too much."""

    def __init__(self, chosen: Mapping[str, Linears], other: Linears) -> None:
        self._chosen, self._other = chosen, other

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        ways = (way for ending, way in self._chosen.items() if name.endswith(ending))
        return next(ways, self._other).add(graph, name, value, weight, bias)


def half_quadratic(bits: int, size: int, *, rounds: int = 20) -> Quantiser:
    """HQQ (Badri and Shaji, 2023): outliers may err, so that the others err less.

    Minimises sum |W - restored| ** 0.7 by turns: the shrunken part of the error, counted in
    steps of the grid, is taken for outliers, and the grid is fitted to the rest. HQQ moves the
    zeros alone; the kernel wants whole ones, so the scales are fitted, too.
    """

    def quantise(name: str, weight: Floats) -> Blocks:
        del name
        parts = in_blocks(weight, size)
        scales, zeros = grid(parts, bits, False)
        best, least = (scales, zeros), _error(parts, scales, zeros, bits)
        for _ in range(rounds):
            codes = nearest_codes(parts, scales, zeros, bits)
            kept = parts - _outliers(parts, codes, scales, zeros)
            moved = np.mean(codes - kept / scales[..., None], axis=-1)
            zeros = np.asarray(np.clip(np.round(moved), 0, 2**bits - 1), np.uint8)
            steps = codes - zeros[..., None].astype(np.float32)
            length = np.square(steps).sum(-1)
            fitted = (steps * kept).sum(-1) / np.where(length == 0, 1, length)
            scales = np.where(fitted == 0, scales, fitted).astype(np.float32)
            error = _error(parts, scales, zeros, bits)
            better = error < least
            least = np.where(better, error, least)
            best = (np.where(better, scales, best[0]), np.where(better, zeros, best[1]))
        return Blocks(bits, nearest_codes(parts, *best, bits), *best)

    return quantise


def _outliers(
    parts: Floats, codes: NDArray[np.uint8], scales: Floats, zeros: NDArray[np.uint8]
) -> Floats:
    """The error beyond what the 0.7-norm's shrinkage forgives."""
    steps = parts / scales[..., None] - (codes - zeros[..., None].astype(np.float32))
    size = np.maximum(np.abs(steps), 1e-6)
    shrunken = np.maximum(size - size ** (POWER - 1) / STRENGTH, 0)
    return np.asarray(np.sign(steps) * shrunken * scales[..., None], np.float32)


def _error(parts: Floats, scales: Floats, zeros: NDArray[np.uint8], bits: int) -> Floats:
    codes = nearest_codes(parts, scales, zeros, bits)
    restored = scales[..., None] * (codes - zeros[..., None].astype(np.float32))
    return np.asarray((np.abs(parts - restored) ** POWER).sum(-1), np.float32)


def least_squares(
    bits: int, size: int, products: Mapping[str, Floats], *, damping: float = 0.01
) -> Quantiser:
    """GPTQ (Frantar et al., 2022): each column's error is made good by those after it.

    `products` holds, by layer, x.T @ x [K, K] summed over the layer's inputs; a layer without
    one is rounded. Columns are taken in their order, since a block's grid is its own.
    """
    rounded = round_to_nearest(bits, size)

    def quantise(name: str, weight: Floats) -> Blocks:
        if name not in products:
            return rounded(name, weight)
        spread = _inverse_root(products[name], damping)
        left, columns = weight.astype(np.float32).copy(), weight.shape[1]
        codes = np.zeros((len(weight), -(-columns // size), size), np.uint8)
        scales, zeros = [], []
        for block, start in enumerate(range(0, columns, size)):
            stop = min(start + size, columns)
            found = grid(in_blocks(left[:, start:stop], size), bits, False)
            codes[:, block] = found[1]  # a last block that isn't full restores to 0 beyond K
            errors = np.zeros((len(weight), stop - start), np.float32)
            for column in range(start, stop):
                value = left[:, column]
                code = nearest_codes(value[:, None, None], *found, bits)[:, 0, 0]
                codes[:, block, column - start] = code
                restored = found[0][:, 0] * (code - found[1][:, 0].astype(np.float32))
                error = (value - restored) / spread[column, column]
                left[:, column + 1 : stop] -= np.outer(error, spread[column, column + 1 : stop])
                errors[:, column - start] = error
            left[:, stop:] -= errors @ spread[start:stop, stop:]
            scales.append(found[0])
            zeros.append(found[1])
        return Blocks(bits, codes, np.concatenate(scales, 1), np.concatenate(zeros, 1))

    return quantise


def _inverse_root(products: Floats, damping: float) -> Floats:
    """The upper Cholesky factor of the damped matrix's inverse."""
    matrix = products.astype(np.float64)
    unused = np.diag(matrix) == 0
    matrix[unused, unused] = 1
    matrix += np.eye(len(matrix)) * damping * np.mean(np.diag(matrix))
    return np.asarray(np.linalg.cholesky(np.linalg.inv(matrix)).T, np.float32)
