"""Idefics (the public Flamingo): words look at a photo by gated cross-attention.

A resampler's latents read the image encoder's patches, and each word looks at the latents of
the last photo before it (Alayrac et al. 2022, "Flamingo"; Laurencon et al. 2023, "OBELICS").
In the prompt a photo is one token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BICUBIC, CLIP, whole_number
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Photo

_AROUND, _END = "<fake_token_around_image>", "<end_of_utterance>"
_NAMES = {"user": "User:", "assistant": "Assistant:"}


class Idefics(Family):
    """The instructed model ends each turn with a token of its own, the base model with a line."""

    model_types = ("idefics",)
    placeholder = "<image>"
    fusion = "cross_attention"
    sequences = True
    default_template = ""  # it has none: `template`
    image_settings: ClassVar[Mapping[str, Any]] = {**CLIP, "resample": BICUBIC}
    torch_runtime = f"{RUNTIMES}.idefics_torch:IdeficsTorch"
    onnx_runtime = f"{RUNTIMES}.idefics_onnx:IdeficsOnnx"
    encoder = f"{RUNTIMES}.idefics_torch:IdeficsEncoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        config = checkpoint.config
        self._side = whole_number(self.vision, "image_size", 224)
        self._patch = whole_number(self.vision, "patch_size", 14)
        latents = whole_number(config.get("perceiver_config", {}), "resampler_n_latents", 64)
        patches = (self._side // self._patch) ** 2
        self._tokens = latents if config.get("use_resampler") else patches + 1

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels = self.resized(photo.pixels, self._side, self._side)
        # Patch 0 is the whole picture's token.
        view = whole(photo)
        return self.one_view(photo, pixels, view, self._patch, before=1, tokens=self._tokens)

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
