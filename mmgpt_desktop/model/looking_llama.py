"""A pretrained language model that looks at a photo: mmgpt-small, a Flamingo of our own.

The language model is frozen. Before some of its layers stands a gated cross-attention to the
encoder's cells (Alayrac et al. 2022, "Flamingo"), the gate nearly shut at first; the names of the
encoder's likeliest classes stand as words in the prompt. Where there is no photo the model is the
language model itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    Cache,
    GenerationMixin,
    LlamaConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.llama.modeling_llama import LlamaModel

from mmgpt_desktop.model.configuration import IMAGE_SIZE, MMGPTConfig
from mmgpt_desktop.model.encoder import CLASSES, EfficientNetLite2
from mmgpt_desktop.model.fusion import CellEmbedder, CellGraph
from mmgpt_desktop.model.modelling import IGNORED, put_first

PREFIX = 1
"""The segment of what all turns about a photo see."""


class FlamingoConfig(LlamaConfig):
    """A Llama's configuration, and how it looks at photos.

    `cross_layers` have a look before them, at cells of `reader_width`. Of the encoder's `classes`
    `name_classes` names of `name_tokens` tokens each stand in the prompt where `image_token_id` is.
    `pointing` weighs the loss that teaches `pointing_heads` (look, head) to look at the named
    thing.
    """

    model_type = "mmgpt_flamingo"

    cross_layers: Sequence[int] = (8, 13, 18, 23, 28)
    grid_size: int = IMAGE_SIZE // 16
    reader_width: int = 384
    dropout: float = 0.0
    classes: int = CLASSES
    name_classes: int = 3
    name_tokens: int = 4
    image_token_id: int = 3
    pointing: float = 0.1
    pointing_heads: Sequence[Sequence[int]] = ((2, 0), (2, 1), (3, 0), (3, 1))

    OURS = (
        "cross_layers",
        "grid_size",
        "reader_width",
        "classes",
        "name_classes",
        "name_tokens",
        "image_token_id",
    )
    """What the language model's own configuration doesn't say."""

    @property
    def cells(self) -> int:
        return self.grid_size**2

    @property
    def name_places(self) -> int:
        """Tokens of the prompt that the names take."""
        return self.name_classes * self.name_tokens


class SeenPhotos(NamedTuple):
    """Photos as the words read them: keys and values [look, B, nh, cells + 1, hd], the last a null
    cell for words that need no look; the names' token ids [B, name places]."""

    keys: Tensor
    values: Tensor
    names: Tensor


