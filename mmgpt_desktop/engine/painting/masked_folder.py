"""aMUSEd, a pipeline of diffusers that writes a picture's tokens, those that it is surest of first.

Patil et al. 2024, "aMUSEd: An Open MUSE Reproduction", after Chang et al. 2023, "Muse": all tokens
are masked at first, a transformer that reads the words by cross-attention guesses them all, and
at each step the surest of these guesses stay. A decoder makes pixels of the tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmgpt_desktop.engine.chat.image_values import whole_number
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.pipeline_parts import (
    LARGEST,
    READER,
    SCHEDULER,
    TOKENIZER,
    TOKENIZERS,
    WIDEST,
    Pipeline,
    PipelinePart,
    numbers_of,
    open_parts,
)
from mmgpt_desktop.painted import PaintSettings

MASKED = "AmusedPipeline"
TRANSFORMER, TOKEN_DECODER = "transformer", "vqvae"
_KINDS = {
    TRANSFORMER: ("UVit2DModel",),
    TOKEN_DECODER: ("VQModel",),
    READER: ("CLIPTextModelWithProjection",),
    TOKENIZER: TOKENIZERS,
    SCHEDULER: ("AmusedScheduler",),
}
_COUNTS = (  # of layers: a part, the setting, what it is unsaid, and the most
    (TRANSFORMER, "num_res_blocks", 3, 32),
    (TRANSFORMER, "num_hidden_layers", 22, 256),
    (TOKEN_DECODER, "layers_per_block", 1, 32),
    (READER, "num_hidden_layers", 12, 256),
)
_WIDE = (
    *("hidden_size", "block_out_channels", "in_channels", "intermediate_size"),
    *("micro_cond_encode_dim", "micro_cond_embed_dim"),
)
_WIDTHS = {"encoder_hidden_size": "hidden_size", "cond_embed_dim": "projection_dim"}
_MOST_CELLS = 16  # along a side of a map
_MOST_TOKENS = 1 << 17
_MOST_TOKENS_SIDE = 64  # each token attends to all
_USUAL = PaintSettings(temperature=1.0, least=0.0, guidance=10.0, steps=12)


class MaskedFolder(Pipeline):
    """Pictures of `tokens_side` x `tokens_side` tokens, at first all the `mask`."""

    def __init__(self, path: Path, parts: Mapping[str, PipelinePart]) -> None:
        super().__init__(path, parts)
        model, decoder, reader = (
            parts[name].config for name in (TRANSFORMER, TOKEN_DECODER, READER)
        )
        for part, name, unsaid, most in _COUNTS:
            whole_number(parts[part].config, name, unsaid, most)
        for name in _WIDE:
            whole_number(model, name, 768, WIDEST)
        halvings = len(numbers_of(decoder, "block_out_channels", (64,), WIDEST)) - 1
        self.tokens_side = whole_number(model, "sample_size", 64, _MOST_TOKENS_SIDE)
        self.picture_size = self.tokens_side << halvings
        self.side = self.tokens_side
        while self.side > _MOST_CELLS:
            self.side //= 2
        self.channels = whole_number(decoder, "latent_channels", 3, WIDEST)
        self.mask = whole_number(parts[SCHEDULER].config, "mask_token_id", 0, _MOST_TOKENS)
        self._require_codes(model, decoder)
        for ours, theirs in _WIDTHS.items():
            read = whole_number(model, ours, 768, WIDEST)
            if read != whole_number(reader, theirs, 512, WIDEST):
                raise ValueError("the transformer can't read what the text encoder writes.")

    def _require_codes(self, model: Mapping[str, Any], decoder: Mapping[str, Any]) -> None:
        codes = whole_number(model, "codebook_size", 8192, _MOST_TOKENS)
        if self.picture_size > LARGEST:
            raise ValueError("its pictures are too large.")
        if codes > whole_number(decoder, "num_vq_embeddings", 256, _MOST_TOKENS):
            raise ValueError("the decoder knows fewer tokens than are written.")
        if not codes <= self.mask < whole_number(model, "vocab_size", 8256, _MOST_TOKENS):
            raise ValueError("the token that masks others is none, or one of theirs.")

    @property
    def usual(self) -> PaintSettings:
        return _USUAL

    def with_torch(self, *, card: bool) -> PainterRuntime:
        from mmgpt_desktop.engine.families.runtimes.masked_drawing import MaskedDrawing

        return MaskedDrawing(self, card=card)


def open_masked(path: Path, index: Mapping[str, Any]) -> Pipeline:
    """ValueError where the parts don't fit each other; otherwise raises as `open_pipeline`."""
    return MaskedFolder(path, open_parts(path, index, _KINDS))
