"""PaliGemma: one question about photos; photos and question are read both ways.

Beyer et al. 2024, "PaliGemma: A versatile 3B VLM for transfer".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import whole
from mmgpt_desktop.engine.chat.family import Family, answered
from mmgpt_desktop.engine.chat.image_values import BICUBIC, HALVES, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs, Prompt
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.tokenizing import encode
from mmgpt_desktop.messages import Message, Photo


class PaliGemma(Family):
    """It was made to be asked once: earlier turns are left out."""

    model_types = ("paligemma",)
    placeholder = "<image>"
    unsaid_context = 8192
    image_settings: ClassVar[Mapping[str, Any]] = {
        **HALVES,
        "resample": BICUBIC,
        "size": {"height": 224, "width": 224},
    }
    outside_blocks = 1
    default_template = (
        "{% for part in messages[-1]['content'] if part['type'] == 'image' %}<image>{% endfor %}"
        "{{ bos_token }}"
        "{% for part in messages[-1]['content'] if part['type'] == 'text' %}"
        "{{ part['text'] }}{% endfor %}{{ '\\n' }}"
    )

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._patch = whole_number(self.vision, "patch_size", 14)

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        """The whole photo stretched to a square: there are no tiles."""
        size = self.settings["size"]
        pixels = self.resized(photo.pixels, int(size["width"]), int(size["height"]))
        return self.one_view(photo, pixels, whole(photo), self._patch)

    def build_prompt(
        self, messages: Sequence[Message], images: Sequence[ImageInputs], room: int
    ) -> Prompt:
        prompt = super().build_prompt(messages[-1:], images, room)
        return replace(prompt, dropped_turns=len(answered(messages[:-1])))

    def tokens(self, prompt: str) -> list[int]:
        """The prompt has its own beginning, after the photos."""
        return encode(self.tokenizer, prompt)

    def rotary(
        self, token_ids: NDArray[np.int64], images: Sequence[ImageInputs]
    ) -> tuple[NDArray[np.int64], int]:
        """Counted from 1."""
        positions, following = super().rotary(token_ids, images)
        return positions + 1, following + 1

    def blocks(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """All of the prompt is one: only the answer is read in order."""
        return np.zeros_like(token_ids)
