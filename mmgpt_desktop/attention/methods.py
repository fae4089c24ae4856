"""Ways from an answer's attention to a map for each of its tokens, in numpy.

Attention comes as one `AttentionMap` a token and holds places alone, so what a language
model's first token, a null cell, names or the text took is in no map: where a method
divides by a sum, the sum is over the photo's cells.

Shapes: attention [layer, head, cell] a token; maps float32 [token, row, column]; a map
[row, column]. All tokens of an answer share one grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.reduce import cell_weights
from mmgpt_desktop.messages import SOME, AttentionMap, CellMaps, Method

Maps = NDArray[np.float32]  # [token, row, column]
Cells = NDArray[np.float32]  # [row, column]
Heads = Sequence[tuple[int, int]]  # (layer, head); none stand for all

FROM_ATTENTION = (Method.HEADS, Method.MEAN, Method.NO_SINKS, Method.RELATIVE)
"""The methods that need nothing but what came with the answer, RELATIVE a second one."""
OWN_ATTENTION = (Method.HEADS, Method.MEAN, Method.NO_SINKS)
"""Those that need no second one: they show each of several photos."""

GLOWS = 3.0
"""A cell glows where it has this many times its part, which is 1 / cells."""
NEARLY_ALL = 0.9
FEWEST_TOKENS = 4
"""In a shorter answer nearly every cell that glows does so for nearly every token."""
FLOOR = 0.5
"""Added to shares that are divided, in parts: a cell nobody looks at has no ratio."""


def from_attention(
    method: Method,
    attention: Sequence[AttentionMap],
    heads: Heads,
    neutral: AttentionMap | None = None,
) -> CellMaps:
    """The maps of a method of `FROM_ATTENTION`; needs one token at least.

    `heads` are the bundle's chosen ones, which all but MEAN read. `neutral` is the attention
    to the same photo as the answer to a neutral question begins; RELATIVE needs it.
    """
    maps = head_mean(attention, () if method is Method.MEAN else heads)
    if method is Method.NO_SINKS:
        maps = without_sinks(maps)
    elif method is Method.RELATIVE:
        assert neutral is not None
        maps = relative(maps, cell_weights([neutral], heads))
    maps.setflags(write=False)
    return CellMaps(method, maps, attention[0].grid)


def head_mean(attention: Sequence[AttentionMap], heads: Heads = ()) -> Maps:
    """Raw attention: for each token the mean over (layer, head) pairs.

    One pair gives one head's map. A[t, c] = 1/|H| sum over (l, h) in H of softmax(q k / sqrt(d))
    (Bahdanau et al. 2015 were the first to draw it; Vaswani et al. 2017 gave it its form).
    """
    return np.stack([cell_weights([each], heads) for each in attention])


LEAST_NEED = -math.log1p(-SOME)
"""In nats, a word's loss of `SOME` of its probability: as in a verdict, less is no need."""


def scale_of(method: Method, cells: Cells) -> tuple[float, float] | None:
    """What the colours reach from and to: the least and greatest value; None while there is none.

    What occlusion found is scaled from 0, and to `LEAST_NEED` at least: else a word that
    needed nothing would glow where the noise is largest.
    """
    values = cells[np.isfinite(cells)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    return (0.0, max(high, LEAST_NEED)) if method is Method.OCCLUSION else (low, high)


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


def over_tokens(maps: Maps, start: int, stop: int) -> Cells:
    """One map of a word, a phrase or the answer: the mean over its tokens.

    NaN, not measured, is left out of the mean; a cell that no token measured stays NaN.
    """
    part = maps[start:stop]
    measured = np.isfinite(part)
    sums = np.where(measured, part, 0).sum(axis=0)
    count = measured.sum(axis=0)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan).astype(np.float32)


def shares(maps: Maps) -> Maps:
    """Each token's map divided by its sum over the cells; an empty one stays 0, NaN stays NaN."""
    sums = np.nansum(maps, axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(maps, sums, out=0 * maps, where=sums > 0))


def sinks(maps: Maps) -> NDArray[np.bool_]:
    """Cells [row, column] that glow for nearly every token, whatever it means.

    Darcet et al. 2024, "Vision transformers need registers", show where they come from, and
    Kang et al. 2025, "See what you are told: visual attention sink in large multimodal
    models", that removing them changes no answer. Both find them by values inside the model;
    here it is by those of the attention, so an answer that speaks of one place alone has its
    place found too: `without_sinks` lowers what it finds, and hides nothing.
    """
    tokens, rows, columns = maps.shape
    if tokens < FEWEST_TOKENS:
        return np.zeros((rows, columns), np.bool_)
    glow = shares(maps) * (rows * columns) > GLOWS
    return np.asarray(glow.mean(axis=0) >= NEARLY_ALL)


def without_sinks(maps: Maps) -> Maps:
    """Shares, where each sink is lowered by its own usual level.

    For a sink c: max(0, s[t, c] - median over t of s[t, c]); the other cells stay.
    """
    parts = shares(maps)
    usual = np.median(np.nan_to_num(parts), axis=0)
    return np.where(sinks(maps), np.maximum(parts - usual, 0), parts)


def relative(maps: Maps, neutral: Cells) -> Maps:
    """How much more of its look each token gives a cell than a neutral question does.

    (s[t, c] + f) / (n[c] + f): s and n are shares, f is `FLOOR` parts. The ratio is of
    Zhang et al. 2025, "MLLMs know where to look", without the floor.
    """
    floor = FLOOR / neutral.size
    return np.asarray((shares(maps) + floor) / (shares(neutral[np.newaxis]) + floor))
