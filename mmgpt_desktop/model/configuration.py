"""The configuration of our multimodal GPT."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

IMAGE_SIZE = 256
IMAGE_MEAN = 127.0
IMAGE_STD = 128.0
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (PAD, USER, ASSISTANT, END)
"""Their ids are their places in this tuple."""


class MMGPTConfig(PretrainedConfig):
    """Sizes of encoder grid and decoder.

    `cross_attention_every` n gives each n-th decoder layer a look at the picture.
    """

    model_type = "mmgpt"

    def __init__(
        self,
        *,
        vocab_size: int = 8192,
        hidden_size: int = 384,
        num_hidden_layers: int = 8,
        num_attention_heads: int = 6,
        cross_attention_every: int = 2,
        max_position_embeddings: int = 512,
        rope_theta: float = 10_000.0,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
        grid_size: int = IMAGE_SIZE // 16,
        pad_token_id: int = SPECIAL_TOKENS.index(PAD),
        user_token_id: int = SPECIAL_TOKENS.index(USER),
        assistant_token_id: int = SPECIAL_TOKENS.index(ASSISTANT),
        eos_token_id: int = SPECIAL_TOKENS.index(END),
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.cross_attention_every = cross_attention_every
        self.max_position_embeddings = max_position_embeddings
        self.rope_theta = rope_theta
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.grid_size = grid_size
        self.user_token_id = user_token_id
        self.assistant_token_id = assistant_token_id
        kwargs.setdefault("tie_word_embeddings", True)
        super().__init__(**kwargs)
        self.pad_token_id = pad_token_id
        self.eos_token_id = eos_token_id

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def cross_attention_layers(self) -> tuple[int, ...]:
        """The decoder layers that look at the picture, counted from 0."""
        every = self.cross_attention_every
        return tuple(range(every - 1, self.num_hidden_layers, every))

    @property
    def cells(self) -> int:
        return self.grid_size**2
