"""Raw attention as it came with the answer, one `AttentionMap` a token.

It holds places alone, so what a language model's first token, a null cell, names or the text
took is in no map: where a method divides by a sum, the sum is over the photo's cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmgpt_desktop.attention.maps import Heads, Maps
from mmgpt_desktop.attention.reduce import cell_weights
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
