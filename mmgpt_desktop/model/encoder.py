"""EfficientNet-Lite2 as an image encoder with two stages of cells.

Architecture: Tan & Le, "EfficientNet" (2019), in Google's Lite variant: no squeeze-and-
excitation, ReLU6 instead of swish, stem and head not scaled. Weights come from Google's
ImageNet training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

BATCH_NORM_EPS = 1e-3
FINE_CHANNELS = 120
"""Channels of the finer stage (stride 16)."""
COARSE_BACKBONE_CHANNELS = 352
"""Channels of the coarser stage (stride 32)."""
COARSE_CHANNELS = 1280
"""The same after the classifier's 1x1 convolution."""
CLASSES = 1000
"""ImageNet's; more may stand behind them."""


@dataclass(frozen=True)
class _Stage:
    """`repeats` inverted residual blocks; the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(3, 3, 2, 6, 24),
    _Stage(3, 5, 2, 6, 48),
    _Stage(4, 3, 2, 6, 88),
    _Stage(4, 5, 1, 6, FINE_CHANNELS),
    _Stage(5, 5, 2, 6, 208),
    _Stage(1, 3, 1, 6, COARSE_BACKBONE_CHANNELS),
)
_FINE_BLOCKS = sum(stage.repeats for stage in _STAGES[:5])


class ConvNorm(nn.Sequential):
    """Convolution with TensorFlow's SAME padding, batch norm and, if asked, ReLU6.

    SAME pads a stride-2 convolution on an even side by one more pixel at the end.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, act: bool
    ) -> None:
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        layers: list[nn.Module] = []
        if before != after:
            layers.append(nn.ZeroPad2d((before, after, before, after)))
        padding = before if before == after else 0
        layers += [
            nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS),
        ]
        if act:
            layers.append(nn.ReLU6())
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection; a residual where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        inner = inputs * expand
        layers = [ConvNorm(inputs, inner, 1, act=True)] if expand != 1 else []
        layers.append(ConvNorm(inner, inner, kernel, stride, groups=inner, act=True))
        layers.append(ConvNorm(inner, outputs, 1, act=False))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class EfficientNetLite2(nn.Module):
    """Pixels to a fine and a coarse map of cells."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, act=True)
        blocks: list[nn.Module] = []
        inputs = 32
        for stage in _STAGES:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(
                    InvertedResidual(inputs, stage.channels, stage.kernel, stride, stage.expand)
                )
                inputs = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = ConvNorm(inputs, COARSE_CHANNELS, 1, act=True)
        self.classifier = nn.Linear(COARSE_CHANNELS, classes)

    def backbone(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Maps before the head: fine [B, 120, H/16, W/16] and coarse [B, 352, H/32, W/32].

        `pixels` [B, 3, H, W] are `(rgb - 127) / 128`; H and W multiples of 32.
        """
        fine = self.stem(pixels)
        for block in self.blocks[:_FINE_BLOCKS]:
            fine = block(fine)
        return fine, self.coarser(fine)

    @property
    def last_stages(self) -> nn.ModuleList:
        """The blocks that make the coarse map of the fine one."""
        return self.blocks[_FINE_BLOCKS:]

    def coarser(self, fine: Tensor) -> Tensor:
        """The coarse map [B, 352, H/32, W/32] of the fine one [B, 120, H/16, W/16]."""
        x = fine
        for block in self.last_stages:
            x = block(x)
        return x

    def widened(self, cells: Tensor) -> Tensor:
        """The head's map [B, 1280, side, side] of coarse cells [B, side * side, 352]."""
        side = math.isqrt(cells.shape[1])
        wide: Tensor = self.head(cells.mT.unflatten(2, (side, side)))
        return wide

    def classify(self, coarse: Tensor) -> Tensor:
        """Logits [B, classes] of the head's map [B, 1280, H/32, W/32]."""
        logits: Tensor = self.classifier(coarse.mean(dim=(2, 3)))
        return logits
