"""Idefics3, SmolVLM and SmolVLM2: a picture whole, or whole and in tiles.

The image encoder's patches are joined `scale_factor` x `scale_factor` to an image token
(pixel shuffle), so each tile is a square of tokens, row by row. The tiles come first, row by
row, then the whole picture (Laurencon et al. 2024, "Building and better understanding
vision-language models"; Marafioti et al. 2025, "SmolVLM").
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.families.chat import ChatFamily
from mmgpt_desktop.engine.families.crops import cells_over, whole
from mmgpt_desktop.engine.families.family import ImageInputs, PatchView, views_to_cells
from mmgpt_desktop.engine.families.image_values import (
    normalised,
    resized,
    settings_over,
    whole_number,
)
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import PatchGrid, Photo

_AROUND, _WHOLE = "<fake_token_around_image>", "<global-img>"
_DEFAULTS: dict[str, Any] = {
    "resample": 1,  # Lanczos
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
    "size": {"longest_edge": 4 * 364},
    "max_image_size": {"longest_edge": 364},
}
_LONGEST = 4096  # no picture is made larger

Pixels = NDArray[np.uint8]


class Idefics3(ChatFamily):
    """Tiles with `tiled`, else the whole picture alone."""

    placeholder = "<image>"
    sequences = True

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        vision = checkpoint.config.get("vision_config", {})
        patch = whole_number(vision, "patch_size", 32)
        self._joined = patch * whole_number(checkpoint.config, "scale_factor", 2)
        self._settings = settings_over(_DEFAULTS, checkpoint.image_processor)
        self._tile = int(self._settings["max_image_size"]["longest_edge"])

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels, resample, tile = photo.pixels, int(self._settings["resample"]), self._tile
        if self._settings.get("do_resize", True):
            longest = int(self._settings["size"]["longest_edge"])
            pixels = resized(pixels, *_fitted(photo.width, photo.height, longest), resample)
        rows = columns = 1
        if tiled:
            columns, rows = _tiles(pixels.shape[1], pixels.shape[0], tile)
            pixels = resized(pixels, columns * tile, rows * tile, resample)
        parts = _cut(pixels, rows, columns) if rows * columns > 1 else []
        parts.append(resized(pixels, tile, tile, resample))
        views = np.stack([normalised(part, self._settings) for part in parts])[np.newaxis]
        mask = np.ones((*views.shape[:2], tile, tile), np.bool_)
        inputs = {"pixel_values": views, "pixel_attention_mask": mask}
        side = tile // self._joined
        grid, patch_to_cell = _places(photo, rows, columns, side)
        return ImageInputs(inputs, len(parts) * side * side, grid, patch_to_cell)

    def expansion(self, inputs: ImageInputs) -> str:
        tiles = inputs.arrays["pixel_values"].shape[1] - 1
        run = "<image>" * (inputs.tokens // (tiles + 1))
        shown = f"{_AROUND}{_WHOLE}{run}{_AROUND}"
        if not tiles:
            return shown
        side = round((inputs.tokens // (tiles + 1)) ** 0.5)
        lines = [
            "".join(
                f"{_AROUND}<row_{row + 1}_col_{column + 1}>{run}"
                for column in range(inputs.grid.columns // side)
            )
            for row in range(inputs.grid.rows // side)
        ]
        return "".join(f"{line}\n" for line in lines) + f"\n{shown}"


def _places(
    photo: Photo, rows: int, columns: int, side: int
) -> tuple[PatchGrid, NDArray[np.float32]]:
    """Of `rows` x `columns` tiles of `side` x `side` tokens each, and the whole picture."""
    shown, cells = whole(photo), side * side
    tiles = PatchGrid(rows, columns, shown, photo.width, photo.height)
    count = tiles.cells if tiles.cells > 1 else 0
    views = [PatchView(side, side, tiles.cell_box(tile), tile * cells) for tile in range(count)]
    views.append(PatchView(side, side, shown, count * cells))
    grid = cells_over(photo, rows * side, columns * side)
    return grid, views_to_cells(views, len(views) * cells, grid)


def _fitted(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) with the longer side at `longest`, the other one even."""
    longest, aspect = min(longest, _LONGEST), width / height
    shorter = int(longest / aspect if width >= height else longest * aspect)
    shorter = max(1, shorter + shorter % 2)
    return (longest, shorter) if width >= height else (shorter, longest)


def _tiles(width: int, height: int, tile: int) -> tuple[int, int]:
    """How many tiles across and down the picture is stretched to."""
    if width >= height:
        across = math.ceil(width / tile)
        return across, math.ceil(int(across * tile / (width / height)) / tile)
    down = math.ceil(height / tile)
    return math.ceil(int(down * tile * (width / height)) / tile), down


def _cut(pixels: Pixels, rows: int, columns: int) -> list[Pixels]:
    """Equal tiles, row by row."""
    return [tile for row in np.split(pixels, rows) for tile in np.split(row, columns, axis=1)]
