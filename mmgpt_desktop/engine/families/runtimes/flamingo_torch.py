"""mmgpt-small in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.engine.chat.model_inputs import Context, Features
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch, load_model
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.names import KEYS, NAMED, VALUES
from mmgpt_desktop.engine.image_encoder import ImageEncoder
from mmgpt_desktop.model.looking_llama import SeenPhotos, register

register()


class FlamingoTorch(CheckpointTorch):
    """The cells are read by the looks alone; the names stand in the prompt as words."""

    def load(self, checkpoint: Checkpoint) -> Any:
        model = load_model(checkpoint, dtype=self.place.dtype, attn_implementation="sdpa")
        return model.to(self.place.device)

    @property
    def attention_shape(self) -> tuple[int, int]:
        config = self.model.config
        return len(config.cross_layers), config.num_attention_heads

    def features(self, inputs: dict[str, Tensor]) -> Features:
        pixels = inputs["pixel_values"].to(self.place.dtype)
        return Features(self.model.encode_pixels(pixels))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        return {
            "input_ids": self.place.ids(token_ids),
            "photos": context.features[0].embeddings if context.features else None,
        }

    def rows(self, output: Any, context: Context, total: int) -> NDArray[np.float32]:
        """What went to the null cell is left out, and nothing of it went to names."""
        layers, heads = self.attention_shape
        if not output.attentions:
            return np.zeros((layers, heads, 0), np.float32)
        weights = self.place.array(self.torch.cat(output.attentions)[:, :, 0, :-1])
        names = self.model.config.name_places
        return np.pad(np.asarray(weights, np.float32), ((0, 0), (0, 0), (names, 0)))


class FlamingoEncoder(ImageEncoder):
    """What the looks read, keys and values [look, head, cell + 1, width], and the names' words."""

    outputs = (KEYS, VALUES, NAMED)

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        photos: SeenPhotos = self.model.encode_pixels(pixel_values)
        return torch.cat(photos.keys), torch.cat(photos.values), photos.names[0]
