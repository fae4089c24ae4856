"""Kosmos-2 in PyTorch: latent queries read the patches, and each other."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from mmgpt_desktop.engine.chat.model_inputs import Features
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.names import FEATURES, READING
from mmgpt_desktop.engine.image_encoder import ImageEncoder


class Kosmos2Torch(CheckpointTorch):
    """Latent queries read the patches, and each other: that share is no place's."""

    def load(self, checkpoint: Checkpoint) -> Any:
        whole = super().load(checkpoint)
        attention = whole.image_to_text_projection.x_attn
        attention.config = copy.copy(attention.config)
        attention.config._attn_implementation = "eager"  # every latent's row is wanted
        self._vision, self._projection = whole.vision_model, whole.image_to_text_projection
        return whole.text_model

    def features(self, inputs: dict[str, Tensor]) -> Features:
        hidden = self._vision(**inputs).last_hidden_state
        patches = self._vision.model.post_layernorm(hidden)
        patches = self.torch.nn.functional.normalize(patches, dim=-1)
        latents, weights = self._projection(patches)
        reading = weights[0, :, :, : patches.shape[1]].float().mean(dim=0)
        return Features(latents[0], self.place.array(reading))

    def close(self) -> None:
        self._vision = self._projection = None
        super().close()


class Kosmos2Encoder(ImageEncoder):
    """Latents [latent, width], and what each read of the patches [latent, patch]."""

    outputs = (FEATURES, READING)

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.projection = model.vision_model, model.image_to_text_projection
        self.projection.x_attn.config._attn_implementation = "eager"  # which gives its weights

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        states = self.vision(pixel_values=pixel_values).last_hidden_state
        patches = nn.functional.normalize(self.vision.model.post_layernorm(states), dim=-1)
        latents, weights = self.projection(patches)
        return latents[0], weights[0, :, :, : patches.shape[1]].mean(0)
