"""Raw attention as it came with the answer, one `AttentionMap` a token.

It holds places alone, so what a language model's first token, a null cell, names or the text
took is in no map: where a method divides by a sum, the sum is over the photo's cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmgpt_desktop.attention.maps import Cells, Heads, Maps
from mmgpt_desktop.messages import AttentionMap


def chosen_heads(attention: Sequence[AttentionMap], heads: Heads) -> Maps:
    """For each token the mean over (layer, head) pairs; needs one token at least.

    One pair gives one head's map. A[t, c] = 1/|H| sum over (l, h) in H of softmax(q k / sqrt(d))
    (Bahdanau et al. 2015 were the first to draw it; Vaswani et al. 2017 gave it its form).
    """
    return np.stack([cell_weights([each], heads) for each in attention])


def all_heads(attention: Sequence[AttentionMap], _heads: Heads) -> Maps:
    """The same over all of them, whichever are chosen."""
    return chosen_heads(attention, ())


def cell_weights(attention: Sequence[AttentionMap], heads: Heads) -> Cells:
    """The mean over tokens and (layer, head) pairs. All share one grid."""
    grid = attention[0].grid
    weights = np.stack([each.weights for each in attention]).astype(np.float32)
    if heads:
        layers, places = zip(*heads, strict=True)
        weights = weights[:, layers, places]
    mean = weights.reshape(-1, grid.cells).mean(axis=0)
    return np.asarray(mean.reshape(grid.rows, grid.columns))


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

    @classmethod
    def of(cls, attention: Sequence[AttentionMap]) -> Shares:
        """Needs one token at least."""
        sums = [each.weights.sum(axis=-1, dtype=np.float32).mean() for each in attention]
        photo = float(np.mean(sums))
        names = float(np.mean([each.elsewhere for each in attention]))
        copied = max(each.copied for each in attention)
        return cls(photo, names, max(0.0, 1 - photo - names), copied)
