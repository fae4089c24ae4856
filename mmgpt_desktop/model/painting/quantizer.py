"""Finite scalar quantisation: numbers become codes by rounding, without a codebook to learn.

Mentzer et al., "Finite Scalar Quantization: VQ-VAE Made Simple" (2023). Each of a cell's numbers is
pressed into as many levels as its place has, and a code counts the levels of some of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_EDGE = 1e-3
"""So far beyond the outermost level a number may go."""


class ScalarQuantizer(nn.Module):
    """Cells of `groups` codes each; a code stands for one number for each of the `levels`, all of
    which are odd, so that 0 is among them."""

    def __init__(self, levels: Sequence[int], groups: int) -> None:
        super().__init__()
        assert all(level % 2 for level in levels)
        self.levels, self.groups = tuple(levels), groups
        self.weights = tuple(math.prod(levels[:place]) for place in range(len(levels)))

    def forward(self, cells: Tensor) -> Tensor:
        """Numbers [..., channels] to the nearest levels, from -1 to 1; gradients pass as if nothing
        had been rounded."""
        steps = self._steps(cells)
        rounded = steps + (steps.round() - steps).detach()
        return (rounded / self._most(cells)).flatten(-2)

    def encode(self, cells: Tensor) -> Tensor:
        """Numbers [..., channels] to codes [..., groups]."""
        steps = self._steps(cells).round() + self._most(cells)
        return self._numbered(steps)

    def nearest(self, levels: Tensor) -> Tensor:
        """Codes [..., groups] of what is nearest to such numbers [..., channels] as `decode`
        gives."""
        most = self._most(levels)
        steps = (levels.unflatten(-1, (self.groups, -1)).clamp(-1, 1) * most).round() + most
        return self._numbered(steps)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [..., groups] to the levels that they stand for, [..., channels]."""
        levels = torch.tensor(self.levels, device=codes.device)
        steps = codes[..., None] // self._weights(codes) % levels
        most = self._most(codes)
        return ((steps - most) / most).flatten(-2)

    def _numbered(self, steps: Tensor) -> Tensor:
        """Codes of steps [..., groups, levels] from the first level."""
        return (steps.long() * self._weights(steps)).sum(dim=-1)

    def _steps(self, cells: Tensor) -> Tensor:
        """[..., groups, levels], from the middle level, and a little beyond the last."""
        pressed: Tensor = cells.unflatten(-1, (self.groups, -1)).tanh()
        return pressed * (1 + _EDGE) * self._most(cells)

    def _most(self, like: Tensor) -> Tensor:
        """Steps from the middle level to the last."""
        return torch.tensor([(level - 1) / 2 for level in self.levels], device=like.device)

    def _weights(self, like: Tensor) -> Tensor:
        """What a step of each level adds to the code."""
        return torch.tensor(self.weights, device=like.device)
