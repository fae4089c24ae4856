"""What colour the one thing of a photo has, by its pixels: nobody told it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 48
_CLEAR = 0.5
"""Of the middle's pixels, less those of leaves: so many are of one colour, or it has none."""
_LEAVES = "green"
_HUES = (
    (12, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, _LEAVES),
    (255, "blue"),
    (295, "purple"),
    (345, "pink"),
    (360, "red"),
)
"""Names of hues up to so many degrees."""


def seen_colour(pixels: NDArray[np.uint8]) -> str:
    """The name of most of what is in the middle of a photo [height, width, 3]; empty where nothing
    prevails. Green is what flowers stand before."""
    photo = Image.fromarray(pixels)
    width, height = photo.size
    box = (width * 0.25, height * 0.25, width * 0.75, height * 0.75)
    names = _names(np.asarray(photo.resize((_SIDE, _SIDE), Image.Resampling.BOX, box)))
    counted = {name: int((names == name).sum()) for name in np.unique(names) if name != _LEAVES}
    most = max(counted, key=lambda name: counted[name], default="")
    return str(most) if most and counted[most] > _CLEAR * sum(counted.values()) else ""


def _names(pixels: Any) -> NDArray[np.str_]:
    """Each pixel's colour."""
    hue, saturation, value = np.moveaxis(
        np.asarray(Image.fromarray(pixels).convert("HSV"), np.float32) / 255, -1, 0
    )
    degrees = hue * 360
    found = np.select(
        [degrees <= upto for upto, _ in _HUES], [name for _, name in _HUES], default=""
    )
    found = np.where((found == "red") & (saturation < 0.5) & (value > 0.6), "pink", found)
    found = np.where((found == "orange") & (value < 0.6), "brown", found)
    found = np.where(saturation < 0.2, "gray", found)
    found = np.where((saturation < 0.2) & (value > 0.72), "white", found)
    return np.where(value < 0.2, "black", found)
