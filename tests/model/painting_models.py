"""Painters of a few numbers."""

from __future__ import annotations

import torch

from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.painter_config import PainterConfig, PictureCoderConfig
from mmgpt_desktop.model.painting.picture_coder import PictureCoder

CODES, PARTS, SIDE, TEXT = 35, 3, 2, 6
CELLS = SIDE**2
TINY_CODER = PictureCoderConfig(
    picture_size=16 * SIDE,
    widths=(16, 32, 32),
    drawing_widths=(32, 32, 16, 16),
    levels=(7, 5),
    codes_per_cell=PARTS,
)


def tiny_painter_config(vocab_size: int, dropout: float = 0.0) -> PainterConfig:
    return PainterConfig(
        vocab_size=vocab_size,
        dropout=dropout,
        text_length=TEXT,
        embedding_size=8,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        side=SIDE,
        codes=CODES,
        codes_per_cell=PARTS,
    )


def tiny_painting() -> PaintingModel:
    """Four cells of three codes each; weights large enough that all of the model shows."""
    torch.manual_seed(0)
    painter = MMGPTPainter(tiny_painter_config(300))
    for parameter in painter.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    return PaintingModel(painter.eval(), PictureCoder(TINY_CODER).eval())
