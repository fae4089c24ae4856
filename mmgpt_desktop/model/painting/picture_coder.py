"""A discrete autoencoder: a picture becomes a grid of codes, and codes become a picture.

The first half of DALL-E (Ramesh et al., 2021), with residual convolutions as in VQGAN (Esser et
al., 2021), and scalar quantisation in the codebook's place.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import PreTrainedModel

from mmgpt_desktop.model.painting.painter_config import PictureCoderConfig
from mmgpt_desktop.model.painting.quantizer import ScalarQuantizer

_FIRST, _LAST = 4, 2
"""Pixels along a side of what the first layer reads, and the last one writes, at once."""


class Residual(nn.Module):
    """Two 3x3 convolutions beside a way round."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(_groups(width), width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(_groups(width), width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y


def _groups(width: int) -> int:
    return width // 16


class PictureCoder(PreTrainedModel):
    """Pixels to codes and back; both halves are trained together."""

    config_class = PictureCoderConfig
    config: PictureCoderConfig
    main_input_name = "pixels"

    def __init__(self, config: PictureCoderConfig) -> None:
        super().__init__(config)
        self.encoder = _encoder(config)
        self.quantizer = ScalarQuantizer(config.levels, config.codes_per_cell)
        self.decoder = _decoder(config)
        self.enlarger = Enlarger(config) if config.enlarging_width else None
        self.post_init()

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, drawn size, drawn size] from -1 to 1 to what is left of them."""
        small = F.avg_pool2d(pixels, pixels.shape[-1] // self.config.picture_size)
        return self.draw(self.quantizer(self.cells(small)))

    def cells(self, pixels: Tensor) -> Tensor:
        """Pixels to numbers [B, side, side, channels], not yet rounded."""
        cells: Tensor = self.encoder(pixels)
        return cells.permute(0, 2, 3, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, size, size] from -1 to 1 to codes [B, side, side, codes of a cell]."""
        return self.quantizer.encode(self.cells(pixels))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes as `encode` gives them to pixels."""
        return self.draw(self.quantizer.decode(codes))

    def decode_some(self, codes: Tensor, drawn: Tensor) -> Tensor:
        """The same of cells that are `drawn` [B, side, side]; where none is yet, there is nothing
        but what the others give away."""
        return self.draw(self.quantizer.decode(codes) * drawn[..., None])

    def draw(self, cells: Tensor) -> Tensor:
        """Numbers [B, side, side, channels] from -1 to 1 to pixels, which may stray a little
        beyond these."""
        pixels: Tensor = self.decoder(cells.permute(0, 3, 1, 2))
        return pixels if self.enlarger is None else self.enlarger(pixels)


def _encoder(config: PictureCoderConfig) -> nn.Sequential:
    widths = config.widths
    layers: list[nn.Module] = [
        nn.PixelUnshuffle(_FIRST),
        nn.Conv2d(3 * _FIRST**2, widths[0], 3, padding=1),
        Residual(widths[0]),
    ]
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), Residual(after)]
    return nn.Sequential(*layers, *_end(widths[-1], config.channels, kernel=1))


def _decoder(config: PictureCoderConfig) -> nn.Sequential:
    widths = config.drawing_widths
    layers: list[nn.Module] = [nn.Conv2d(config.channels, widths[0], 3, padding=1)]
    layers += [Residual(widths[0]), Residual(widths[0])]
    for before, after in pairwise(widths):
        layers += [Doubled(before, after), Residual(after)]
    return nn.Sequential(*layers, *_end(widths[-1], 3 * _LAST**2, kernel=3), nn.PixelShuffle(_LAST))


class Doubled(nn.Module):
    """Twice the side, by repeating each cell before a convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolution(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return y


class Enlarger(nn.Module):
    """Twice as many pixels along a side: what lies between them, and what of them is to differ.

    As EDSR (Lim et al., 2017): residual convolutions without norms, and all sub-pixels at once.
    """

    def __init__(self, config: PictureCoderConfig) -> None:
        super().__init__()
        width = config.enlarging_width
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(config.enlarging_blocks)
        )
        self.last = nn.Conv2d(width, 3 * 2**2, 3, padding=1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, size, size] to [B, 3, 2 * size, 2 * size]."""
        between = F.interpolate(pixels, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = self.first(pixels)
        for block in self.blocks:
            x = x + block(x)
        return between + F.pixel_shuffle(self.last(x), 2)


def _end(width: int, channels: int, *, kernel: int) -> list[nn.Module]:
    last = nn.Conv2d(width, channels, kernel, padding=kernel // 2)
    return [nn.GroupNorm(_groups(width), width), nn.SiLU(), last]
