"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: a photo in its own shape, and rotary positions on three axes.

Patches are joined `merge_size` x `merge_size` to an image token, row by row (Wang et al. 2024,
"Qwen2-VL"; Bai et al. 2025, "Qwen2.5-VL Technical Report").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import cells_over, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BICUBIC, CLIP, settings_over, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import PatchView
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.messages import Photo

# Image tokens of a photo at most. The models' own limit is 16,384, and each token's attention
# to each takes memory and time.
GLANCE, FINE = 512, 2048
_MAX_ASPECT = 200
_LEAST_PIXELS, _MOST_PIXELS = 1 << 24, 1 << 30  # that its settings may ask for
_LARGEST_TOKEN = 256  # pixels along its side


class Qwen(Family):
    """A photo takes as many image tokens as it has room for: up to `GLANCE`, or `FINE`."""

    model_types: ClassVar[tuple[str, ...]] = ("qwen2_vl", "qwen2_5_vl")
    placeholder = "<|image_pad|>"
    sequences = True
    image_settings: ClassVar[Mapping[str, Any]] = {
        **CLIP,
        "resample": BICUBIC,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "size": {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280},
    }
    image_axes: ClassVar[Mapping[str, int | None]] = {"pixel_values": 0, "image_grid_thw": None}
    encoder = f"{RUNTIMES}.qwen_torch:QwenEncoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        settings, size = self.settings, self.settings["size"]
        least = {"min_pixels": size["shortest_edge"], **settings}
        self._least = whole_number(least, "min_pixels", 1, _LEAST_PIXELS)
        self._most = int(settings.get("max_pixels") or size["longest_edge"])
        self._patch, self._merge = int(settings["patch_size"]), int(settings["merge_size"])
        if self._patch * self._merge > _LARGEST_TOKEN:
            raise ValueError("tokens of that size")

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        longer, shorter = max(photo.width, photo.height), min(photo.width, photo.height)
        if longer > _MAX_ASPECT * shorter:
            title = (
                "This model can't read a picture that is more than {times} times as long as wide."
            )
            raise ImageError(title, "Cut it to the part you ask about.", times=_MAX_ASPECT)
        side = self._patch * self._merge
        most = min(self._most, (FINE if tiled else GLANCE) * side * side)
        least = min(self._least, most)
        width, height = best_size(photo.width, photo.height, side, least, most)
        pixels = self.resized(photo.pixels, width, height)
        frames = int(self.settings["temporal_patch_size"])
        rows = patches(self.normalised(pixels), self._patch, self._merge, frames)
        shape = np.array([[1, height // self._patch, width // self._patch]], np.int64)
        arrays: dict[str, NDArray[Any]] = {"pixel_values": rows, "image_grid_thw": shape}
        view = PatchView(height // side, width // side, whole(photo), first=0)
        return ImageInputs.of_views(arrays, [view], cells_over(photo, view.rows, view.columns))

    def read_image_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its sizes are areas."""
        return settings_over(self.image_settings, given, edges=_MOST_PIXELS)

    def rotary(
        self, token_ids: NDArray[np.int64], images: Sequence[ImageInputs]
    ) -> tuple[NDArray[np.int64], int]:
        image_positions = np.flatnonzero(token_ids == self.image_token_id)
        shapes = [each.arrays["image_grid_thw"][0, 1:] // self._merge for each in images]
        return rope_positions(len(token_ids), image_positions, shapes)


class Qwen3(Qwen):
    """Its decoder's first layers read features of their own (DeepStack)."""

    model_types = ("qwen3_vl",)
    torch_runtime = f"{RUNTIMES}.qwen_torch:Qwen3Torch"


def best_size(width: int, height: int, factor: int, least: int, most: int) -> tuple[int, int]:
    """Sides that are multiples of `factor`, near to the photo's shape, `least` to `most` pixels
    ("naive dynamic resolution", Wang et al. 2024).
    """
    across, down = round(width / factor) * factor, round(height / factor) * factor
    if across * down > most:
        shrink = math.sqrt(width * height / most)
        across = max(factor, math.floor(width / shrink / factor) * factor)
        down = max(factor, math.floor(height / shrink / factor) * factor)
    elif across * down < least:
        grow = math.sqrt(least / (width * height))
        across = math.ceil(width * grow / factor) * factor
        down = math.ceil(height * grow / factor) * factor
    return across, down


def patches(pixels: NDArray[np.float32], side: int, merge: int, frames: int) -> NDArray[np.float32]:
    """Pixels [3, height, width] as rows of patches, the `merge` x `merge` of a token together.

    A photo is a film of `frames` equal frames: [patch, 3 * frames * side * side].
    """
    channels, height, width = pixels.shape
    down, across = height // side // merge, width // side // merge
    blocks = pixels.reshape(channels, down, merge, side, across, merge, side)
    rows = blocks.transpose(1, 4, 2, 5, 0, 3, 6)  # down, across, merge, merge, channel, side, side
    film = np.repeat(rows[:, :, :, :, :, None], frames, axis=5)
    return film.reshape(down * across * merge * merge, -1)


def rope_positions(
    length: int, image_positions: NDArray[np.int64], shapes: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], int]:
    """Positions int64 [3, length] on the axes of time, row and column; and the next position.

    `image_positions` are those of the image tokens, `shapes` each photo's (rows, columns) of them.
    Text counts up on all three axes; a photo's tokens share a time, and stand in their row and
    column from there; text goes on beyond the longer side (Wang et al. 2024, "M-RoPE").
    """
    positions = np.empty((3, length), np.int64)
    done = following = seen = 0
    for rows, columns in shapes:
        first, cells = int(image_positions[seen]), int(rows * columns)
        positions[:, done:first] = following + np.arange(first - done)
        following += first - done
        row, column = np.divmod(np.arange(cells), columns)
        done, seen = first + cells, seen + cells
        positions[:, first:done] = following + np.stack([np.zeros_like(row), row, column])
        following += int(max(rows, columns))
    positions[:, done:] = following + np.arange(length - done)
    return positions, following + length - done
