"""InternVL: the photo stretched to a square, or in fine detail as tiles and an overview.

Each view's patches are shuffled together, four to a token. Zhu et al. 2025, "InternVL3".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mmgpt_desktop.engine.families.chat import ChatFamily
from mmgpt_desktop.engine.families.crops import Pixels, cells_over, whole
from mmgpt_desktop.engine.families.family import ImageInputs, PatchView, views_to_cells
from mmgpt_desktop.engine.families.image_values import normalised, resized, settings_over
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, Photo

_SETTINGS = {
    "resample": 3,
    "size": {"height": 448, "width": 448},
    "min_patches": 1,
    "max_patches": 12,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


class InternVL(ChatFamily):
    placeholder = "<IMG_CONTEXT>"
    unsaid_context = 32_768

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        vision = checkpoint.config.get("vision_config", {})
        self._settings = settings_over(_SETTINGS, checkpoint.image_processor)
        self._side = int(self._settings["size"]["height"])
        patches = self._side // _first(vision.get("patch_size", 14))
        self._across = int(patches * float(checkpoint.config.get("downsample_ratio", 0.5)))

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        columns, rows = self._tiling(photo) if tiled else (1, 1)
        cuts = list(self._views(photo, columns, rows))
        pixels = np.stack([normalised(view, self._settings) for view, _ in cuts])
        grid = cells_over(photo, rows * self._across, columns * self._across)
        each = self._across**2
        views = [
            PatchView(self._across, self._across, box, number * each)
            for number, (_, box) in enumerate(cuts)
        ]
        tokens = each * len(cuts)
        return ImageInputs(
            {"pixel_values": pixels}, tokens, grid, views_to_cells(views, tokens, grid)
        )

    def expansion(self, inputs: ImageInputs) -> str:
        return f"<img>{self.placeholder * inputs.tokens}</img>"

    def _views(self, photo: Photo, columns: int, rows: int) -> Iterator[tuple[Pixels, Box]]:
        """The tiles row by row, then the whole photo, unless it is the only tile."""
        side, resample = self._side, self._settings["resample"]
        large = resized(photo.pixels, columns * side, rows * side, resample)
        width, height = photo.width / columns, photo.height / rows
        for row, column in np.ndindex(rows, columns):
            tile = large[row * side : (row + 1) * side, column * side : (column + 1) * side]
            left, top = column * width, row * height
            yield tile, Box(left, top, left + width, top + height)
        if rows * columns > 1:
            yield resized(photo.pixels, side, side, resample), whole(photo)

    def _tiling(self, photo: Photo) -> tuple[int, int]:
        """(columns, rows) nearest to the photo's shape; the larger of equals, if it fills it."""
        least, most = int(self._settings["min_patches"]), int(self._settings["max_patches"])
        tilings = [
            (columns, rows)
            for columns in range(1, most + 1)
            for rows in range(1, most + 1)
            if least <= columns * rows <= most
        ]
        best, distance = (1, 1), float("inf")
        for columns, rows in sorted(tilings, key=lambda tiling: tiling[0] * tiling[1]):
            away = abs(photo.width / photo.height - columns / rows)
            fills = photo.width * photo.height > 0.5 * self._side**2 * columns * rows
            if away < distance or (away == distance and fills):
                best, distance = (columns, rows), away
        return best


def _first(size: Any) -> int:
    """One side of what should be square: configurations write 14 or [14, 14]."""
    return int(size[0] if isinstance(size, list) else size)
