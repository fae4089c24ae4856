"""Pixels of more than 8 bits as 8 bits, so that one sees what is on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAND = 256
_FULL = 65535
_DEEP_USED = 16384  # values from here on say that all 16 bits are meant
_ABSURD = 1e30  # what some programs write where nothing was measured


def to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale the range that is meant to 0..255: 0 to 1 for floats; for whole numbers all 16 bits,
    or as many as are used (12 of a camera, millimetres); else the values' own."""
    low, high = _range(values)
    scale = 255.0 / (high - low) if high > low else 0.0
    scaled = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _BAND):  # a whole photo as floats may fill the memory
        band = np.nan_to_num(values[top : top + _BAND].astype(np.float32), nan=low)
        scaled[top : top + _BAND] = np.rint((np.clip(band, low, high) - low) * scale)
    return scaled


def _range(values: NDArray[Any]) -> tuple[float, float]:
    if np.issubdtype(values.dtype, np.floating):
        low, high = _own_range(values[np.abs(values) < _ABSURD])
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    low, high = _own_range(values)
    if low < 0 or high > _FULL:
        return low, high
    if high == _FULL:  # what a depth camera writes where it saw nothing
        _, high = _own_range(values[values < _FULL])
        high = high if 0 < high < _DEEP_USED else _FULL
    if high >= _DEEP_USED:
        return 0.0, _FULL
    return 0.0, float((1 << int(high).bit_length()) - 1)


def _own_range(values: NDArray[Any]) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
