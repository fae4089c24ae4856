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
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.imaging.pixels import ImageSpec, PixelSpec, prepare
from mmgpt_desktop.messages import Photo

TEMPLATE = (
    "{%- set shown = namespace(photo=false) -%}"
    "{%- for message in messages -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}{%- set shown.photo = true -%}{%- endif -%}"
    "{%- endfor -%}{%- endfor -%}"
    "{%- if shown.photo -%}{{ '<|im_start|>Photo:<repo_name>' }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- set text = message.content | selectattr('type', 'equalto', 'text') | map(attribute='text')"
    " | join(' ') | trim -%}"
    "{%- if not shown.photo -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + text + '<|im_end|>\\n' }}"
    "{%- elif message.role == 'user' -%}{{ '\\nQuestion: ' + text + '\\nAnswer:' }}"
    "{%- else -%}{{ ' ' + text + '<|im_end|>' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt and not shown.photo -%}"
    "{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
"""One photo at most; `training.looks.photo_layout` lays its rows out alike."""


class Flamingo(Family):
    """One photo a conversation."""

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
        self._side = whole_number(config, "grid_size", 8)
        classes = whole_number(config, "name_classes", 3)
        self._names = classes * whole_number(config, "name_tokens", 4)
        known = {name: self.settings[name] for name in self.image_settings}
        self._pixels = DataDecoder().decode(PixelSpec, known)

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        spec = ImageSpec(**vars(self._pixels), rows=self._side, columns=self._side)
        pixels, grid = prepare(photo, spec)
        # The names lie nowhere.
        patch_to_cell = np.eye(self._names + grid.cells, grid.cells, -self._names, np.float32)
        return ImageInputs({"pixel_values": pixels}, len(patch_to_cell), grid, patch_to_cell)

    def expansion(self, inputs: ImageInputs) -> str:
        return self.placeholder * self._names

    def find_image_tokens(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The names' places; the cells, which take none, are all at the last of these."""
        names = super().find_image_tokens(token_ids)
        return np.concatenate([names, np.repeat(names[-1:], self._side**2)])
