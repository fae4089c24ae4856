"""Idefics3's and SmolVLM's image encoder for graphs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmgpt_desktop.engine.image_encoder import ImageEncoder


class Idefics3Encoder(ImageEncoder):
    """Views that are whole squares, as ours are: so nothing depends on where their padding is."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.connector = model.vision_model, model.connector
        self.register_buffer("places", _places(self.vision.embeddings), persistent=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        embeddings = self.vision.embeddings
        patches = embeddings.patch_embedding(pixel_values[0]).flatten(2).mT  # (N, patch, width)
        states = patches + embeddings.position_embedding(self.places)
        states = self.vision.encoder(inputs_embeds=states, attention_mask=None).last_hidden_state
        features: Tensor = self.connector(self.vision.post_layernorm(states))
        return features.flatten(0, 1)


def _places(embeddings: Any) -> Tensor:
    """The position ids of a whole view, as the embeddings themselves make them."""
    caught = list[Tensor]()
    hook = embeddings.position_embedding.register_forward_pre_hook(
        lambda _module, arguments: caught.append(arguments[0])
    )
    side, patches = embeddings.image_size, embeddings.image_size // embeddings.patch_size
    with torch.inference_mode():
        all_there = torch.ones(1, patches, patches, dtype=torch.bool)
        embeddings(torch.zeros(1, 3, side, side), all_there)
    hook.remove()
    return caught[0].clone()
