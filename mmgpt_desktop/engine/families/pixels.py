"""From a photo to the numbers that a public model's image encoder reads.

As transformers' own image processors do with Pillow, to the last bit; but those import torch,
which takes seconds and which ONNX Runtime doesn't need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resized(pixels: NDArray[np.uint8], width: int, height: int, resample: int) -> NDArray[np.uint8]:
    """A picture stretched to that size: uint8 [height, width, 3].

    `resample` is Pillow's number of the filter, as preprocessor_config.json has it.
    """
    if pixels.shape[1::-1] == (width, height):
        return pixels
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling(resample))
    return np.asarray(image)


def normalised(pixels: NDArray[np.uint8], settings: Mapping[str, Any]) -> NDArray[np.float32]:
    """Float32 [3, height, width]: (pixels / 255 - mean) / std by the processor's settings."""
    values = pixels.astype(np.float32)
    if settings.get("do_rescale", True):
        factor = float(settings.get("rescale_factor", 1 / 255))
        values = (pixels * np.float64(factor)).astype(np.float32)
    if settings.get("do_normalize", True):
        mean = np.asarray(settings["image_mean"], np.float32)
        std = np.asarray(settings["image_std"], np.float32)
        values = np.asarray((values - mean) / std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def settings_over(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A processor's settings over what it takes for granted; null stands for nothing said."""
    return {**defaults, **{name: value for name, value in settings.items() if value is not None}}
