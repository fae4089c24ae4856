"""How single heads compare for one word, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import AttentionMap


def head_maps(maps: Sequence[AttentionMap]) -> NDArray[np.float32]:
    """The mean over a word's tokens of each head's map: float32 [layer, head, cell]."""
    weights = np.stack([each.weights for each in maps]).astype(np.float32)
    return np.asarray(weights.mean(axis=0))


def concentration(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each head looks at few cells rather than at all alike, 0 to 1: [layer, head].

    1 - H(s) / log T, with s a head's shares of its look at the T cells and H their entropy
    (Shannon 1948). A head that looks at no cell has 0.
    """
    sums = weights.sum(axis=-1, keepdims=True)
    shares = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = -(shares * logs).sum(axis=-1)
    most = np.log(max(2, weights.shape[-1]))
    return np.where(sums[..., 0] > 0, 1 - entropy / most, 0).astype(np.float32)


def agreement(weights: NDArray[np.float32], needed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pearson's correlation of each head's map with what was `needed` [cell]: [layer, head].

    Cells that are not measured (NaN) are left out; a map without any contrast has 0.
    """
    measured = np.isfinite(needed)
    seen, wanted = weights[..., measured], needed[measured]
    if not wanted.size:
        return np.zeros(weights.shape[:2], np.float32)
    seen = seen - seen.mean(axis=-1, keepdims=True)
    wanted = wanted - wanted.mean()
    scale = np.sqrt((seen**2).sum(axis=-1) * (wanted**2).sum())
    product = (seen * wanted).sum(axis=-1)
    return np.asarray(np.divide(product, scale, out=np.zeros_like(product), where=scale > 0))
