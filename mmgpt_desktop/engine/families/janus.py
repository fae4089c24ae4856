"""Janus and Janus-Pro, the half that reads pictures; `painting.janus_folder` has the other one.

The photo's longer side is fitted to a square, and the rest is filled with the mean colour; each
patch is a token. Chen et al. 2025, "Janus-Pro: Unified Multimodal Understanding and Generation
with Data and Model Scaling".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmgpt_desktop.engine.chat.crops import squared, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BICUBIC, CLIP, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Photo

# What Janus was taught with before each conversation; from transformers' JanusProcessor, which
# writes it if processor_config.json says so.
_SYSTEM = (
    "You are a helpful language and vision assistant. You are able to understand the visual"
    " content that the user provides, and assist the user with a variety of tasks using natural"
    " language.\n\n"
)


BEGIN_OF_IMAGE = "<begin_of_image>"


class Janus(Family):
    model_types = ("janus",)
    placeholder = "<image_placeholder>"
    image_settings: ClassVar[Mapping[str, Any]] = {
        **CLIP,
        "resample": BICUBIC,
        "size": {"height": 384, "width": 384},
        "min_size": 14,
    }
    torch_model = f"{RUNTIMES}.janus_torch:JanusReader"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        size = self.settings["size"]
        self._side = whole_number(size, "height", 384)
        self._least = whole_number(self.settings, "min_size", 14, self._side)
        self._patch = whole_number(self.vision, "patch_size", 16, self._side)
        read = whole_number(self.vision, "image_size", 384)
        if size["width"] != self._side or self._side // self._patch != read // self._patch:
            raise ValueError("The image encoder reads squares of one size.")
        said = checkpoint.processor.get("use_default_system_prompt", False)
        self._system = _SYSTEM if said else ""

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        """The whole photo in a square: there are no tiles."""
        scale = self._side / max(photo.width, photo.height)
        sides = (max(round(side * scale), self._least) for side in (photo.width, photo.height))
        pixels = self.resized(photo.pixels, *sides)
        pixels, box = squared(pixels, whole(photo), self.settings["image_mean"])
        return self.one_view(photo, pixels, box, self._patch)

    def expansion(self, inputs: ImageInputs) -> str:
        return f"{BEGIN_OF_IMAGE}{super().expansion(inputs)}<end_of_image>"

    def template(self, messages: Sequence[Mapping[str, Any]]) -> str:
        return self._system + super().template(messages)

    def drawing_template(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The prompt of what is to be drawn: the answer is a picture."""
        return super().template(messages) + BEGIN_OF_IMAGE
