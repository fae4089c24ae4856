"""A picture made of cells, laid exactly over the photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from cmap import Colormap
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.attention.maps import Scale
from mmgpt_desktop.messages import PatchGrid, Photo

COLOUR_MAPS = ("inferno", "viridis", "cividis", "magma")
"""The first is drawn where none was chosen, in the window and on the command line alike."""
CONTOURS = (0.4, 0.6, 0.8)
"""Where lines are drawn, as parts of the scale."""
ENCLOSED = 0.2
"""The share of the picture that lines surround at most: below lies noise, over all of it."""
_SHADES = 256


@dataclass(frozen=True)
class MapStyle:
    """How cells become a picture, in the window and in a report.

    With `contours` only lines are painted, around what is bright; with `same_scale` all words
    of an answer share one scale.
    """

    colour_map: str = COLOUR_MAPS[0]
    smooth: bool = True
    opacity: float = 0.6
    contours: bool = False
    same_scale: bool = False


def render(
    cells: NDArray[np.float32],
    grid: PatchGrid,
    style: MapStyle,
    size: tuple[int, int] | None = None,
    *,
    scale: Scale | None = None,
) -> NDArray[np.uint8]:
    """RGBA [height, width, 4] over the whole photo, transparent where no cell lies.

    `cells` [rows, columns] are scaled from their least to their greatest, or by `scale`; a
    constant map is all least. Where a cell is NaN or infinite nothing is painted. `size`
    (width, height) is the photo's when left out.
    """
    width, height = size or (grid.photo_width, grid.photo_height)
    box = grid.box
    y = (np.arange(height) + 0.5) * (grid.photo_height / height)
    x = (np.arange(width) + 0.5) * (grid.photo_width / width)
    rows = (y - box.top) / box.height * grid.rows  # in cells, from the box's edge
    columns = (x - box.left) / box.width * grid.columns
    spread = _cubic if style.smooth else _nearest
    # Not `@`: while the model has the cores, BLAS's threads wait for them, 16 ms for a 16x16 grid.
    across = _scaled(cells, scale) @ spread(columns, grid.columns).T
    values = np.einsum("yr,rx->yx", spread(rows, grid.rows), across)
    shades = np.rint(np.clip(values, 0, 1) * (_SHADES - 1)).astype(np.intp)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = legend(style.colour_map)[shades]
    painted = _within(rows, grid.rows)[:, np.newaxis] & _within(columns, grid.columns)
    painted &= np.isfinite(cells)[
        _cell(rows, grid.rows)[:, np.newaxis], _cell(columns, grid.columns)
    ]
    if style.contours:
        painted &= _contours(values, painted)
    rgba[..., 3] = painted * round(255 * min(1.0, max(0.0, style.opacity)))
    return rgba


@lru_cache(maxsize=len(COLOUR_MAPS))
def legend(colour_map: str) -> NDArray[np.uint8]:
    """The colours from least to greatest, uint8 [256, 3], read-only."""
    shades = Colormap(colour_map).lut(_SHADES)[:, :3]
    colours: NDArray[np.uint8] = np.rint(shades * 255).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def colour_stops(colour_map: str, count: int = 18) -> list[tuple[float, str]]:
    """Some of them, as "#rrggbb" at places from 0 to 1: for whoever draws gradients."""
    colours = legend(colour_map)
    indices = np.linspace(0, _SHADES - 1, count).round().astype(int)
    return [(index / (_SHADES - 1), f"#{bytes(colours[index]).hex()}") for index in indices]


def size_within(
    photo: tuple[int, int], width: float, height: float | None = None
) -> tuple[int, int]:
    """A photo's (width, height) as large as it fits into a rectangle, or into a square."""
    scale = min(width / photo[0], (width if height is None else height) / photo[1])
    return max(1, round(photo[0] * scale)), max(1, round(photo[1] * scale))


def overlay(photo: Photo, rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo under a heatmap, uint8 RGB [height, width, 3] in the heatmap's size."""
    height, width = rgba.shape[:2]
    below = Image.fromarray(photo.pixels).resize((width, height)).convert("RGBA")
    shown = Image.alpha_composite(below, Image.fromarray(rgba)).convert("RGB")
    pixels: NDArray[np.uint8] = np.array(shown)
    return pixels


def _scaled(cells: NDArray[np.float32], scale: Scale | None) -> NDArray[np.float32]:
    finite = np.where(np.isfinite(cells), cells, np.nan)
    if np.isnan(finite).all():
        return np.zeros_like(cells)
    low, high = scale or (np.nanmin(finite), np.nanmax(finite))
    if high <= low:
        return np.zeros_like(cells)
    return np.asarray(np.nan_to_num((finite - low) / (high - low)), np.float32)


def _contours(values: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where `values` [height, width] cross one of the levels, as lines two pixels wide or three.

    Levels of which more than `ENCLOSED` of what is shown lies above are raised to it.
    """
    if not shown.any():
        return shown
    least = float(np.quantile(values[shown], 1 - ENCLOSED))
    levels = sorted({max(level, least) for level in CONTOURS})
    band = np.digitize(values, levels, right=True)
    above = np.zeros(band.shape, bool)
    above[1:] |= band[1:] != band[:-1]
    above[:, 1:] |= band[:, 1:] != band[:, :-1]
    wide = above.copy()
    wide[:-1] |= above[1:]
    wide[:, :-1] |= above[:, 1:]
    return wide


def _within(places: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    return np.asarray((places >= 0) & (places < count))


def _nearest(places: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    """One-hot weights [place, cell]: each place takes the cell that it lies in."""
    weights = np.zeros((places.size, count), np.float32)
    weights[np.arange(places.size), _cell(places, count)] = 1
    return weights


def _cell(places: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The cell that each place lies in, the nearest for one outside."""
    return np.asarray(np.clip(np.floor(places), 0, count - 1), np.intp)


def _cubic(places: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    """Cubic convolution [place, cell] through the cells' centres (Keys 1981, a = -1/2)."""
    weights = np.zeros((places.size, count), np.float32)
    first = np.floor(places - 0.5)
    t = places - 0.5 - first
    kernel = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    for offset, weight in enumerate(kernel, start=-1):
        cell = np.clip(first + offset, 0, count - 1).astype(np.intp)  # the edge goes on outside
        np.add.at(weights, (np.arange(places.size), cell), weight)
    return weights
