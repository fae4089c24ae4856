"""Weights in few bits: a row is cut into blocks, each with a scale and maybe a zero of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

POWER, STRENGTH = 0.7, 10.0  # of the half-quadratic way: its norm, and how little it forgives


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [N, K] as `scales * (codes - zeros)`.

    `codes` uint8 [N, blocks, size], below 2 ** bits; `scales` float32 [N, blocks]; `zeros`
    uint8 likewise.
    """

    bits: int
    codes: NDArray[np.uint8]
    scales: Floats
    zeros: NDArray[np.uint8]

    @property
    def size(self) -> int:
        return int(self.codes.shape[2])

    def packed(self) -> NDArray[np.uint8]:
        """[N, blocks, size * bits / 8], the first code in the lowest bits."""
        return _pack(self.codes, self.bits)

    def packed_zeros(self) -> NDArray[np.uint8] | None:
        """[N, blocks * bits / 8]; None where all are the middle code."""
        if np.all(self.zeros == 2 ** (self.bits - 1)):
            return None
        return _pack(self.zeros, self.bits)

    def restored(self, columns: int) -> Floats:
        """The matrix again, [N, columns]."""
        whole = self.scales[..., None] * (self.codes - self.zeros[..., None].astype(np.float32))
        return np.asarray(whole.reshape(len(whole), -1)[:, :columns], np.float32)


Quantiser = Callable[[str, Floats], Blocks]  # a layer's name, and its weight [N, K]


def round_to_nearest(bits: int, size: int, *, symmetric: bool = False) -> Quantiser:
    def quantise(name: str, weight: Floats) -> Blocks:
        del name
        parts = _in_blocks(weight, size)
        scales, zeros = _grid(parts, bits, symmetric)
        return Blocks(bits, _codes(parts, scales, zeros, bits), scales, zeros)

    return quantise


def half_quadratic(bits: int, size: int, *, rounds: int = 20) -> Quantiser:
    """HQQ (Badri and Shaji, 2023): outliers may err, so that the others err less.

    Minimises sum |W - restored| ** 0.7 by turns: the shrunken part of the error, counted in
    steps of the grid, is taken for outliers, and the grid is fitted to the rest. HQQ moves the
    zeros alone; the kernel wants whole ones, so the scales are fitted, too.
    """

    def quantise(name: str, weight: Floats) -> Blocks:
        del name
        parts = _in_blocks(weight, size)
        scales, zeros = _grid(parts, bits, False)
        best, least = (scales, zeros), _error(parts, scales, zeros, bits)
        for _ in range(rounds):
            codes = _codes(parts, scales, zeros, bits)
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
        return Blocks(bits, _codes(parts, *best, bits), *best)

    return quantise


def _outliers(
    parts: Floats, codes: NDArray[np.uint8], scales: Floats, zeros: NDArray[np.uint8]
) -> Floats:
    """The error beyond what the 0.7-norm's shrinkage forgives."""
    steps = parts / scales[..., None] - (codes - zeros[..., None].astype(np.float32))
    size = np.maximum(np.abs(steps), 1e-6)
    shrunken = np.maximum(size - size ** (POWER - 1) / STRENGTH, 0)
    return np.asarray(np.sign(steps) * shrunken * scales[..., None], np.float32)


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
            grid = _grid(_in_blocks(left[:, start:stop], size), bits, False)
            codes[:, block] = grid[1]  # a last block that isn't full restores to 0 beyond K
            errors = np.zeros((len(weight), stop - start), np.float32)
            for column in range(start, stop):
                value = left[:, column]
                code = _codes(value[:, None, None], *grid, bits)[:, 0, 0]
                codes[:, block, column - start] = code
                restored = grid[0][:, 0] * (code - grid[1][:, 0].astype(np.float32))
                error = (value - restored) / spread[column, column]
                left[:, column + 1 : stop] -= np.outer(error, spread[column, column + 1 : stop])
                errors[:, column - start] = error
            left[:, stop:] -= errors @ spread[start:stop, stop:]
            scales.append(grid[0])
            zeros.append(grid[1])
        return Blocks(bits, codes, np.concatenate(scales, 1), np.concatenate(zeros, 1))

    return quantise


def _inverse_root(products: Floats, damping: float) -> Floats:
    """The upper Cholesky factor of the damped matrix's inverse."""
    matrix = products.astype(np.float64)
    unused = np.diag(matrix) == 0
    matrix[unused, unused] = 1
    matrix += np.eye(len(matrix)) * damping * np.mean(np.diag(matrix))
    return np.asarray(np.linalg.cholesky(np.linalg.inv(matrix)).T, np.float32)


def _in_blocks(weight: Floats, size: int) -> Floats:
    """[N, K] as [N, blocks, size], filled up with zeros."""
    filled = np.pad(weight, ((0, 0), (0, -weight.shape[1] % size)))
    return filled.reshape(len(weight), -1, size)


def _grid(parts: Floats, bits: int, symmetric: bool) -> tuple[Floats, NDArray[np.uint8]]:
    """Scales and zeros, so that the extremes and 0 itself lie on the grid."""
    top, middle = 2**bits - 1, 2 ** (bits - 1)
    if symmetric:  # the largest takes the lowest code, of which there is one more
        place = np.abs(parts).argmax(-1)[..., None]
        scales = np.take_along_axis(parts, place, -1)[..., 0] / -middle
        zeros = np.full(scales.shape, middle, np.uint8)
    else:
        low, high = np.minimum(parts.min(-1), 0), np.maximum(parts.max(-1), 0)
        scales = (high - low) / top
        zeros = np.round(-low / np.where(scales == 0, 1, scales)).astype(np.uint8)
    return np.where(scales == 0, 1, scales).astype(np.float32), zeros


def _codes(parts: Floats, scales: Floats, zeros: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    nearest = np.round(parts / scales[..., None]) + zeros[..., None]
    return np.clip(nearest, 0, 2**bits - 1).astype(np.uint8)


def _error(parts: Floats, scales: Floats, zeros: NDArray[np.uint8], bits: int) -> Floats:
    codes = _codes(parts, scales, zeros, bits)
    restored = scales[..., None] * (codes - zeros[..., None].astype(np.float32))
    return np.asarray((np.abs(parts - restored) ** POWER).sum(-1), np.float32)


def _pack(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    each = 8 // bits
    padding = [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % each)]
    parts = np.pad(codes, padding).reshape(*codes.shape[:-1], -1, each)
    shifted = parts << (np.arange(each, dtype=np.uint8) * bits)
    return np.asarray(np.bitwise_or.reduce(shifted, axis=-1), np.uint8)
