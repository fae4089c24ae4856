"""From the attention of tokens to one weight for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import AttentionMap


@dataclass(frozen=True)
class Shares:
    """Where attention went, as the mean over all layers and heads; photo, names and rest are
    together 1. `copied` is the largest share of a token that was copied from a name.

    `rest` is what a model with cross-attention reads from its null cell, and what one
    without reads from the text.
    """

    photo: float
    names: float
    rest: float
    copied: float = 0.0


def cell_weights(
    maps: Sequence[AttentionMap], heads: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """The mean over maps and (layer, head) pairs, float32 [rows, columns].

    No pairs stand for all of them. Needs one map at least; all share one grid.
    """
    grid = maps[0].grid
    weights = np.stack([each.weights for each in maps]).astype(np.float32)  # [map, layer, head, T]
    if heads:
        layers, places = zip(*heads, strict=True)
        weights = weights[:, layers, places]
    mean = weights.reshape(-1, grid.cells).mean(axis=0)
    return np.asarray(mean.reshape(grid.rows, grid.columns))


def shares(maps: Sequence[AttentionMap]) -> Shares:
    """Needs one map at least."""
    sums = [each.weights.sum(axis=-1, dtype=np.float32).mean() for each in maps]
    photo = float(np.mean(sums))
    names = float(np.mean([each.elsewhere for each in maps]))
    copied = max(each.copied for each in maps)
    return Shares(photo, names, max(0.0, 1 - photo - names), copied)
