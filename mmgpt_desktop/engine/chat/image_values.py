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

from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

# CLIP's (Radford et al. 2021), and what many others take.
CLIP = {
    "image_mean": (0.48145466, 0.4578275, 0.40821073),
    "image_std": (0.26862954, 0.26130258, 0.27577711),
}
HALVES = {"image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5)}
LANCZOS, BILINEAR, BICUBIC = 1, 2, 3  # Pillow's numbers of its filters

LONGEST = 4096  # pixels along a side of what a model takes in, by its settings
_COLOURS, _SIZES = ("image_mean", "image_std"), ("size", "crop_size", "max_image_size")
_FACTORS = ("rescale_factor", "pan_and_scan_min_ratio_to_activate")
_NUMBERS = {  # the least and the most of each
    "max_patches": (1, 64),
    "max_pixels": (1, 1 << 30),
    "merge_size": (1, 16),
    "min_patches": (1, 64),
    "min_pixels": (1, 1 << 24),
    "pan_and_scan_max_num_crops": (1, 64),
    "pan_and_scan_min_crop_size": (1, LONGEST),
    "patch_size": (1, 128),
    "resample": (0, 5),
    "temporal_patch_size": (1, 16),
}
_HUGE = 1e12


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
        mean: NDArray[np.float32] = np.asarray(settings["image_mean"], np.float32)
        deviation: NDArray[np.float32] = np.asarray(settings["image_std"], np.float32)
        values = np.asarray((values - mean) / deviation, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def settings_over(
    defaults: Mapping[str, Any], settings: Mapping[str, Any], *, edges: int = LONGEST
) -> dict[str, Any]:
    """A processor's settings over what it takes for granted; null stands for nothing said.

    Raises BundleError for one that no picture can be made with: a stranger wrote them. `edges` is
    the most that a size may say.
    """
    found = {**defaults, **{name: each for name, each in settings.items() if each is not None}}
    for name, value in found.items():
        if name in _COLOURS:
            good = _is_colour(value) and (name != "image_std" or all(value))
        elif name in _SIZES:
            parts = value.values() if isinstance(value, dict) else [value]
            good = all(each is None or _is_whole(each, 1, edges) for each in parts)
        elif name in _NUMBERS:
            good = _is_whole(value, *_NUMBERS[name])
        else:
            good = name not in _FACTORS or (_is_number(value) and value > 0)
        if not good:
            raise _no_use(name)
    return found


def whole_number(settings: Mapping[str, Any], name: str, unsaid: int, most: int = LONGEST) -> int:
    """A setting that is a number from 1 on. Raises BundleError."""
    value = settings.get(name, unsaid)
    if not _is_whole(value, 1, most):
        raise _no_use(name)
    return int(value)


def _no_use(name: str) -> BundleError:
    title = "The model's settings give {name} as something that can't be used."
    return BundleError(title, ANOTHER, name=safe_name(name))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_HUGE < value < _HUGE  # NaN isn't


def _is_whole(value: Any, least: int, most: int) -> bool:
    return _is_number(value) and least <= value <= most and value == int(value)


def _is_colour(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value))
