"""Janus in PyTorch, without what makes pictures."""

from __future__ import annotations

from transformers import JanusConfig, JanusForConditionalGeneration

_MAKES_PICTURES = ("vqmodel", "generation_embeddings", "generation_aligner", "generation_head")


class JanusReader(JanusForConditionalGeneration):
    """Weights of parts that aren't there are let be: neither read nor missed."""

    def __init__(self, config: JanusConfig) -> None:
        super().__init__(config)
        for part in _MAKES_PICTURES:
            delattr(self.model, part)
