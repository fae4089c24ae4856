"""Attention beside what a neutral question looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmgpt_desktop.attention.maps import Heads, Maps, shares
from mmgpt_desktop.attention.raw import chosen_heads
from mmgpt_desktop.messages import AttentionMap

FLOOR = 0.5
"""Added to shares that are divided, in parts: a cell nobody looks at has no ratio."""


def relative(attention: Sequence[AttentionMap], heads: Heads, neutral: AttentionMap) -> Maps:
    """How much more of its look each token gives a cell than a neutral question does.

    (s[t, c] + f) / (n[c] + f): s and n are shares, f is `FLOOR` parts; n is the attention to the
    same photo as the answer to that question begins. The ratio is of Zhang et al. 2025, "MLLMs
    know where to look", without the floor.
    """
    usual = chosen_heads([neutral], heads)
    floor = FLOOR / usual[0].size
    return np.asarray((shares(chosen_heads(attention, heads)) + floor) / (shares(usual) + floor))
