"""LLaVA-1.5 and models of its plan: one view of a photo, and a token for each patch of it.

Liu et al. 2023, "Improved Baselines with Visual Instruction Tuning".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmgpt_desktop.engine.chat.crops import clip_view, squared, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import (
    BICUBIC,
    CLIP,
    HALVES,
    settings_over,
    whole_number,
)
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import safe_name

_CLASS_TOKENS = {"clip_vision_model": 1, "siglip_vision_model": 0}  # before the patches' tokens
_SETTINGS: dict[str, dict[str, Any]] = {  # what their image processors take for granted
    "clip_vision_model": {
        **CLIP,
        "resample": BICUBIC,
        "size": {"shortest_edge": 224},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
    },
    "siglip_vision_model": {
        **HALVES,
        "resample": BICUBIC,
        "size": {"height": 224, "width": 224},
        "do_center_crop": False,
    },
}


class Llava(Family):
    """The encoder may be CLIP, whose view is the photo's middle, or SigLIP, which takes all."""

    model_types = ("llava",)
    placeholder = "<image>"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._patch = whole_number(self.vision, "patch_size", 14)
        # "default" leaves out the first token: CLIP's class token.
        left_out = checkpoint.config.get("vision_feature_select_strategy", "default") == "default"
        self._before = _CLASS_TOKENS[self._encoder()] - left_out

    def read_image_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return settings_over(_SETTINGS[self._encoder()], given)

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels, box = photo.pixels, whole(photo)
        if self.settings.get("do_pad"):
            pixels, box = squared(pixels, box, self.settings["image_mean"])
        pixels, box = clip_view(pixels, box, self.settings)
        return self.one_view(photo, pixels, box, self._patch, before=self._before)

    def _encoder(self) -> str:
        """Raises BundleError for one that isn't known."""
        encoder = self.vision.get("model_type", "clip_vision_model")
        if encoder in _CLASS_TOKENS:
            return str(encoder)
        title = "This LLaVA model looks through {encoder}, which is not known here."
        hint = "Those with these are: {known}."
        known = ", ".join(_CLASS_TOKENS)
        raise BundleError(title, hint, encoder=safe_name(str(encoder)), known=known)
