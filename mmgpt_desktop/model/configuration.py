"""The configuration of our multimodal GPT."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PretrainedConfig

from mmgpt_desktop.model.encoder import CLASSES

IMAGE_SIZE = 256
IMAGE_MEAN = 127.0
IMAGE_STD = 128.0
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (PAD, USER, ASSISTANT, END)
"""Their ids are their places in this tuple."""


CONCAT, CROSS_ATTENTION, GRAPH = "concat", "cross_attention", "graph"
FUSIONS = (CONCAT, CROSS_ATTENTION, GRAPH)
"""Feature concatenation, cross-attention, and a graph network of cells."""


class MMGPTConfig(PretrainedConfig):
    """Sizes of encoder grid and decoder.

    `fusion` is the way in which picture and text meet unless a call names another of
    `fusions`, those that the weights were trained for. `cross_attention_every` n gives each
    n-th decoder layer a look at the picture; with `concat` all layers see it.
    With `resampler_latents` cross-attention reads so many latents in place of the cells.
    `pointing` weighs the loss that teaches `pointing_heads` (layer, head) to look at the
    named thing; these layers must be among those that look. `tuning`, while the encoder's last
    stages learn as well, weighs what holds its classes to what they were; None if they never did.
    The names of the encoder's `classes` are there in each of the `languages` that the model was
    trained in; it `translates` between these if it was trained to.
    """

    model_type = "mmgpt"

    vocab_size: int = 8192
    hidden_size: int = 384
    num_hidden_layers: int = 8
    num_attention_heads: int = 6
    cross_attention_every: int = 2
    max_position_embeddings: int = 512
    rope_theta: float = 10_000.0
    dropout: float = 0.1
    label_smoothing: float = 0.0
    grid_size: int = IMAGE_SIZE // 16
    fusion: str = CROSS_ATTENTION
    fusions: Sequence[str] = FUSIONS
    graph_rounds: int = 2
    graph_heads: int = 3
    similar_cells: int = 8
    resampler_latents: int = 0
    resampler_layers: int = 2
    classes: int = CLASSES
    name_classes: int = 4
    name_tokens: int = 5
    languages: Sequence[str] = ("en",)
    translates: bool = False
    pointing: float = 0.1
    pointing_heads: Sequence[Sequence[int]] = ((5, 0), (5, 1), (7, 0), (7, 1))
    tuning: float | None = None
    pad_token_id: int = SPECIAL_TOKENS.index(PAD)
    user_token_id: int = SPECIAL_TOKENS.index(USER)
    assistant_token_id: int = SPECIAL_TOKENS.index(ASSISTANT)
    eos_token_id: int = SPECIAL_TOKENS.index(END)
    tie_word_embeddings: bool = True

    @property
    def tuned(self) -> bool:
        """Whether the encoder's last stages are no longer ImageNet's."""
        return self.tuning is not None

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

    @property
    def name_cells(self) -> int:
        """Places for the encoder's class names, after the cells."""
        return self.name_classes * self.class_tokens

    @property
    def class_tokens(self) -> int:
        """Those of one class: its name in one language after the other."""
        return self.name_tokens * len(self.languages)

    def image_layers(self, fusion: str) -> tuple[int, ...]:
        """The decoder layers that read the picture."""
        if fusion == CONCAT:
            return tuple(range(self.num_hidden_layers))
        return self.cross_attention_layers

    def grid_of(self, fusion: str) -> int:
        """Rows (and columns) of the grid that the text reads: `concat` joins cells by four."""
        return self.grid_size // 2 if fusion == CONCAT else self.grid_size

    def resampled(self, fusion: str) -> bool:
        """Whether the text reads latents that have read the cells, and not these."""
        return fusion == CROSS_ATTENTION and self.resampler_latents > 0

    def places(self, fusion: str) -> int:
        """The grid's cells, or the latents in their place."""
        return self.resampler_latents if self.resampled(fusion) else self.grid_of(fusion) ** 2

    def positions(self, fusion: str) -> int:
        """What the text reads: places, then the names' cells."""
        return self.places(fusion) + self.name_cells
