"""InternVL: the photo stretched to a square, or in fine detail as tiles and an overview.

Each view's patches are shuffled together, four to a token. Zhu et al. 2025, "InternVL3".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from mmgpt_desktop.engine.chat.crops import Pixels, cells_over, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BICUBIC
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import square_views
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, Photo


class InternVL(Family):
    model_types = ("internvl",)
    placeholder = "<IMG_CONTEXT>"
    unsaid_context = 32_768
    image_settings: ClassVar[Mapping[str, Any]] = {
        "resample": BICUBIC,
        "size": {"height": 448, "width": 448},
        "min_patches": 1,
        "max_patches": 12,
        "image_mean": (0.485, 0.456, 0.406),
        "image_std": (0.229, 0.224, 0.225),
    }
    image_axes: ClassVar[Mapping[str, int | None]] = {"pixel_values": 0}

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._side = int(self.settings["size"]["height"])
        patches = self._side // _first(self.vision.get("patch_size", 14))
        self._across = int(patches * float(checkpoint.config.get("downsample_ratio", 0.5)))

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        columns, rows = self._tiling(photo) if tiled else (1, 1)
        pixels, boxes = zip(*self._views(photo, columns, rows), strict=True)
        grid = cells_over(photo, rows * self._across, columns * self._across)
        arrays = {"pixel_values": np.stack([self.normalised(view) for view in pixels])}
        return ImageInputs.of_views(arrays, square_views(boxes, self._across), grid)

    def expansion(self, inputs: ImageInputs) -> str:
        return f"<img>{self.placeholder * inputs.tokens}</img>"

    def _views(self, photo: Photo, columns: int, rows: int) -> Iterator[tuple[Pixels, Box]]:
        """The tiles row by row, then the whole photo, unless it is the only tile."""
        side = self._side
        large = self.resized(photo.pixels, columns * side, rows * side)
        width, height = photo.width / columns, photo.height / rows
        for row, column in np.ndindex(rows, columns):
            tile = large[row * side : (row + 1) * side, column * side : (column + 1) * side]
            left, top = column * width, row * height
            yield tile, Box(left, top, left + width, top + height)
        if rows * columns > 1:
            yield self.resized(photo.pixels, side, side), whole(photo)

    def _tiling(self, photo: Photo) -> tuple[int, int]:
        """(columns, rows) nearest to the photo's shape; the larger of equals, if it fills it."""
        least, most = int(self.settings["min_patches"]), int(self.settings["max_patches"])
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
