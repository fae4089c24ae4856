"""Idefics (the public Flamingo): words look at a photo by gated cross-attention.

A resampler's latents read the image encoder's patches, and each word looks at the latents of
the last photo before it (Alayrac et al. 2022, "Flamingo"; Laurencon et al. 2023, "OBELICS").
In the prompt a photo is one token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.families.chat import ChatFamily
from mmgpt_desktop.engine.families.crops import whole
from mmgpt_desktop.engine.families.family import Context, ImageInputs, PatchView, views_to_cells
from mmgpt_desktop.engine.families.image_values import (
    normalised,
    resized,
    settings_over,
    whole_number,
)
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import PatchGrid, Photo

_AROUND, _END = "<fake_token_around_image>", "<end_of_utterance>"
_NAMES = {"user": "User:", "assistant": "Assistant:"}
_DEFAULTS: dict[str, Any] = {
    "resample": 3,  # bicubic
    "image_mean": (0.48145466, 0.4578275, 0.40821073),  # CLIP's (Radford et al. 2021)
    "image_std": (0.26862954, 0.26130258, 0.27577711),
}


class Idefics(ChatFamily):
    """The instructed model ends each turn with a token of its own, the base model with a line."""

    placeholder = "<image>"
    fusion = "cross_attention"
    sequences = True
    default_template = ""  # it has none: `template`

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        config = checkpoint.config
        self._settings = settings_over(_DEFAULTS, checkpoint.image_processor)
        vision = config.get("vision_config", {})
        self._side = whole_number(vision, "image_size", 224)
        self._rows = self._side // whole_number(vision, "patch_size", 14)
        latents = whole_number(config.get("perceiver_config", {}), "resampler_n_latents", 64)
        self._tokens = latents if config.get("use_resampler") else self._rows**2 + 1

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels = resized(photo.pixels, self._side, self._side, int(self._settings["resample"]))
        grid = PatchGrid(self._rows, self._rows, whole(photo), photo.width, photo.height)
        view = PatchView(
            grid.rows, grid.columns, grid.box, first=1
        )  # 0 is the whole picture's token
        inputs = {"pixel_values": normalised(pixels, self._settings)[np.newaxis]}
        return ImageInputs(inputs, self._tokens, grid, views_to_cells([view], 1 + grid.cells, grid))

    def expansion(self, inputs: ImageInputs) -> str:
        return self.placeholder

    def template(self, messages: Sequence[Mapping[str, Any]]) -> str:
        end = "" if self.tokenizer.token_to_id(_END) is None else _END
        turns = (f"{_NAMES[each['role']]}{_said(each['content'])}{end}\n" for each in messages)
        return f"<s>{''.join(turns)}{_NAMES['assistant']}"

    def find_image_tokens(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """All tokens of a photo are at its one place in the prompt."""
        return np.repeat(super().find_image_tokens(token_ids), self._tokens)

    def find_stop_ids(self) -> frozenset[int]:
        """It ends too where it would go on with a picture of its own."""
        named = (self.tokenizer.token_to_id(token) for token in (_END, _AROUND, "<image>"))
        return super().find_stop_ids() | {found for found in named if found is not None}


def _said(content: Sequence[Mapping[str, Any]]) -> str:
    """Pictures that follow each other share the token between them."""
    said = ""
    for part in content:
        if part["type"] == "image":
            said += ("" if said.endswith(_AROUND) else _AROUND) + Idefics.placeholder + _AROUND
        else:
            text = part["text"].strip()
            said += text if said.endswith(_AROUND) else f" {text}"
    return said


def seen_photos(context: Context, fed: int, count: int) -> NDArray[np.int64]:
    """Which photo each of the next `count` words looks at, the last one before it: 0 or 1
    [1, word, photo], with a column of 0 where there is no photo.
    """
    begun = np.unique(np.array(context.prompt.image_positions, np.int64))
    last = np.searchsorted(begun, np.arange(fed, fed + count), side="right") - 1
    photos = np.arange(max(1, len(begun)))
    return np.asarray(last[:, np.newaxis] == photos, np.int64)[np.newaxis]
