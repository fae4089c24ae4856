"""Idefics3, SmolVLM and SmolVLM2: a picture whole, or whole and in tiles.

The image encoder's patches are joined `scale_factor` x `scale_factor` to an image token
(pixel shuffle), so each tile is a square of tokens, row by row. The tiles come first, row by
row, then the whole picture (Laurencon et al. 2024, "Building and better understanding
vision-language models"; Marafioti et al. 2025, "SmolVLM").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from mmgpt_desktop.engine.chat.crops import Pixels, cells_over, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import HALVES, LANCZOS, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import square_views
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, PatchGrid, Photo

_AROUND, _WHOLE = "<fake_token_around_image>", "<global-img>"
_LONGEST = 4096  # no picture is made larger


class Idefics3(Family):
    """Tiles with `tiled`, else the whole picture alone."""

    model_types = ("idefics3", "smolvlm")
    placeholder = "<image>"
    sequences = True
    image_settings: ClassVar[Mapping[str, Any]] = {
        **HALVES,
        "resample": LANCZOS,
        "size": {"longest_edge": 4 * 364},
        "max_image_size": {"longest_edge": 364},
    }
    image_axes: ClassVar[Mapping[str, int | None]] = {"pixel_values": 1}
    encoder = f"{RUNTIMES}.idefics3_torch:Idefics3Encoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        patch = whole_number(self.vision, "patch_size", 32)
        self._joined = patch * whole_number(checkpoint.config, "scale_factor", 2)
        self._tile = int(self.settings["max_image_size"]["longest_edge"])

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels, tile = photo.pixels, self._tile
        if self.settings.get("do_resize", True):
            longest = int(self.settings["size"]["longest_edge"])
            pixels = self.resized(pixels, *_fitted(photo.width, photo.height, longest))
        rows = columns = 1
        if tiled:
            columns, rows = _tiles(pixels.shape[1], pixels.shape[0], tile)
            pixels = self.resized(pixels, columns * tile, rows * tile)
        parts = _cut(pixels, rows, columns) if rows * columns > 1 else []
        parts.append(self.resized(pixels, tile, tile))
        views = np.stack([self.normalised(part) for part in parts])[np.newaxis]
        mask = np.ones((*views.shape[:2], tile, tile), np.bool_)
        arrays = {"pixel_values": views, "pixel_attention_mask": mask}
        side = tile // self._joined
        grid = cells_over(photo, rows * side, columns * side)
        boxes = _tile_boxes(photo, rows, columns)
        return ImageInputs.of_views(arrays, square_views(boxes, side), grid)

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


def _tile_boxes(photo: Photo, rows: int, columns: int) -> list[Box]:
    """Where the views lie: tiles, unless there is one alone, and the whole picture."""
    tiles = PatchGrid(rows, columns, whole(photo), photo.width, photo.height)
    count = tiles.cells if tiles.cells > 1 else 0
    return [*map(tiles.cell_box, range(count)), whole(photo)]


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
