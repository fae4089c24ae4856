"""LLaVA-1.5 and models of its plan: one view of a photo, and a token for each patch of it.

Liu et al. 2023, "Improved Baselines with Visual Instruction Tuning".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmgpt_desktop.engine.families.chat import ChatFamily
from mmgpt_desktop.engine.families.crops import (
    Pixels,
    centre_cropped,
    read_part,
    shrunk_to,
    squared,
    whole,
)
from mmgpt_desktop.engine.families.family import ImageInputs
from mmgpt_desktop.engine.families.image_values import normalised, settings_over, whole_number
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import Box, PatchGrid, Photo
from mmgpt_desktop.text import safe_name

_CLASS_TOKENS = {"clip_vision_model": 1, "siglip_vision_model": 0}  # before the patches' tokens
_SETTINGS: dict[str, dict[str, Any]] = {  # what their image processors take for granted
    "clip_vision_model": {
        "resample": 3,
        "size": {"shortest_edge": 224},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    },
    "siglip_vision_model": {
        "resample": 3,
        "size": {"height": 224, "width": 224},
        "do_center_crop": False,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    },
}


class Llava(ChatFamily):
    """The encoder may be CLIP, whose view is the photo's middle, or SigLIP, which takes all."""

    placeholder = "<image>"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        vision = checkpoint.config.get("vision_config", {})
        encoder = vision.get("model_type", "clip_vision_model")
        if encoder not in _CLASS_TOKENS:
            title = "This LLaVA model looks through {encoder}, which is not known here."
            hint = "Those with these are: {known}."
            known = ", ".join(_CLASS_TOKENS)
            raise BundleError(title, hint, encoder=safe_name(str(encoder)), known=known)
        self._settings = settings_over(_SETTINGS[encoder], checkpoint.image_processor)
        self._patch = whole_number(vision, "patch_size", 14)
        # "default" leaves out the first token: CLIP's class token.
        left_out = checkpoint.config.get("vision_feature_select_strategy", "default") == "default"
        self._before = _CLASS_TOKENS[encoder] - left_out

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels, box = self._view(photo)
        height, width = pixels.shape[:2]
        part = read_part(box, height, width, self._patch)
        rows, columns = height // self._patch, width // self._patch
        grid = PatchGrid(rows, columns, part, photo.width, photo.height)
        tokens = self._before + grid.cells
        patch_to_cell = np.eye(tokens, grid.cells, -self._before, dtype=np.float32)
        inputs = {"pixel_values": normalised(pixels, self._settings)[None]}
        return ImageInputs(inputs, tokens, grid, patch_to_cell)

    def expansion(self, inputs: ImageInputs) -> str:
        return self.placeholder * inputs.tokens

    def _view(self, photo: Photo) -> tuple[Pixels, Box]:
        settings, pixels, box = self._settings, photo.pixels, whole(photo)
        if settings.get("do_pad"):
            pixels, box = squared(pixels, box, settings["image_mean"])
        pixels = shrunk_to(settings["size"], pixels, settings["resample"])
        if not settings["do_center_crop"]:
            return pixels, box
        size = settings["crop_size"]
        return centre_cropped(pixels, box, int(size["height"]), int(size["width"]))
