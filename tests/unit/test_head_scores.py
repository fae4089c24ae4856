from __future__ import annotations

import numpy as np
import pytest

from mmgpt_desktop.attention.heads import agreement, concentration, head_maps
from mmgpt_desktop.messages import AttentionMap
from tests.fakes import whole_grid

GRID = whole_grid(2, 2, 4, 4)


def heads(*maps: list[float]) -> np.ndarray:
    """One layer with a head for each map."""
    return np.array([maps], np.float32)


def test_a_words_tokens_are_averaged_for_each_head() -> None:
    one, two = np.zeros((2, 3, 4), np.float16), np.ones((2, 3, 4), np.float16)
    mean = head_maps([AttentionMap(one, GRID), AttentionMap(two, GRID)])
    assert mean.shape == (2, 3, 4)
    assert mean.dtype == np.float32
    assert (mean == 0.5).all()


def test_one_cell_is_most_concentrated_and_all_alike_least() -> None:
    scores = concentration(heads([0.2, 0, 0, 0], [0.1, 0.1, 0, 0], [0.3] * 4, [0] * 4))
    assert scores[0] == pytest.approx([1, 0.5, 0, 0], abs=1e-6)


def test_heads_that_look_where_it_mattered_agree() -> None:
    needed = np.array([2, 0, 0, np.nan], np.float32)
    scores = agreement(heads([0.5, 0, 0, 9], [0, 0.5, 0.5, 0], [0.1] * 4), needed)
    assert scores[0] == pytest.approx([1, -1, 0], abs=1e-6)


@pytest.mark.parametrize("needed", [[np.nan] * 4, [0.0] * 4])
def test_without_anything_needed_no_head_agrees(needed: list[float]) -> None:
    assert (agreement(heads([0.5, 0, 0, 0]), np.array(needed, np.float32)) == 0).all()


def test_a_single_cell_has_scores() -> None:
    one = np.ones((1, 1, 1), np.float32)
    assert concentration(one)[0, 0] == 1
    assert agreement(one, np.ones(1, np.float32))[0, 0] == 0
