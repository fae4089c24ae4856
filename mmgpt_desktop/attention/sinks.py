"""Attention without its sinks: cells that glow for nearly every word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.maps import Heads, Maps, shares
from mmgpt_desktop.attention.raw import chosen_heads
from mmgpt_desktop.messages import AttentionMap

GLOWS = 3.0
"""A cell glows where it has this many times its part, which is 1 / cells."""
NEARLY_ALL = 0.9
FEWEST_TOKENS = 4
"""In a shorter answer nearly every cell that glows does so for nearly every token."""


def without_sinks(attention: Sequence[AttentionMap], heads: Heads) -> Maps:
    """Shares, where each sink is lowered by its own usual level.

    For a sink c: max(0, s[t, c] - median over t of s[t, c]); the other cells stay.
    """
    parts = shares(maps := chosen_heads(attention, heads))
    usual = np.median(np.nan_to_num(parts), axis=0)
    return np.where(sinks(maps), np.maximum(parts - usual, 0), parts)


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
