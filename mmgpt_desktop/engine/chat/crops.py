"""Views of a photo as public models' image processors cut them, and where they lie on it.

A view is its pixels uint8 [height, width, 3] and its box in photo pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.image_values import resized
from mmgpt_desktop.messages import Box, PatchGrid, Photo

Pixels = NDArray[np.uint8]

_CELLS = 1024  # of a photo's grid: more show no more, and cost time with each word


def whole(photo: Photo) -> Box:
    return Box(0, 0, photo.width, photo.height)


def squared(pixels: Pixels, box: Box, mean: Sequence[float]) -> tuple[Pixels, Box]:
    """Padded to a square with the mean colour, the photo in the middle."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    colour = np.asarray([int(part * 255) for part in mean], np.uint8)
    square = np.broadcast_to(colour, (side, side, 3)).copy()
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square, _moved(box, (height, width), Box(-left, -top, side - left, side - top))


def centre_cropped(pixels: Pixels, box: Box, height: int, width: int) -> tuple[Pixels, Box]:
    """The middle of a view; black around it where the view is smaller."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    crop = np.zeros((height, width, 3), np.uint8)
    found = pixels[max(0, top) : top + height, max(0, left) : left + width]
    down, across = max(0, -top), max(0, -left)
    crop[down : down + found.shape[0], across : across + found.shape[1]] = found
    return crop, _moved(box, pixels.shape[:2], Box(left, top, left + width, top + height))


def shrunk_to(size: Mapping[str, Any], pixels: Pixels, resample: int) -> Pixels:
    """Resized as a processor's `size` says: the shorter side to a length, or both sides."""
    height, width = pixels.shape[:2]
    if "height" in size:
        return resized(pixels, int(size["width"]), int(size["height"]), resample)
    short = int(size["shortest_edge"])
    if width <= height:
        return resized(pixels, short, int(short * height / width), resample)
    return resized(pixels, int(short * width / height), short, resample)


def clip_view(pixels: Pixels, box: Box, settings: Mapping[str, Any]) -> tuple[Pixels, Box]:
    """As CLIP's image processor and those of its plan: resized, and then the middle of it."""
    pixels = shrunk_to(settings["size"], pixels, int(settings["resample"]))
    if not settings["do_center_crop"]:
        return pixels, box
    crop = settings["crop_size"]
    return centre_cropped(pixels, box, int(crop["height"]), int(crop["width"]))


def read_part(box: Box, height: int, width: int, patch: int) -> Box:
    """The part of a view of that many pixels that whole patches cover: the rest isn't read."""
    return _moved(box, (height, width), Box(0, 0, width // patch * patch, height // patch * patch))


def cells_over(photo: Photo, rows: int, columns: int) -> PatchGrid:
    """A grid over the whole photo, as fine as that or coarser."""
    coarser = math.ceil(math.sqrt(rows * columns / _CELLS))
    rows, columns = math.ceil(rows / coarser), math.ceil(columns / coarser)
    return PatchGrid(rows, columns, whole(photo), photo.width, photo.height)


def _moved(box: Box, size: tuple[int, ...], part: Box) -> Box:
    """Where `part`, in pixels of a view of that (height, width), lies on the photo."""
    down, across = box.height / size[0], box.width / size[1]
    return Box(
        box.left + part.left * across,
        box.top + part.top * down,
        box.left + part.right * across,
        box.top + part.bottom * down,
    )
