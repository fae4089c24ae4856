"""From a photo to the pixels that a model reads, and where their cells lie on the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.decoding import Amount, between
from mmgpt_desktop.messages import Box, PatchGrid, Photo

_LEAST = 1 / 8  # of the square's side: of a thinner strip a model sees nothing but its surroundings


@dataclass(frozen=True)
class PixelSpec:
    """How a bundle wants its pictures: side in pixels, normalisation."""

    size: Annotated[int, between(1, 4096)]
    mean: Amount
    std: Annotated[float, between(1e-6, 1e6)]
    max_aspect: Annotated[float, between(1, 1e6)]


@dataclass(frozen=True)
class ImageSpec(PixelSpec):
    """With the grid of cells."""

    rows: int
    columns: int


def prepare(photo: Photo, spec: ImageSpec) -> tuple[NDArray[np.float32], PatchGrid]:
    """Pixels float32 [1, 3, size, size], normalised, and how their cells lie on the photo."""
    width, height = _content_size(photo, spec)
    content = Image.fromarray(photo.pixels).resize((width, height), Image.Resampling.BICUBIC)
    left, top = (spec.size - width) // 2, (spec.size - height) // 2
    canvas = np.full((spec.size, spec.size, 3), round(spec.mean), np.float32)
    canvas[top : top + height, left : left + width] = np.asarray(content)
    pixels = (canvas - np.float32(spec.mean)) / np.float32(spec.std)
    return pixels.transpose(2, 0, 1)[np.newaxis].copy(), patch_grid(photo, spec)


def patch_grid(photo: Photo, spec: ImageSpec) -> PatchGrid:
    """The grid of `prepare`, without its work."""
    width, height = _content_size(photo, spec)
    left, top = (spec.size - width) // 2, (spec.size - height) // 2
    x_scale, y_scale = photo.width / width, photo.height / height
    box = Box(
        -left * x_scale,
        -top * y_scale,
        (spec.size - left) * x_scale,
        (spec.size - top) * y_scale,
    )
    return PatchGrid(spec.rows, spec.columns, box, photo.width, photo.height)


def _content_size(photo: Photo, spec: ImageSpec) -> tuple[int, int]:
    """What the photo takes of the square: all of it, less a letterbox if it is very long."""
    aspect = photo.width / photo.height
    width = min(1.0, max(_LEAST, aspect * spec.max_aspect))
    height = min(1.0, max(_LEAST, spec.max_aspect / aspect))
    return max(1, round(spec.size * width)), max(1, round(spec.size * height))
