"""LLaVA-OneVision's image encoder for graphs."""

from __future__ import annotations

import torch
from torch import Tensor

from mmgpt_desktop.engine.image_encoder import OwnEncoder


class LlavaOnevisionEncoder(OwnEncoder):
    """Tokens are patches of views, mixed as `ImageInputs.for_graphs` says, and newlines."""

    def forward(  # type: ignore[override]
        self, pixel_values: Tensor, mixed_of: Tensor, shares: Tensor
    ) -> Tensor:
        config = self.model.config
        tower = self.model.vision_tower(pixel_values[0], output_hidden_states=True)
        layers = config.vision_feature_layer
        chosen = [layers] if isinstance(layers, int) else layers
        states = torch.cat([tower.hidden_states[layer] for layer in chosen], -1)
        if config.vision_feature_select_strategy == "default":  # without the class token
            states = states[:, 1:]
        patches = self.model.multi_modal_projector(states).flatten(0, 1)
        rows = torch.cat([patches, self.model.image_newline[None]])
        return (rows[mixed_of] * shares[..., None]).sum(1)
