"""LLaVA-OneVision: the photo as one square view, or in fine detail as an overview and tiles.

The tiles' tokens lie row by row over the photo, with a newline token after each row; a grid
of more than `anyres_max_9` tiles' tokens is scaled down. Li et al. 2024, "LLaVA-OneVision:
Easy Visual Task Transfer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import Pixels, cells_over, read_part, squared, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BICUBIC, CLIP, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import boxes_to_cells, tile_boxes
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, PatchGrid, Photo

# For each token the four patches that it is mixed of and their shares, both [token, 4]. Patches
# are numbered view after view; behind them all is the newline.
_Mix = tuple[NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True)
class _Side:
    """A side of the tiles' grid: `tokens` stand for the `patches` after the first `cut`."""

    cut: int
    patches: int
    tokens: int

    def edges(self) -> NDArray[np.float64]:
        """Where tokens part, in patches."""
        return self.cut + np.linspace(0, self.patches, self.tokens + 1)

    def sources(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The two patches that each token is mixed of, and their shares: both [token, 2].

        As PyTorch's `interpolate`, bilinear and without aligned corners.
        """
        middles = (np.arange(self.tokens) + 0.5) * (self.patches / self.tokens) - 0.5
        low = np.floor(np.maximum(middles, 0)).astype(np.int64)
        high = np.minimum(low + 1, self.patches - 1)
        share = np.maximum(middles, 0) - low
        return self.cut + np.stack([low, high], 1), np.stack([1 - share, share], 1)


class LlavaOnevision(Family):
    model_types = ("llava_onevision",)
    placeholder = "<image>"
    sequences = True
    unsaid_context = 32_768
    image_settings: ClassVar[Mapping[str, Any]] = {
        **CLIP,
        "resample": BICUBIC,
        "size": {"height": 384, "width": 384},
        "image_grid_pinpoints": [[384 * i, 384 * j] for i in range(1, 7) for j in range(1, 7)],
    }
    image_axes: ClassVar[Mapping[str, int | None]] = {
        "pixel_values": 1,
        "mixed_of": 0,
        "shares": 0,
    }
    encoder = f"{RUNTIMES}.llava_onevision_torch:LlavaOnevisionEncoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._patch = whole_number(self.vision, "patch_size", 14)
        self._side = int(self.settings["size"]["height"])
        self._across = self._side // self._patch  # patches of a view
        self._pinpoints = (
            checkpoint.config.get("image_grid_pinpoints") or self.settings["image_grid_pinpoints"]
        )
        ratio = str(checkpoint.config.get("vision_aspect_ratio", "anyres_max_9"))
        self._most_tiles = int(ratio.removeprefix("anyres_max_"))

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        return self._tiles(photo) if tiled else self._square(photo)

    def _square(self, photo: Photo) -> ImageInputs:
        """As one of several photos is taken: padded to a square, with one newline token."""
        pixels, box = squared(photo.pixels, whole(photo), self.settings["image_mean"])
        part = read_part(box, self._side, self._side, self._patch)
        grid = PatchGrid(self._across, self._across, part, photo.width, photo.height)
        patch_to_cell = np.eye(grid.cells + 1, grid.cells, dtype=np.float32)
        mix = _unmixed(grid.cells + 1)
        return self._inputs(photo, [self._view(pixels)], grid, patch_to_cell, mix)

    def _tiles(self, photo: Photo) -> ImageInputs:
        """As a photo by itself is taken: stretched to a square, then large and in tiles."""
        canvas, place = self._canvas(photo)
        rows, columns = (side // self._side for side in canvas.shape[:2])
        tiles = canvas.reshape(rows, self._side, columns, self._side, 3).swapaxes(1, 2)
        views = [self._view(photo.pixels), *tiles.reshape(-1, self._side, self._side, 3)]
        overview = read_part(whole(photo), self._side, self._side, self._patch)
        sides = self._sides(photo, rows, columns)
        down, across = self._edges(photo, place, *sides)
        boxes = [_grid_boxes(overview, self._across), _lines(tile_boxes(across, down), len(across))]
        grid = cells_over(photo, len(down) - 1, len(across) - 1)
        mix = self._mixed(len(views), columns, *sides)
        return self._inputs(photo, views, grid, boxes_to_cells(np.concatenate(boxes), grid), mix)

    def _canvas(self, photo: Photo) -> tuple[Pixels, Box]:
        """The photo in the middle of the pinpoint that fits it best, and where it lies there."""
        height, width = _best_fit(photo, self._pinpoints)
        scale_x, scale_y = width / photo.width, height / photo.height
        if scale_x < scale_y:
            columns, rows = width, min(math.ceil(photo.height * scale_x), height)
        else:
            columns, rows = min(math.ceil(photo.width * scale_y), width), height
        left, top = (width - columns) // 2, (height - rows) // 2
        canvas = np.zeros((height, width, 3), np.uint8)
        pixels = self.resized(photo.pixels, columns, rows)
        canvas[top : top + rows, left : left + columns] = pixels
        return canvas, Box(left, top, left + columns, top + rows)

    def _sides(self, photo: Photo, rows: int, columns: int) -> tuple[_Side, _Side]:
        """Down and across, as in the model: what is padding is cut off evenly, and a grid that
        is too large is scaled down as a whole."""
        height, width = rows * self._across, columns * self._across
        cut_down = cut_across = 0
        if photo.width / photo.height > width / height:
            cut_down = (height - int(round(photo.height * (width / photo.width), 7))) // 2
        else:
            cut_across = (width - int(round(photo.width * (height / photo.height), 7))) // 2
        high, wide = height - 2 * cut_down, width - 2 * cut_across
        ratio = math.sqrt(high * wide / (self._most_tiles * self._across**2))
        parts = (high, wide) if ratio <= 1.1 else (int(high // ratio), int(wide // ratio))
        return _Side(cut_down, high, parts[0]), _Side(cut_across, wide, parts[1])

    def _edges(
        self, photo: Photo, place: Box, down: _Side, across: _Side
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the tiles' tokens part, down and across, in photo pixels."""
        return (
            (self._on_canvas(down.edges()) - place.top) * photo.height / place.height,
            (self._on_canvas(across.edges()) - place.left) * photo.width / place.width,
        )

    def _mixed(self, views: int, columns: int, down: _Side, across: _Side) -> _Mix:
        """The overview's patches as they are, then the tiles', each row with its newline."""
        cells = self._across**2
        (rows, high), (places, wide) = down.sources(), across.sources()
        row, place = rows[:, None, :, None], places[None, :, None, :]
        tile = 1 + row // self._across * columns + place // self._across
        patch = tile * cells + row % self._across * self._across + place % self._across
        share = high[:, None, :, None] * wide[None, :, None, :]
        shape, newline = (down.tokens, across.tokens, 4), ((0, 0), (0, 1), (0, 0))
        patches = np.pad(patch.reshape(shape), newline, constant_values=views * cells)
        shares = np.pad(share.reshape(shape), newline, constant_values=1 / 4)
        overview, whole_shares = _unmixed(cells)
        return (
            np.concatenate([overview, patches.reshape(-1, 4)]),
            np.concatenate([whole_shares, shares.reshape(-1, 4).astype(np.float32)]),
        )

    def _on_canvas(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """From patches to pixels: a tile may end before its last patch would be whole."""
        tile, patch = np.divmod(edges, self._across)
        return np.asarray(tile * self._side + patch * self._patch)

    def _view(self, pixels: Pixels) -> Pixels:
        return self.resized(pixels, self._side, self._side)

    def _inputs(
        self,
        photo: Photo,
        views: Sequence[Pixels],
        grid: PatchGrid,
        patch_to_cell: NDArray[np.float32],
        mix: _Mix,
    ) -> ImageInputs:
        pixels = np.stack([self.normalised(view) for view in views])
        arrays: dict[str, NDArray[Any]] = {
            "pixel_values": pixels[None],
            "image_sizes": np.array([[photo.height, photo.width]], np.int64),
            # The model looks for tiles only if this says that the photo is the only one.
            "batch_num_images": np.array([1 if len(views) > 1 else 2], np.int64),
        }
        return ImageInputs(
            arrays, len(patch_to_cell), grid, patch_to_cell, {"mixed_of": mix[0], "shares": mix[1]}
        )


def _unmixed(count: int) -> _Mix:
    """Each of the first patches by itself."""
    return np.arange(count).repeat(4).reshape(-1, 4), np.full((count, 4), 1 / 4, np.float32)


def _best_fit(photo: Photo, sizes: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The (height, width) that keeps most of the photo's pixels, and of these the smallest."""

    def worth(size: Sequence[int]) -> tuple[int, int]:
        height, width = size
        scale = min(width / photo.width, height / photo.height)
        kept = int(photo.width * scale) * int(photo.height * scale)
        kept = min(kept, photo.width * photo.height)
        return kept, kept - width * height

    height, width = max(sizes, key=worth)
    return height, width


def _grid_boxes(box: Box, side: int) -> NDArray[np.float64]:
    across = np.linspace(box.left, box.right, side + 1)
    return tile_boxes(across, np.linspace(box.top, box.bottom, side + 1))


def _lines(boxes: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Each row of boxes with an empty one after it: `columns` counts that one."""
    rows = boxes.reshape(-1, columns - 1, 4)
    return np.pad(rows, ((0, 0), (0, 1), (0, 0))).reshape(-1, 4)
