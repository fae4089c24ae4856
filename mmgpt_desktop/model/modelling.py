"""Our multimodal GPT as a transformers model: picture and text in, next token out.

The encoder's two stages become one grid of cells; the decoder's cross-attention layers
read it. Keys and values of the cells depend on the picture alone, so they are computed
once and serve every question about it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import Cache, DynamicCache, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.decoder import Block, CrossAttention, KeyValue, rotary
from mmgpt_desktop.model.encoder import COARSE_CHANNELS, FINE_CHANNELS, EfficientNetLite2

IGNORED = -100
"""The label of tokens without a loss."""


class CellEmbedder(nn.Module):
    """Both stages of the encoder as one grid of cells of the decoder's width."""

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.grid = config.grid_size
        self.norm_fine = nn.LayerNorm(FINE_CHANNELS)
        self.fine = nn.Linear(FINE_CHANNELS, config.hidden_size, bias=False)
        self.coarse = nn.Linear(COARSE_CHANNELS, config.hidden_size, bias=False)
        self.position = nn.Parameter(torch.zeros(config.cells, config.hidden_size))
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """fine [B, T, 120] and coarse [B, T / 4, 1280] to cells [B, T, d]."""
        half = self.grid // 2
        wide = self.coarse(coarse).view(-1, half, 1, half, 1, self.coarse.out_features)
        wide = wide.expand(-1, -1, 2, -1, 2, -1).reshape(-1, self.grid**2, wide.shape[-1])
        cells: Tensor = self.norm(self.fine(self.norm_fine(fine)) + wide + self.position)
        return cells


class MMGPTForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """GPT decoder with cross-attention to EfficientNet cells."""

    config_class = MMGPTConfig
    config: MMGPTConfig
    base_model_prefix = "mmgpt"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _tied_weights_keys = {"lm_head.weight": "embedding.weight"}  # noqa: RUF012

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__(config)
        self.encoder = EfficientNetLite2()
        self.cells = CellEmbedder(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        looking = set(config.cross_attention_layers)
        self.blocks = nn.ModuleList(
            Block(config, looks=layer in looking) for layer in range(config.num_hidden_layers)
        )
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """GPT-2's initialisation; outputs of residual branches shrink with the depth."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, CellEmbedder):
            nn.init.normal_(module.position, std=0.02)
        elif isinstance(module, Block):
            std = 0.02 / (2 * self.config.num_hidden_layers) ** 0.5
            nn.init.normal_(module.self_attention.output.weight, std=std)
            nn.init.normal_(module.mlp.get_submodule("2").weight, std=std)  # type: ignore

    def train(self, mode: bool = True) -> MMGPTForConditionalGeneration:
        """The frozen encoder stays in evaluation mode: its batch norms keep their statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def get_output_embeddings(self) -> nn.Linear:
        head: nn.Linear = self.lm_head
        return head

    # -- the picture ------------------------------------------------------------------

    def encode_cells(self, fine: Tensor, coarse: Tensor) -> list[KeyValue]:
        """The backbone's maps, flattened, to keys and values for each looking layer.

        fine [B, T, 120]; coarse [B, T / 4, 352], before the encoder's head.
        """
        side = self.config.grid_size // 2
        maps = coarse.transpose(1, 2).reshape(coarse.shape[0], coarse.shape[2], side, side)
        head = self.encoder.head(maps).flatten(2).transpose(1, 2)  # (B, T/4, 1280)
        cells = self.cells(fine, head)
        return [self._cross_attention(layer).project(cells) for layer in self._looking]

    def encode_image(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [B, 3, size, size] to cross keys and values [layer, B, nh, T, hd]."""
        fine, coarse = self.encoder.backbone(pixel_values)
        cells = self.encode_cells(fine.flatten(2).mT, coarse.flatten(2).mT)
        return torch.stack([key for key, _ in cells]), torch.stack([value for _, value in cells])

    def _cross_attention(self, layer: int) -> CrossAttention:
        found = self.blocks[layer].cross_attention
        assert isinstance(found, CrossAttention)
        return found

    @property
    def _looking(self) -> tuple[int, ...]:
        return self.config.cross_attention_layers

    # -- the text ---------------------------------------------------------------------

    def _decode(
        self,
        input_ids: Tensor,
        cells: list[KeyValue],
        past: list[KeyValue] | None,
        visible: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, list[KeyValue], list[Tensor]]:
        """Hidden states [B, S, d], each layer's keys and values, last cross queries.

        `visible` [B, 1, 1, T + 1] says which cells, `mask` [B, 1, S, P + S] which of the
        earlier positions may be seen.
        """
        length = input_ids.shape[1]
        start = past[0][0].shape[2] if past is not None else 0
        positions = torch.arange(start, start + length, device=input_ids.device)
        cos_sin = rotary(self.config, positions)
        if past is not None or mask is not None:
            everything = torch.arange(start + length, device=input_ids.device)
            causal = everything[None, :] <= positions[:, None]  # (S, P + S)
            mask = causal if mask is None else causal & mask
        x = self.dropout(self.embedding(input_ids))
        presents: list[KeyValue] = []
        queries: list[Tensor] = []
        for layer, block in enumerate(self.blocks):
            seen = cells[self._looking.index(layer)] if layer in self._looking else None
            earlier = past[layer] if past is not None else None
            x, present, query = block(x, cos_sin, earlier, mask, seen, visible)
            presents.append(present)
            if query is not None:
                queries.append(query)
        return self.norm(x), presents, queries

    def _attention(self, queries: list[Tensor], cells: list[KeyValue]) -> list[Tensor]:
        """The last row's weights over the cells [B, nh, 1, T], for each looking layer."""
        layers = zip(self._looking, queries, cells, strict=True)
        return [self._cross_attention(i).weights(q, c) for i, q, c in layers]

    def decode_step(
        self,
        input_ids: Tensor,
        cross_keys: Tensor,
        cross_values: Tensor,
        past: list[KeyValue],
        *,
        attention: bool = True,
    ) -> tuple[Tensor, list[KeyValue], Tensor | None]:
        """One run of the decoder, as it is exported.

        Returns logits [B, V] of the last position, each layer's keys and values, and, if asked
        for, the attention [B, layer, nh, T] of the last position over the cells.
        """
        cells = list(zip(cross_keys.unbind(0), cross_values.unbind(0), strict=True))
        x, presents, queries = self._decode(input_ids, cells, past)
        weights = None
        if attention:
            weights = torch.cat(self._attention(queries, cells), dim=2).transpose(1, 2)
        return self.lm_head(x[:, -1]), presents, weights

    # -- transformers' interface ------------------------------------------------------

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor | None = None,
        *,
        segments: Tensor | None = None,
        pixel_values: Tensor | None = None,
        cross_keys: Tensor | None = None,
        cross_values: Tensor | None = None,
        fine: Tensor | None = None,
        coarse: Tensor | None = None,
        has_image: Tensor | None = None,
        past_key_values: Cache | None = None,
        output_attentions: bool | None = None,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, or the loss when `labels` are given.

        The picture comes as pixels, as encoded keys and values, or (in training) as cached
        maps `fine` and `coarse`; several rows of text may share one picture. `has_image`
        [B] False hides it. Without any, only the null cells are seen. Positions see those of
        their own number in `segments` [B, S] alone; 0 is padding. Padding in a batch for
        generation is not supported. With labels, logits are left out: the loss needs them at
        the answers' tokens alone. `attentions` are the last position's weights over the cells,
        [B, nh, 1, T] for each looking layer.
        """
        cells = self._cells_for(input_ids, pixel_values, cross_keys, cross_values, fine, coarse)
        visible = None if has_image is None else self._visible(has_image)
        past = _past_of(past_key_values)
        mask = None if segments is None else segments[:, None, :, None] == segments[:, None, None]
        x, presents, queries = self._decode(input_ids, cells, past, visible, mask)
        if labels is not None:
            return CausalLMOutputWithPast(loss=self._loss(x, labels))
        return CausalLMOutputWithPast(
            logits=self.lm_head(x),
            past_key_values=_extend(past_key_values, presents, input_ids.shape[1]),
            attentions=(tuple(self._attention(queries, cells)) if output_attentions else None),
        )

    def generate(self, *args: Any, pixel_values: Tensor | None = None, **kwargs: Any) -> Any:
        """transformers' `generate`; the picture is encoded once, before the first step."""
        if pixel_values is not None:
            with torch.no_grad():
                kwargs["cross_keys"], kwargs["cross_values"] = self.encode_image(pixel_values)
        return super().generate(*args, **kwargs)  # type: ignore[misc]

    def _cells_for(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None,
        cross_keys: Tensor | None,
        cross_values: Tensor | None,
        fine: Tensor | None,
        coarse: Tensor | None,
    ) -> list[KeyValue]:
        if fine is not None and coarse is not None:
            return self.encode_cells(fine, coarse)
        if pixel_values is not None:
            cross_keys, cross_values = self.encode_image(pixel_values)
        if cross_keys is None or cross_values is None:
            heads, width = self.config.num_attention_heads, self.config.head_dim
            none = self.embedding.weight.new_zeros(input_ids.shape[0], heads, 0, width)
            return [(none, none) for _ in self._looking]
        return list(zip(cross_keys.unbind(0), cross_values.unbind(0), strict=True))

    def _visible(self, has_image: Tensor) -> Tensor:
        mask = has_image.bool()[:, None, None, None].expand(-1, 1, 1, self.config.cells)
        null = torch.ones_like(mask[..., :1])
        return torch.cat([mask, null], dim=-1)

    def _loss(self, x: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of the next token, over the tokens that have a label."""
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        logits = self.lm_head(x[:, :-1][wanted])
        return F.cross_entropy(
            logits.float(), targets[wanted], label_smoothing=self.config.label_smoothing
        )


def _past_of(cache: Cache | None) -> list[KeyValue] | None:
    if cache is None or cache.get_seq_length() == 0:
        return None
    return [(layer.keys, layer.values) for layer in cache.layers]  # type: ignore


def _extend(cache: Cache | None, presents: list[KeyValue], new: int) -> Cache:
    """Append the `new` last positions of each layer to the cache."""
    cache = DynamicCache() if cache is None else cache
    for layer, (key, value) in enumerate(presents):
        cache.update(key[:, :, -new:], value[:, :, -new:], layer)
    return cache
