"""Our own multimodal GPT as a transformers model: picture and text in, next token out.

The encoder's two stages become one grid of cells, with the names of its likeliest classes
beside it. How the decoder reads them is the fusion. Whatever the fusion, the picture
becomes keys and values that depend on the picture alone, so they are computed once and
serve every question about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import Cache, DynamicCache, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from mmgpt_desktop.model.configuration import CONCAT, GRAPH, MMGPTConfig
from mmgpt_desktop.model.decoder import Block, CrossAttention, KeyValue, rotary, stacked
from mmgpt_desktop.model.encoder import EfficientNetLite2
from mmgpt_desktop.model.fusion import (
    CellEmbedder,
    CellGraph,
    CellJoiner,
    Mixed,
    NameCopier,
    NameEmbedder,
    Resampler,
    over_cells,
)

IGNORED = -100
"""The label of tokens without a loss."""
MARGIN = 2.0
"""How much likelier, in logits, a class is made that is put first."""


def put_first(guesses: Tensor, named: Tensor) -> Tensor:
    """Class logits [B, classes] in which class `named` [B] is the likeliest, where it isn't -1."""
    first = guesses.amax(dim=1, keepdim=True) + MARGIN
    forced = guesses.scatter(1, named.clamp(min=0)[:, None], first)
    return torch.where(named[:, None] < 0, guesses, forced)


class Decoded(NamedTuple):
    """Hidden states [B, S, d]; each layer's keys and values; each image layer's weights
    [B, nh, S, T] over the picture's positions; the weights [B, S, T] of what is copied."""

    hidden: Tensor
    presents: list[KeyValue]
    seen: list[Tensor]
    copied: Tensor | None


class MMGPTForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """GPT decoder that reads EfficientNet cells in one of three ways."""

    config_class = MMGPTConfig
    config: MMGPTConfig
    base_model_prefix = "mmgpt"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _tied_weights_keys = {"lm_head.weight": "embedding.weight"}  # noqa: RUF012

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__(config)
        self.encoder = EfficientNetLite2(config.classes)
        self.cells = CellEmbedder(config)
        self.names = NameEmbedder(config)
        self.copier = NameCopier(config)
        self.joiner = CellJoiner(config) if CONCAT in config.fusions else None
        self.graph = CellGraph(config) if GRAPH in config.fusions else None
        self.resampler = Resampler(config) if config.resampler_latents else None
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
        elif isinstance(module, Resampler):
            nn.init.normal_(module.latents)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, NameEmbedder):
            nn.init.normal_(module.slot, std=0.02)
        elif isinstance(module, CellGraph):
            # `from_pretrained` builds without memory: what no file holds is set here alone.
            module.neighbours.copy_(module.find_neighbours())
        elif isinstance(module, NameCopier):
            module.start()
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

    def encode_image(self, pixel_values: Tensor, fusion: str | None = None) -> KeyValue:
        """Pixels [B, 3, size, size] to image keys and values [layer, B, nh, T, hd]."""
        image, _ = self.encode_pixels(pixel_values, fusion)
        return stacked(image)

    def encode_pixels(
        self, pixel_values: Tensor, fusion: str | None = None
    ) -> tuple[list[KeyValue], Mixed]:
        """`encode_cells` of pixels."""
        fine, coarse = self.encoder.backbone(pixel_values)
        return self.encode_cells(fine.flatten(2).mT, coarse.flatten(2).mT, fusion)

    def encode_cells(
        self,
        fine: Tensor,
        coarse: Tensor,
        fusion: str | None = None,
        named: Tensor | None = None,
    ) -> tuple[list[KeyValue], Mixed]:
        """The backbone's maps, flattened, to keys and values for each image layer and, last,
        for the copier.

        fine [B, T, 120]; coarse [B, T / 4, 352], before the encoder's head. Positions are
        the cells of `config.grid_of(fusion)`, row by row, or the resampler's latents, then the
        class names. `named` [B] puts another class first among the encoder's guesses, where
        it is not -1.
        """
        fusion = fusion or self.config.fusion
        cells, names, words = self._embed(fine, coarse, named)
        copied = self.copier.project(names, words, self.config.places(fusion))
        if fusion == CONCAT:
            return [*self._prefix(cells, names), copied], Mixed()
        edges = reading = None
        if fusion == GRAPH:
            assert self.graph is not None
            nodes, edges = self.graph(cells, names, self.cells.norm_fine(fine))
        else:
            if self.resampler is not None:
                cells, reading = self.resampler(cells)
            nodes = torch.cat([cells, names], dim=1)
        layers = self.config.cross_attention_layers
        image = [self._cross_attention(layer).project(nodes) for layer in layers]
        return [*image, copied], Mixed(edges, reading)

    def encode_cached(
        self, fine: Tensor, coarse: Tensor, fusion: str | None = None
    ) -> tuple[list[KeyValue], Mixed]:
        """`encode_cells` of maps that ImageNet's encoder made."""
        return self.encode_cells(fine, self.fresh(fine, coarse), fusion)

    def fresh(self, fine: Tensor, cached: Tensor) -> Tensor:
        """The coarse cells; made anew of the fine ones where the encoder has learnt since."""
        if not self.config.tuned:
            return cached
        side = self.config.grid_size
        return self.encoder.coarser(fine.mT.unflatten(2, (side, side))).flatten(2).mT

    def _embed(
        self, fine: Tensor, coarse: Tensor, named: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Cells, name cells, and the embeddings of the names' tokens."""
        wide = self.encoder.widened(coarse)
        cells = self.cells(fine, wide.flatten(2).transpose(1, 2))
        guesses = self.encoder.classify(wide)
        if named is not None:
            guesses = put_first(guesses, named)
        return cells, *self.names(guesses, self.embedding)

    def _prefix(self, cells: Tensor, names: Tensor) -> list[KeyValue]:
        """Cells and names through all blocks, where they see one another.

        They share position 0: where a cell lies is in its embedding.
        """
        assert self.joiner is not None
        x = torch.cat([self.joiner(cells), names], dim=1)
        origin = rotary(self.config, torch.zeros(1, device=x.device))
        presents = []
        for block in self.blocks:
            x, present, _ = block(x, origin, None, None)
            presents.append(present)
        return presents

    def _cross_attention(self, layer: int) -> CrossAttention:
        found = self.blocks[layer].cross_attention
        assert isinstance(found, CrossAttention)
        return found

    # -- the text ---------------------------------------------------------------------

    def _decode(
        self,
        input_ids: Tensor,
        image: Sequence[KeyValue],
        past: list[KeyValue] | None,
        fusion: str,
        visible: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> Decoded:
        """`image` has no layers where there is no picture; `visible` [B, T] says what of it may be
        seen; `segments` as in `forward`."""
        start = past[0][0].shape[2] if past is not None else 0
        mask = _text_mask(start, input_ids.shape[1], segments, input_ids.device)
        prefixed = fusion == CONCAT and bool(image)
        shown = visible
        if visible is not None:
            visible = visible[:, None, None]  # (B, 1, 1, T)
        if prefixed:
            mask = _with_prefix(mask, visible, image[0][0].shape[2])
        elif visible is not None:
            visible = F.pad(visible, (0, 1), value=True)  # the null cell
        positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)
        cos_sin = rotary(self.config, positions)
        x = self.dropout(self.embedding(input_ids))
        layers = self.config.image_layers(fusion)
        presents: list[KeyValue] = []
        seen: list[Tensor] = []
        for layer, block in enumerate(self.blocks):
            read = image[layers.index(layer)] if image and layer in layers else None
            prefix, cells = (read, None) if prefixed else (None, read)
            earlier = past[layer] if past is not None else None
            x, present, weights = block(x, cos_sin, earlier, mask, prefix, cells, visible)
            presents.append(present)
            seen += [] if weights is None else [weights]
        x = self.norm(x)
        if not image:
            return Decoded(x, presents, seen, None)
        y, copied = self.copier(x, image[-1], shown)
        return Decoded(x + y, presents, seen, copied)

    def empty_past(self, batch: int = 1) -> list[KeyValue]:
        """What `decode_step` takes before anything was read."""
        config = self.config
        shape = batch, config.num_attention_heads, 0, config.head_dim
        none = torch.zeros(shape, device=self.device)
        return [(none, none)] * config.num_hidden_layers

    def decode_step(
        self,
        input_ids: Tensor,
        image_keys: Tensor,
        image_values: Tensor,
        past: list[KeyValue],
        fusion: str | None = None,
    ) -> tuple[Tensor, list[KeyValue], Tensor]:
        """One run of the decoder, as it is exported.

        Returns logits [B, S, V], each layer's keys and values, and the attention
        [B, layer, nh, T] of the last position over the picture's positions; the last layer is
        the copier's, the same for all heads. In cross-attention a picture may serve several rows
        that follow one another; the attention is then that of each picture's last row.
        """
        image = list(zip(image_keys.unbind(0), image_values.unbind(0), strict=True))
        decoded = self._decode(input_ids, image, past, fusion or self.config.fusion)
        assert decoded.copied is not None
        copied = decoded.copied[:, None, -1].expand(-1, self.config.num_attention_heads, -1)
        seen = [weights[:, :, -1] for weights in decoded.seen]
        attention = torch.stack([*seen, copied], dim=1)
        return self.lm_head(decoded.hidden), decoded.presents, attention

    # -- transformers' interface ------------------------------------------------------

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor | None = None,
        *,
        fusion: str | None = None,
        weights: Tensor | None = None,
        segments: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_keys: Tensor | None = None,
        image_values: Tensor | None = None,
        fine: Tensor | None = None,
        coarse: Tensor | None = None,
        visible: Tensor | None = None,
        named: Tensor | None = None,
        pointed: Tensor | None = None,
        masks: Tensor | None = None,
        past_key_values: Cache | None = None,
        output_attentions: bool | None = None,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, or the loss when `labels` are given.

        The picture comes as pixels, as encoded keys and values, or (in training) as cached
        maps `fine` and `coarse` (the latter made anew if `config.tuned`, held to the same
        classes); of these, `visible` [B, T] hides some of what the text reads, and `named` [B]
        changes the names (as in `encode_cells`). Without any, there is text alone. Positions see
        those of their own number in `segments` [B, S] alone; 0 is padding. Padding in a batch for
        generation is not supported. With labels, logits are left out: the loss needs them at the
        labelled tokens alone. In training `weights` [B, S] say what each label counts; what should
        become less likely has a negative one.
        `pointed` [N, 2] are (row, position) of tokens that predict the name of a thing,
        `masks` [N, cells] where it lies: some heads learn to look there. `attentions` are the
        last position's weights over the picture, [B, nh, 1, T] for each image layer.
        """
        fusion = fusion or self.config.fusion
        strayed: Tensor | float = 0.0
        if fine is not None and coarse is not None:
            fresh = self.fresh(fine, coarse)
            image, mixed = self.encode_cells(fine, fresh, fusion, named)
            strayed = self.strayed(fresh, coarse)
        elif pixel_values is not None:
            image, mixed = self.encode_pixels(pixel_values, fusion)
        else:
            image, mixed = _given(image_keys, image_values)
        past = _past_of(past_key_values)
        decoded = self._decode(input_ids, image, past, fusion, visible, segments)
        if labels is not None:
            loss = self._loss(decoded.hidden, labels, weights) + strayed
            if pointed is not None and masks is not None and len(pointed):
                pointing = self._pointing(fusion, decoded.seen, mixed.reading, pointed, masks)
                loss = loss + self.config.pointing * pointing
            return CausalLMOutputWithPast(loss=loss)
        last = tuple(weights[:, :, -1:] for weights in decoded.seen)
        return CausalLMOutputWithPast(
            logits=self.lm_head(decoded.hidden),
            past_key_values=_extend(past_key_values, decoded.presents, input_ids.shape[1]),
            attentions=last if output_attentions else None,
        )

    def generate(self, *args: Any, pixel_values: Tensor | None = None, **kwargs: Any) -> Any:
        """transformers' `generate`; the picture is encoded once, before the first step."""
        if pixel_values is not None:
            with torch.no_grad():
                fusion = kwargs.get("fusion")
                kwargs["image_keys"], kwargs["image_values"] = self.encode_image(
                    pixel_values, fusion
                )
        return super().generate(*args, **kwargs)  # type: ignore[misc]

    def _loss(self, x: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """Mean cross-entropy of the next token, over the tokens that have a label.

        Smoothed and weighed in training alone: so the losses of runs can be compared.
        """
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        logits = self.lm_head(x[:, :-1][wanted]).float()
        if not self.training:
            return F.cross_entropy(logits, targets[wanted])
        smoothing = self.config.label_smoothing
        losses = F.cross_entropy(
            logits, targets[wanted], label_smoothing=smoothing, reduction="none"
        )
        if weights is None:
            return losses.mean()
        shares = weights[:, 1:][wanted]
        return (losses * shares).sum() / shares.abs().sum().clamp(min=1e-6)

    def strayed(self, coarse: Tensor, cached: Tensor) -> Tensor:
        """What it costs an encoder that learns if its classes stray: the Kullback-Leibler
        divergence of those of `coarse` from those of `cached` cells, mean over the photos."""
        if not (self.training and self.config.tuning):
            return coarse.new_zeros(())
        widened = map(self.encoder.widened, (coarse, cached.detach()))
        now, then = map(self.encoder.classify, widened)
        return self.config.tuning * F.kl_div(
            now.float().log_softmax(dim=-1),
            then.float().log_softmax(dim=-1).detach(),
            reduction="batchmean",
            log_target=True,
        )

    def _pointing(
        self,
        fusion: str,
        seen: list[Tensor],
        reading: Tensor | None,
        pointed: Tensor,
        masks: Tensor,
    ) -> Tensor:
        """-log of the share of attention that falls on the named thing, mean over the heads."""
        side, grid = self.config.grid_size, self.config.grid_of(fusion)
        square = side // grid
        places = F.avg_pool2d(masks.view(-1, 1, side, side), square).flatten(1)  # (N, cells)
        rows, positions = pointed.unbind(dim=1)
        layers = self.config.image_layers(fusion)
        looked = [
            seen[layers.index(layer)][rows, head, positions]
            for layer, head in self.config.pointing_heads
        ]
        read = None if reading is None else reading[rows]
        weights = over_cells(torch.stack(looked, dim=1), grid**2, read)  # (N, heads, cells)
        shares = (weights * places[:, None]).sum(dim=-1)
        return -shares.float().clamp(min=1e-4).log().mean()


def _text_mask(past: int, length: int, segments: Tensor | None, device: torch.device) -> Tensor:
    """True [B or 1, 1, S, P + S] where text sees text."""
    places = torch.arange(past + length, device=device)
    causal = (places[None, :] <= places[past:, None])[None, None]
    if segments is None:
        return causal
    return causal & (segments[:, None, :, None] == segments[:, None, None, :])


def _with_prefix(mask: Tensor, visible: Tensor | None, cells: int) -> Tensor:
    """The text's mask with the picture's positions before it."""
    if visible is None:
        return F.pad(mask, (cells, 0), value=True)
    return torch.cat([visible.expand(-1, -1, mask.shape[2], -1), mask], dim=-1)


def _given(keys: Tensor | None, values: Tensor | None) -> tuple[list[KeyValue], Mixed]:
    """Keys and values [layer, ...], layer by layer; none where there is no picture."""
    if keys is None or values is None:
        return [], Mixed()
    return list(zip(keys.unbind(0), values.unbind(0), strict=True)), Mixed()


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
