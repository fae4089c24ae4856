"""Which cells of a photo's grid the image encoder's patches cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import Box, PatchGrid


@dataclass(frozen=True)
class PatchView:
    """A part of a photo, or all of it, that is read as `rows` x `columns` patches.

    `box` is in photo pixels. Patch `row * columns + column` is the image encoder's number
    `first` + that.
    """

    rows: int
    columns: int
    box: Box
    first: int


def square_views(boxes: Sequence[Box], side: int) -> list[PatchView]:
    """Views that are read one after the other, as `side` x `side` patches each."""
    return [PatchView(side, side, box, number * side**2) for number, box in enumerate(boxes)]


def one_to_one(grid: PatchGrid, before: int = 0) -> NDArray[np.float32]:
    """As `views_to_cells`, where each patch is a cell, after so many that stand for no place."""
    return np.eye(before + grid.cells, grid.cells, -before, dtype=np.float32)


def views_to_cells(
    views: Sequence[PatchView], patches: int, grid: PatchGrid
) -> NDArray[np.float32]:
    """Which cells of `grid` each patch of the views covers, by area: float32 [patch, cell].

    A patch that lies beyond the grid's box, or belongs to no view, has a row of zeros; one
    that reaches beyond it gives all its weight to the cells that it does cover.
    """
    boxes = np.zeros((patches, 4))
    for view in views:
        across = np.linspace(view.box.left, view.box.right, view.columns + 1)
        down = np.linspace(view.box.top, view.box.bottom, view.rows + 1)
        last = view.first + view.rows * view.columns
        boxes[view.first : last] = tile_boxes(across, down)
    return boxes_to_cells(boxes, grid)


def tile_boxes(across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """The boxes between edges, row by row: [row x column, 4] of left, top, right, bottom."""
    rows, columns = len(down) - 1, len(across) - 1
    left, right = np.tile(across[:-1], rows), np.tile(across[1:], rows)
    top, bottom = np.repeat(down[:-1], columns), np.repeat(down[1:], columns)
    return np.stack([left, top, right, bottom], axis=1)


def boxes_to_cells(boxes: NDArray[np.float64], grid: PatchGrid) -> NDArray[np.float32]:
    """As `views_to_cells`, of patches that have a box each: [patch, 4] in photo pixels.

    A box is left, top, right, bottom; an empty one stands for no place.
    """
    down = _overlap(boxes[:, 1::2], (grid.box.top, grid.box.bottom, grid.rows))
    across = _overlap(boxes[:, 0::2], (grid.box.left, grid.box.right, grid.columns))
    flat = np.einsum("pr,pc->prc", down, across).reshape(len(boxes), grid.cells)
    total = flat.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
    return shares


def _overlap(parts: NDArray[np.float64], cells: tuple[float, float, int]) -> NDArray[np.float32]:
    """How long each part [part, 2] lies over each cell of a segment: [part, cell]."""
    edges = np.linspace(cells[0], cells[1], cells[2] + 1)
    low = np.maximum(parts[:, :1], edges[None, :-1])
    high = np.minimum(parts[:, 1:], edges[None, 1:])
    return np.asarray(np.maximum(0.0, high - low), np.float32)
