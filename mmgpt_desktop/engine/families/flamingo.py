"""mmgpt-small, our own Flamingo: a frozen language model whose words look at a photo's cells.

In the prompt a photo is the names of what the encoder takes it for, as words; its cells are read by
gated cross-attention alone. Without a photo the prompt is the language model's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.decoding import DataDecoder
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import whole_number
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import one_to_one
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.imaging.pixels import ImageSpec, PixelSpec, prepare
from mmgpt_desktop.messages import Photo

TEMPLATE = (
    "{%- set state = namespace(photos=0) -%}"
    "{%- for message in messages -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}{%- set state.photos = state.photos + 1 -%}{%- endif -%}"
    "{%- endfor -%}{%- endfor -%}"
    "{%- if state.photos -%}{{ '<|im_start|>' }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- for part in message.content if part.type == 'image' -%}"
    "{{ 'Photo:<repo_name>\\n' }}"
    "{%- endfor -%}"
    "{%- set text = message.content | selectattr('type', 'equalto', 'text')"
    " | map(attribute='text') | join(' ') | trim -%}"
    "{%- if not state.photos -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + text + '<|im_end|>\\n' }}"
    "{%- elif message.role == 'user' -%}{{ 'Question: ' + text + '\\nAnswer:' }}"
    "{%- else -%}{{ ' ' + text + '<|im_end|>\\n' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt and not state.photos -%}"
    "{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
"""`training.looks.photo_layout` lays its rows out alike."""


class Flamingo(Family):
    """Words look at all photos of a conversation; it was taught with one."""

    model_types = ("mmgpt_flamingo",)
    placeholder = "<repo_name>"  # a token of the language model that no text of ours has
    fusion = "cross_attention"
    default_template = TEMPLATE
    image_settings: ClassVar[Mapping[str, Any]] = {
        "size": 256,
        "mean": 127.0,
        "std": 128.0,
        "max_aspect": 2.0,
    }
    torch_runtime = f"{RUNTIMES}.flamingo_torch:FlamingoTorch"
    onnx_runtime = f"{RUNTIMES}.flamingo_onnx:FlamingoOnnx"
    encoder = f"{RUNTIMES}.flamingo_torch:FlamingoEncoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        config = checkpoint.config
        self._side = whole_number(config, "grid_size", 16)
        classes = whole_number(config, "name_classes", 3)
        self._names = classes * whole_number(config, "name_tokens", 4)
        known = {name: self.settings[name] for name in self.image_settings}
        self._pixels = DataDecoder().decode(PixelSpec, known)

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        spec = ImageSpec(**vars(self._pixels), rows=self._side, columns=self._side)
        pixels, grid = prepare(photo, spec)
        # The names lie nowhere.
        patch_to_cell = one_to_one(grid, self._names)
        return ImageInputs({"pixel_values": pixels}, len(patch_to_cell), grid, patch_to_cell)

    def expansion(self, inputs: ImageInputs) -> str:
        return self.placeholder * self._names

    def find_image_tokens(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The names' places; a photo's cells, which take none, are all at the last of its names."""
        names = super().find_image_tokens(token_ids)
        if len(names) % self._names:  # which `build_prompt` finds fault with
            return names
        photos = names.reshape(-1, self._names)
        cells = np.repeat(photos[:, -1:], self._side**2, axis=1)
        return np.concatenate([photos, cells], axis=1).ravel()


def name_positions(context: Context) -> NDArray[np.int64]:
    """Where in the prompt the photos' names stand."""
    positions = np.array(context.prompt.image_positions, np.int64)
    parts = np.split(positions, np.cumsum([each.tokens for each in context.images])[:-1])
    names = [
        part[: each.tokens - each.grid.cells]
        for part, each in zip(parts, context.images, strict=True)
    ]
    return np.concatenate(names)


def cell_weights(weights: NDArray[Any], context: Context) -> NDArray[np.float32]:
    """What looks gave to cells, [look, head, (cell + null) of each photo], by the prompt's image
    tokens: nothing of it went to names, and what went to null cells is left out."""
    if not context.images:
        return np.zeros((*weights.shape[:2], 0), np.float32)
    parts = np.split(weights, len(context.images), axis=2)
    padded = (
        np.pad(part[:, :, :-1], ((0, 0), (0, 0), (each.tokens - each.grid.cells, 0)))
        for part, each in zip(parts, context.images, strict=True)
    )
    return np.concatenate(list(padded), axis=2, dtype=np.float32)
