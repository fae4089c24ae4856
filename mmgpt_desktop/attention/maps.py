"""An answer's maps in numpy: what a word's cells are, and what their colours reach from and to.

Shapes: maps float32 [token, row, column]; a map [row, column]. All tokens of an answer share
one grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import SOME, CellMaps
from mmgpt_desktop.methods import Method, Unit

Maps = NDArray[np.float32]  # [token, row, column]
Cells = NDArray[np.float32]  # [row, column]
Heads = Sequence[tuple[int, int]]  # (layer, head); none stand for all
Span = tuple[int, int]  # steps of an answer, the second exclusive
Scale = tuple[float, float]  # the least and the greatest value that have colours

LEAST_NEED = -math.log1p(-SOME)
"""In nats, a word's loss of `SOME` of its probability: as in a verdict, less is no need."""


def cells_of(maps: CellMaps, span: Span) -> Cells:
    """The map [row, column] of a word, a phrase or the answer: the mean over its tokens.

    But what hiding a cell takes from the logarithms of their probabilities adds up.
    """
    start, stop = span
    mean = over_tokens(maps.weights, start, stop)
    return mean * (stop - start) if _is_cost(maps.method) else mean


def over_tokens(maps: Maps, start: int, stop: int) -> Cells:
    """The mean over the tokens from `start` to `stop`.

    NaN, not measured, is left out of the mean; a cell that no token measured stays NaN.
    """
    part = maps[start:stop]
    measured = np.isfinite(part)
    sums = np.where(measured, part, 0).sum(axis=0)
    count = measured.sum(axis=0)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan).astype(np.float32)


def scale_over(maps: CellMaps, spans: Sequence[Span]) -> Scale | None:
    """The one scale of some words; None while there is none."""
    return scale_of(maps.method, np.stack([cells_of(maps, span) for span in spans]))


def scale_of(method: Method, cells: Cells) -> Scale | None:
    """What the colours reach from and to: the least and greatest value; None while there is none.

    A cost is scaled from 0, and to `LEAST_NEED` at least: else a word that needed nothing would
    glow where the noise is largest.
    """
    values = cells[np.isfinite(cells)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    return (0.0, max(high, LEAST_NEED)) if _is_cost(method) else (low, high)


def brightest(method: Method, cells: Cells, places: Sequence[int], *, own: bool = False) -> float:
    """How bright the brightest of `places` (numbers of cells) is on the scale of its map, 0 to 1.

    With `own` the map's greatest value is the brightest, however small it is.
    """
    scale = scale_of(method, cells)
    if scale is None or not len(places):
        return 0.0
    low, high = scale
    if own:
        high = float(np.nanmax(cells))
    here = float(np.nan_to_num(cells.ravel()[list(places)], nan=-np.inf).max())
    return min(1.0, max(0.0, (here - low) / (high - low))) if high > low else 0.0


def _is_cost(method: Method) -> bool:
    return method.about.unit is Unit.COST


def shares(maps: Maps) -> Maps:
    """Each token's map divided by its sum over the cells; an empty one stays 0, NaN stays NaN."""
    sums = np.nansum(maps, axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(maps, sums, out=0 * maps, where=sums > 0))
