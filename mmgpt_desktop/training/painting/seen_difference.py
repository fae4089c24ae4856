"""How different two pictures look: the distance of what an encoder makes of them.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018), with
our own encoder, and all channels weighing the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)

from mmgpt_desktop.model.configuration import IMAGE_MEAN, IMAGE_STD
from mmgpt_desktop.model.encoder import EfficientNetLite2

_AFTER_BLOCKS = (0, 3, 6, 10)
"""The maps that are compared, by the block that makes them: at 1/2, 1/4, 1/8, 1/16 of the side."""


class SeenDifference(nn.Module):
    """Frozen; gradients pass to the pictures."""

    def __init__(self, encoder: EfficientNetLite2) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        nn.Module.to(self, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def train(self, mode: bool = True) -> SeenDifference:
        """Batch norms keep their statistics."""
        return super().train(False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """The mean distance of pictures [B, 3, H, W] from -1 to 1; H and W multiples of 32."""
        pairs = zip(self._maps(one), self._maps(other), strict=True)
        return torch.stack([(a - b).pow(2).sum(dim=1).mean() for a, b in pairs]).mean()

    def _maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """Each cell's channels as a direction."""
        x = self.encoder.stem((pixels * 127.5 + 127.5 - IMAGE_MEAN) / IMAGE_STD)
        for number, block in enumerate(self.encoder.blocks[: max(_AFTER_BLOCKS) + 1]):
            x = block(x)
            if number in _AFTER_BLOCKS:
                yield F.normalize(x, dim=1, eps=1e-4)
