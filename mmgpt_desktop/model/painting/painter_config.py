"""The configurations of the picture's coder and of the painter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from transformers import PretrainedConfig

from mmgpt_desktop.model.configuration import MMGPTConfig

PICTURE_SIZE = 128
CELL = 16
"""Pixels along a side of what one cell's codes stand for."""


class PictureCoderConfig(PretrainedConfig):
    """Sizes of the autoencoder.

    `widths` are the encoder's channels at a quarter, an eighth and a sixteenth of the picture's
    side, `drawing_widths` the decoder's on the way back, as far as a half. Each cell of a sixteenth
    has `codes_per_cell` codes, whose numbers have so many `levels`. What is drawn of them is made
    twice as large by `enlarging_blocks` of width `enlarging_width`, if that is not 0.
    """

    model_type = "mmgpt-picture-coder"

    picture_size: int = PICTURE_SIZE
    widths: Sequence[int] = (64, 128, 256)
    drawing_widths: Sequence[int] = (256, 128, 64, 32)
    levels: Sequence[int] = (7, 7, 5, 5)
    codes_per_cell: int = 4
    enlarging_width: int = 0
    enlarging_blocks: int = 4

    @property
    def drawn_size(self) -> int:
        """Pixels along a side of what codes become."""
        return self.picture_size * (2 if self.enlarging_width else 1)

    @property
    def side(self) -> int:
        """Cells along a side."""
        return self.picture_size // CELL

    @property
    def codes(self) -> int:
        """How many there are."""
        return math.prod(self.levels)

    @property
    def channels(self) -> int:
        """Numbers of a cell."""
        return self.codes_per_cell * len(self.levels)


class CellsConfig(PretrainedConfig):
    """What our painters share: a transformer of our GPT's layers over `side` x `side` cells."""

    hidden_size: int = 256
    num_hidden_layers: int = 8
    num_attention_heads: int = 4
    rope_theta: float = 10_000.0
    dropout: float = 0.1
    side: int = PICTURE_SIZE // CELL

    @property
    def cells(self) -> int:
        return self.side**2

    def gpt(self) -> MMGPTConfig:
        """As the blocks of our GPT take it."""
        return MMGPTConfig(
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            rope_theta=self.rope_theta,
            dropout=self.dropout,
        )


class PainterConfig(CellsConfig):
    """Sizes of the GPT that writes pictures.

    It reads `text_length` tokens of a `vocab_size` and writes `side` x `side` cells of
    `codes_per_cell` codes each, of which there are `codes`; both have embeddings of
    `embedding_size`.
    """

    model_type = "mmgpt-painter"

    vocab_size: int = 12_000
    text_length: int = 24
    embedding_size: int = 64
    codes: int = 1225
    codes_per_cell: int = 4
    pad_token_id: int = 0


class FlowPainterConfig(CellsConfig):
    """Sizes of the painter that makes all cells at once, of noise.

    It reads what the GPT that writes pictures tells of each word in its `text_layers`, in
    `text_width` numbers, and moves `side` x `side` cells of `channels` numbers.
    """

    model_type = "mmgpt-flow-painter"

    hidden_size: int = 192
    num_attention_heads: int = 3
    text_layers: Sequence[int] = (3, 7)
    text_width: int = 512
    channels: int = 16
