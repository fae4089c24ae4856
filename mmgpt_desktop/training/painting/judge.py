"""Who tells photos from what a decoder drew, patch by patch.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017), with the
hinge loss of Lim & Ye, "Geometric GAN" (2017): what the judge can't tell apart looks sharp, where
a mean error alone leaves a blur.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)

_WIDTHS = (32, 64, 128)
_SLOPE = 0.2
_RATE = 4e-4


class Judge(nn.Module):
    """Learns along; it begins anew with each run, also with one that goes on from a checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 4, 2, 1), nn.LeakyReLU(_SLOPE)]
        for before, after in itertools.pairwise(_WIDTHS):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.GroupNorm(after // 16, after),
                nn.LeakyReLU(_SLOPE),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(_WIDTHS[-1], 1, 3, padding=1))
        self._optimizer = torch.optim.AdamW(self.parameters(), lr=_RATE, betas=(0.5, 0.9))

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, size, size] to how much each patch looks like a photo's."""
        found: Tensor = self.layers(pixels)
        return found

    def learn(self, photos: Tensor, drawn: Tensor) -> float:
        """A step on photos and on what was drawn in their place; the loss before it."""
        self.requires_grad_(True)
        real, made = self(photos), self(drawn.detach())
        loss = (F.relu(1 - real.float()).mean() + F.relu(1 + made.float()).mean()) / 2
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.requires_grad_(False)
        return float(loss.detach())