class CellReader(nn.Module):
    """Both stages of the encoder as one grid of cells that have read one another along the edges
    of a graph: built as mmgpt-mini's, whose weights it begins with."""

    def __init__(self, config: FlamingoConfig) -> None:
        super().__init__()
        width = config.reader_width
        sizes = MMGPTConfig(hidden_size=width, grid_size=config.grid_size)
        self.cells, self.graph = CellEmbedder(sizes), CellGraph(sizes)
        self.null = nn.Parameter(torch.zeros(1, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """fine [B, T, 120], coarse [B, T / 4, 1280] to [B, T + 1, width]."""
        cells = self.cells(fine, coarse)
        nodes, _ = self.graph(cells, cells[:, :0], self.cells.norm_fine(fine))
        null = self.null.expand(len(nodes), -1, -1).to(nodes.dtype)
        return torch.cat([self.dropout(nodes), null], dim=1)


class CrossLook(nn.Module):
    """Queries of words to cells, normed as in ViT-22B (Dehghani et al. 2023)."""

    def __init__(self, config: FlamingoConfig) -> None:
        super().__init__()
        assert config.head_dim is not None
        self.heads, self.head_dim = config.num_attention_heads, config.head_dim
        width = self.heads * self.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(config.reader_width, width, bias=False)
        self.v_proj = nn.Linear(config.reader_width, width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)
        self.q_layer_norm = nn.RMSNorm(self.head_dim, eps=config.rms_norm_eps)
        self.k_layer_norm = nn.RMSNorm(self.head_dim, eps=config.rms_norm_eps)

    def project(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Cells [B, T, width] to keys and values [B, nh, T, hd]."""
        key, value = map(self._split, (self.k_proj(cells), self.v_proj(cells)))
        return self.k_layer_norm(key), value

    def forward(self, x: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """What words [B, S, d] read, and their weights [B, nh, S, T]."""
        query = self.q_layer_norm(self._split(self.q_proj(x)))
        weights = (query @ key.mT * self.head_dim**-0.5).float().softmax(dim=-1)
        read = (weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)
        mixed: Tensor = self.o_proj(read)
        return mixed, weights

    def _split(self, x: Tensor) -> Tensor:
        split: Tensor = x.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)
        return split


class GatedLook(nn.Module):
    """What a look adds to the words, through a gate for each channel."""

    def __init__(self, config: FlamingoConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.cross_attn = CrossLook(config)
        self.alpha_cross_attn = nn.Parameter(torch.full((config.hidden_size,), 0.1))

    def forward(self, x: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        read, weights = self.cross_attn(self.input_layernorm(x), key, value)
        return x + (self.alpha_cross_attn.tanh() * read).to(x.dtype), weights


class LookingLlama(LlamaModel):
    """Llama's layers with looks between them."""

    def __init__(self, config: FlamingoConfig) -> None:
        super().__init__(config)
        self.gated_cross_attn_layers = nn.ModuleList(GatedLook(config) for _ in config.cross_layers)

    def read(
        self,
        x: Tensor,
        photos: SeenPhotos | None,
        mask: Tensor | None,
        positions: Tensor,
        past: Cache | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Hidden states of embedded words [B, S, d], and each look's weights; `mask`
        [B, 1, S, P + S] is added to the scores."""
        turns = self.rotary_emb(x, position_ids=positions)
        seen = list[Tensor]()
        for number, layer in enumerate(self.layers):
            if photos is not None and number in self.config.cross_layers:
                look = self.gated_cross_attn_layers[len(seen)]
                x, weights = look(x, photos.keys[len(seen)], photos.values[len(seen)])
                seen.append(weights)
            x = layer(
                x,
                attention_mask=mask,
                position_embeddings=turns,
                position_ids=positions,
                past_key_values=past,
                use_cache=past is not None,
            )
        return self.norm(x), seen


class FlamingoForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """The frozen language model, our encoder, and what is trained between them."""

    config_class = FlamingoConfig
    config: FlamingoConfig
    base_model_prefix = "language"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _tied_weights_keys = {"lm_head.weight": "language.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: FlamingoConfig) -> None:
        super().__init__(config)
        self.encoder = EfficientNetLite2(config.classes)
        self.reader = CellReader(config)
        self.language = LookingLlama(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        names = torch.zeros(config.classes, config.name_tokens, dtype=torch.long)
        self.register_buffer("names", names)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Of what is ours alone; the language model's weights come from its file."""
        if isinstance(module, CellReader):
            nn.init.normal_(module.null)
        elif isinstance(module, CellEmbedder):
            nn.init.normal_(module.position, std=0.02)
        elif isinstance(module, CellGraph):
            # `from_pretrained` builds without memory: what no file holds is set here alone.
            module.neighbours.copy_(module.find_neighbours())
        elif isinstance(module, GatedLook):
            nn.init.constant_(module.alpha_cross_attn, 0.1)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm | nn.RMSNorm):
            module.reset_parameters()

    def train(self, mode: bool = True) -> FlamingoForConditionalGeneration:
        """The encoder stays in evaluation mode: its batch norms keep their statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def adapters(self) -> dict[str, nn.Parameter]:
        """What is trained, by name: neither the language model's nor the encoder's."""
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if name.startswith("reader.") or "gated_cross_attn_layers" in name
        }

    # -- the picture ------------------------------------------------------------------

    def encode_pixels(self, pixel_values: Tensor) -> SeenPhotos:
        """Pixels [B, 3, size, size], `(rgb - 127) / 128`."""
        fine, coarse = self.encoder.backbone(pixel_values)
        return self.encode_cells(fine.flatten(2).mT, coarse.flatten(2).mT)

    def encode_cells(self, fine: Tensor, coarse: Tensor, named: Tensor | None = None) -> SeenPhotos:
        """The backbone's maps, flattened: fine [B, T, 120]; coarse [B, T / 4, 352], before the
        encoder's head. `named` [B] puts another class first where it is not -1."""
        with torch.no_grad():
            wide = self.encoder.widened(coarse)
            guesses = self.encoder.classify(wide)
        if named is not None:
            guesses = put_first(guesses, named)
        likeliest = guesses.topk(self.config.name_classes, dim=1).indices
        flow = self.reader.null.dtype  # the encoder may be of a finer one
        cells = self.reader(fine.to(flow), wide.flatten(2).mT.to(flow))
        looks = [
            layer.cross_attn.project(cells)  # type: ignore[operator, union-attr]
            for layer in self.language.gated_cross_attn_layers
        ]
        keys, values = map(torch.stack, zip(*looks, strict=True))
        return SeenPhotos(keys, values, self.names[likeliest].flatten(1))  # type: ignore[index]

    # -- the text ---------------------------------------------------------------------

    def embedded(self, input_ids: Tensor, names: Tensor | None) -> Tensor:
        """Words' embeddings, the names' where `image_token_id` stands."""
        if names is not None:
            here = input_ids == self.config.image_token_id
            if here.any():
                input_ids = input_ids.masked_scatter(here, names)
        found: Tensor = self.language.embed_tokens(input_ids)
        return found

    def forward(
        self,
        input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        photos: SeenPhotos | None = None,
        fine: Tensor | None = None,
        coarse: Tensor | None = None,
        named: Tensor | None = None,
        weights: Tensor | None = None,
        segments: Tensor | None = None,
        pointed: Tensor | None = None,
        masks: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, or in training the loss.

        In training the photos come as cached maps `fine` and `coarse`, and words see those of
        their own number in `segments` [B, S] and of `PREFIX`; 0 is padding. `labels`, `weights`,
        `named`, `pointed` and `masks` are as in `MMGPTForConditionalGeneration`. `attentions` are
        the last position's weights over the cells, [B, nh, 1, cells + 1] for each look.
        """
        if fine is not None and coarse is not None:
            photos = self.encode_cells(fine, coarse, named)
        if inputs_embeds is None:
            assert input_ids is not None
            inputs_embeds = self.embedded(input_ids, photos.names if photos else None)
        fed = past_key_values.get_seq_length() if past_key_values is not None else 0
        length = inputs_embeds.shape[1]
        mask = _causal(length, fed, inputs_embeds)
        if segments is not None:
            mask, position_ids = _segmented(segments, inputs_embeds.dtype)
        if position_ids is None:
            position_ids = torch.arange(fed, fed + length, device=inputs_embeds.device)[None]
        hidden, seen = self.language.read(
            inputs_embeds, photos, mask, position_ids, past_key_values
        )
        if labels is not None:
            loss = self._loss(hidden, labels, weights)
            if pointed is not None and masks is not None and len(pointed):
                loss = loss + self.config.pointing * self._pointing(seen, pointed, masks)
            return CausalLMOutputWithPast(loss=loss)
        return CausalLMOutputWithPast(
            logits=self.lm_head(hidden[:, -logits_to_keep:] if logits_to_keep else hidden),
            past_key_values=past_key_values,
            attentions=tuple(weights[:, :, -1:] for weights in seen),
        )

    def _loss(self, hidden: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """Cross-entropy of the labelled tokens, at which alone logits are made."""
        following = F.pad(labels[:, 1:], (0, 1), value=IGNORED)
        wanted = following != IGNORED
        logits = self.lm_head(hidden[wanted]).float()
        losses = F.cross_entropy(logits, following[wanted], reduction="none")
        if weights is None or not self.training:
            return losses.mean()
        counts = F.pad(weights[:, 1:], (0, 1))[wanted]
        return (losses * counts).sum() / counts.abs().sum().clamp(min=1e-6)

    def _pointing(self, seen: Sequence[Tensor], pointed: Tensor, masks: Tensor) -> Tensor:
        """How little of the pointing heads' weight on cells lies on the thing, in nats."""
        row, position = pointed.unbind(1)
        losses = []
        for look, head in self.config.pointing_heads:
            weights = seen[look][row, head, position, :-1]
            losses.append(-(weights * masks).sum(dim=-1).clamp(min=1e-4).log())
        return torch.stack(losses).mean()


def _segmented(segments: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The mask [B, 1, S, S] of packed turns, and each word's place in its own."""
    same = segments[:, :, None] == segments[:, None, :]
    visible = (same | (segments == PREFIX)[:, None, :]) & (segments > 0)[:, None, :]
    visible = visible.tril()
    positions = (visible.sum(dim=-1) - 1).clamp(min=0)
    visible = visible | torch.eye(segments.shape[1], dtype=torch.bool)  # padding sees itself
    hidden = torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, float("-inf"))
    return hidden[:, None], positions


def _causal(length: int, fed: int, like: Tensor) -> Tensor | None:
    """The mask of `length` words after `fed` others; one word alone sees all."""
    if length == 1:
        return None
    hidden = torch.full((length, fed + length), float("-inf"), dtype=like.dtype, device=like.device)
    return hidden.triu(fed + 1)[None, None]


def register() -> None:
    """Make transformers' Auto classes know the model."""
    AutoConfig.register(FlamingoConfig.model_type, FlamingoConfig, exist_ok=True)
    AutoModelForImageTextToText.register(
        FlamingoConfig, FlamingoForConditionalGeneration, exist_ok=True
    )
