"""A public model's image encoder and projector as PyTorch's exporter takes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmgpt_desktop.engine.graphs.names import FEATURES


class ImageEncoder(nn.Module):
    """`outputs` are the names of what it gives."""

    outputs: tuple[str, ...] = (FEATURES,)


class OwnEncoder(ImageEncoder):
    """The model's own way from pixels to features."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        found = self.model.get_image_features(pixel_values=pixel_values).pooler_output
        features: Tensor = torch.cat(found) if isinstance(found, list | tuple) else found
        return features.flatten(0, -2)
