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
from mmgpt_desktop.engine.families.flamingo import cell_weights, name_positions
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.names import KEYS, NAMED, VALUES
from mmgpt_desktop.engine.image_encoder import ImageEncoder
from mmgpt_desktop.model.looking_llama import SeenPhotos, register

register()


class FlamingoTorch(CheckpointTorch):
    """The cells are read by the looks alone; the names stand in the prompt as words."""

    def load(self, checkpoint: Checkpoint) -> Any:
        model = load_model(checkpoint, dtype=self.place.dtype, attn_implementation="sdpa")
        model.encoder.float()  # what it takes a photo for hangs on little
        return model.to(self.place.device)

    @property
    def attention_shape(self) -> tuple[int, int]:
        config = self.model.config
        return len(config.cross_layers), config.num_attention_heads

    def features(self, inputs: dict[str, Tensor]) -> Features:
        return Features(self.model.encode_pixels(inputs["pixel_values"].float()))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        if not context.features:
            return {"input_ids": self.place.ids(token_ids)}
        photos = [each.embeddings for each in context.features]
        ids = np.array(token_ids, np.int64)
        here = name_positions(context) - fed
        seen = (here >= 0) & (here < len(ids))
        ids[here[seen]] = self.place.array(torch.cat([each.names[0] for each in photos]))[seen]
        keys, values = (torch.cat([each[i] for each in photos], dim=3) for i in (0, 1))
        return {
            "input_ids": self.place.tensor(ids[np.newaxis]),
            "photos": SeenPhotos(keys, values, photos[0].names),
        }

    def rows(self, output: Any, context: Context, total: int) -> NDArray[np.float32]:
        if not output.attentions:
            return np.zeros((*self.attention_shape, 0), np.float32)
        return cell_weights(self.place.array(torch.cat(output.attentions)[:, :, 0]), context)


class FlamingoEncoder(ImageEncoder):
    """What the looks read, keys and values [look, head, cell + 1, width], and the names' words."""

    outputs = (KEYS, VALUES, NAMED)

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        photos: SeenPhotos = self.model.encode_pixels(pixel_values)
        return photos.keys[:, 0], photos.values[:, 0], photos.names[0]
