"""Weights in few bits: a row is cut into blocks, each with a scale and maybe a zero of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_ON_GRID = 0.2
"""Of a step: as far as half precision may have moved what lay on a grid."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [N, K] as `scales * (codes - zeros) + offsets`.

    `codes` uint8 [N, blocks, size], below 2 ** bits; `scales` float32 [N, blocks]; `zeros`
    uint8 likewise; `offsets` float32 likewise, where there are some.
    """

    bits: int
    codes: NDArray[np.uint8]
    scales: Floats
    zeros: NDArray[np.uint8]
    offsets: Floats | None = None

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
        if self.offsets is not None:
            whole += self.offsets[..., None]
        return np.asarray(whole.reshape(len(whole), -1)[:, :columns], np.float32)


Quantiser = Callable[[str, Floats], Blocks]  # a layer's name, and its weight [N, K]


def round_to_nearest(bits: int, size: int, *, symmetric: bool = False) -> Quantiser:
    def quantise(name: str, weight: Floats) -> Blocks:
        del name
        parts = in_blocks(weight, size)
        scales, zeros = grid(parts, bits, symmetric)
        return Blocks(bits, nearest_codes(parts, scales, zeros, bits), scales, zeros)

    return quantise


def as_stored(other: Quantiser, size: int) -> Quantiser:
    """Weights that came in few bits stay as they were, so that nothing more is lost; all others
    go to the `other` quantiser.

    Known are llama.cpp's blocks of 32: Q4_1, whose lowest and highest value take the first and
    the last of 16 codes, and Q8_0, whose largest takes 127 or -127.
    """

    def quantise(name: str, weight: Floats) -> Blocks:
        if weight.shape[1] % size:
            return other(name, weight)
        parts = in_blocks(weight, size)
        low = parts.min(-1)
        for bits, middle, steps in (
            (4, 8, (parts.max(-1) - low) / 15),
            (8, 128, np.abs(parts).max(-1) / 127),
        ):
            scales = np.where(steps == 0, 1, steps).astype(np.float32)
            offsets = low + scales * middle if bits == 4 else np.zeros_like(low)
            zeros = np.full(scales.shape, middle, np.uint8)
            codes = nearest_codes(parts - offsets[..., None], scales, zeros, bits)
            found = Blocks(bits, codes, scales, zeros, offsets if bits == 4 else None)
            missed = np.abs(found.restored(weight.shape[1]) - weight)
            if (in_blocks(missed, size).max(-1) <= _ON_GRID * scales).all():
                return found
        return other(name, weight)

    return quantise


def in_blocks(weight: Floats, size: int) -> Floats:
    """[N, K] as [N, blocks, size], filled up with zeros."""
    filled = np.pad(weight, ((0, 0), (0, -weight.shape[1] % size)))
    return filled.reshape(len(weight), -1, size)


def grid(parts: Floats, bits: int, symmetric: bool) -> tuple[Floats, NDArray[np.uint8]]:
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


def nearest_codes(
    parts: Floats, scales: Floats, zeros: NDArray[np.uint8], bits: int
) -> NDArray[np.uint8]:
    """Of blocks [N, blocks, size], below 2 ** bits."""
    nearest = np.round(parts / scales[..., None]) + zeros[..., None]
    return np.clip(nearest, 0, 2**bits - 1).astype(np.uint8)


def _pack(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    each = 8 // bits
    padding = [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % each)]
    parts = np.pad(codes, padding).reshape(*codes.shape[:-1], -1, each)
    shifted = parts << (np.arange(each, dtype=np.uint8) * bits)
    return np.asarray(np.bitwise_or.reduce(shifted, axis=-1), np.uint8)
