"""Where the patches of views lie on a photo's cells."""

from __future__ import annotations

import numpy as np

from mmgpt_desktop.engine.chat.patch_cells import (
    PatchView,
    boxes_to_cells,
    tile_boxes,
    views_to_cells,
)
from mmgpt_desktop.messages import Box, PatchGrid

WHOLE = Box(0, 0, 40, 20)
GRID = PatchGrid(2, 4, WHOLE, 40, 20)


def test_a_view_of_the_grids_own_size_is_the_grid() -> None:
    assert np.array_equal(views_to_cells([PatchView(2, 4, WHOLE, 0)], 8, GRID), np.eye(8))


def test_a_coarse_view_gives_each_cell_its_share() -> None:
    (left, right) = views_to_cells([PatchView(1, 2, WHOLE, 0)], 2, GRID)
    assert np.allclose(left.reshape(2, 4), [[0.25, 0.25, 0, 0]] * 2)
    assert np.allclose(right.reshape(2, 4), [[0, 0, 0.25, 0.25]] * 2)


def test_tiles_and_an_overview_with_a_separator_between() -> None:
    tiles = [PatchView(2, 2, Box(0, 0, 20, 20), 0), PatchView(2, 2, Box(20, 0, 40, 20), 5)]
    spread = views_to_cells([*tiles, PatchView(1, 1, WHOLE, 9)], 10, GRID)
    assert spread[:4].argmax(axis=1).tolist() == [0, 1, 4, 5]
    assert not spread[4].any()
    assert spread[5:9].argmax(axis=1).tolist() == [2, 3, 6, 7]
    assert np.allclose(spread[9], 1 / 8)
    assert np.allclose(np.delete(spread.sum(axis=1), 4), 1)


def test_padding_beyond_the_photo_counts_for_nothing() -> None:
    spread = views_to_cells([PatchView(2, 1, Box(0, -40, 40, 40), 0)], 2, GRID)
    assert not spread[0].any()
    assert np.allclose(spread[1], 1 / 8)


def test_uneven_patches_have_boxes_of_their_own() -> None:
    across, down = np.array([0.0, 10.0, 25.0, 40.0]), np.array([0.0, 20.0])
    spread = boxes_to_cells(np.vstack([tile_boxes(across, down), np.zeros((1, 4))]), GRID)
    assert np.allclose(spread[0].reshape(2, 4), [[0.5, 0, 0, 0]] * 2)
    assert np.allclose(spread[1].reshape(2, 4), [[0, 1 / 3, 1 / 6, 0]] * 2)
    assert not spread[3].any()
