"""Does a map tell the truth? Measures of one map, in numpy.

Two kinds: what hiding the map's cells does to the word's probability, which is about the
model, and whether the map lies on the thing that the word names, which is about the photo.
Maps are float32 [row, column]. NaN is a cell that has no value: it is the weakest. Cells of
one value have no order, so chance gives them one: an even map is as good as a random one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.maps import Cells, Maps, Span, over_tokens
from mmgpt_desktop.messages import PatchGrid

Hidden = NDArray[np.bool_]  # [mask, row, column], True where the photo is hidden
Scorer = Callable[[Hidden], NDArray[np.floating]]
"""From what is hidden to a word's probability [mask], teacher-forced, from 0 to 1."""

SHARES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""A curve's places: the shares of the cells that are hidden, or shown. Maps differ early."""
CHECKED = 0.2
"""The share that the check of a word hides."""


@dataclass(frozen=True)
class Curves:
    """A word's probability with nothing hidden, and what its two curves say.

    `deletion` is the area while the strongest cells go first: low where the map knows what
    the word needs. `insertion` is that while they come first, into a hidden photo: high
    there. `checked` is the probability when the strongest fifth is hidden. All from 0 to 1.
    """

    whole: float
    checked: float
    deletion: float
    insertion: float

    @property
    def effect(self) -> float:
        """How far the probability falls, the mean over the deletion curve."""
        return self.whole - self.deletion

    @property
    def fall(self) -> float:
        """How far it falls when the strongest fifth is hidden."""
        return self.whole - self.checked


def curves(cells: Cells, score: Scorer, random: np.random.Generator) -> Curves:
    """Deletion and insertion (Petsiuk et al. 2018, "RISE"), by the trapezoid rule.

    One call of `score`, with the masks of both curves from the whole photo to none of it.
    """
    rank = np.empty(cells.size, np.intp)
    rank[order(cells, random)] = np.arange(cells.size)
    gone = np.rint(cells.size * np.array(SHARES))
    deleted = (rank < gone[:, np.newaxis]).reshape(-1, *cells.shape)
    found = np.asarray(score(np.concatenate([deleted, ~deleted])), np.float64)
    falling, rising = np.split(found, 2)
    return Curves(
        float(falling[0]),
        float(falling[SHARES.index(CHECKED)]),
        float(np.trapezoid(falling, SHARES)),
        float(np.trapezoid(rising, SHARES)),
    )


def order(cells: Cells, random: np.random.Generator) -> NDArray[np.intp]:
    """All cells, the strongest first, NaN last; by chance among equal ones."""
    shuffled = random.permutation(cells.size)
    values = np.where(np.isfinite(cells), cells, -np.inf).reshape(-1)[shuffled]
    return np.asarray(shuffled[np.argsort(-values, kind="stable")])


def pointing(cells: Cells, on_thing: NDArray[np.bool_]) -> float:
    """1 if the strongest cell lies on the thing (Zhang et al. 2016, "Top-down neural attention
    by excitation backprop"); of several strongest ones, the share that does."""
    values = np.where(np.isfinite(cells), cells, -np.inf)
    return float(on_thing[values == values.max()].mean())


def mask_iou(cells: Cells, cover: Cells, random: np.random.Generator) -> float:
    """Intersection over union of a thing and as many of the strongest cells as it is large.

    `cover` [row, column] is the share of each cell that the thing covers, with at least one
    above 0. The number follows from the thing, so that what counts is the map's order: it has
    no threshold to choose, and maps of any scale compare.
    """
    size = float(cover.sum())
    count = max(1, round(size))
    shared = float(cover.reshape(-1)[order(cells, random)[:count]].sum())
    return shared / (count + size - shared)


def brightness(maps: Maps, words: Sequence[Span]) -> list[float]:
    """How bright each word is drawn on one scale for the answer, 1 for the brightest.

    A word's brightness is the peak of its map; one below 0 is dark.
    """
    peaks = [_peak(over_tokens(maps, start, stop)) for start, stop in words]
    most = max(peaks, default=0.0)
    return [peak / most if most > 0 else 0.0 for peak in peaks]


def _peak(cells: Cells) -> float:
    return max(0.0, float(np.max(cells, where=np.isfinite(cells), initial=0.0)))


def cover(mask: NDArray[np.bool_], grid: PatchGrid) -> Cells:
    """The share of each cell [row, column] that a mask covers.

    The mask may have another size than the photo, but the same frame; beyond it is nothing.
    """
    box, (height, width) = grid.box, mask.shape
    rows = _overlap(box.top, box.bottom, grid.rows, grid.photo_height, height)
    columns = _overlap(box.left, box.right, grid.columns, grid.photo_width, width)
    covered: Cells = rows @ mask.astype(np.float32) @ columns.T
    return covered


def _overlap(start: float, stop: float, cells: int, frame: int, pixels: int) -> Cells:
    """[cell, pixel]: the share of each cell's length that lies in each pixel of the mask."""
    edges = np.linspace(start, stop, cells + 1) * pixels / frame  # in the mask's pixels
    left = np.arange(pixels)
    shared = np.minimum(edges[1:, None], left + 1) - np.maximum(edges[:-1, None], left)
    return np.asarray(np.clip(shared, 0, None) / (edges[1] - edges[0]), np.float32)


def centre_map(grid: PatchGrid) -> Cells:
    """A map that knows nothing of the photo: the nearer to its middle, the stronger."""
    box = grid.box
    y = box.top + (np.arange(grid.rows) + 0.5) / grid.rows * box.height
    x = box.left + (np.arange(grid.columns) + 0.5) / grid.columns * box.width
    far = np.hypot((y / grid.photo_height - 0.5)[:, np.newaxis], x / grid.photo_width - 0.5)
    return (1 - far).astype(np.float32)


def random_map(grid: PatchGrid, random: np.random.Generator) -> Cells:
    return random.random((grid.rows, grid.columns), np.float32)
