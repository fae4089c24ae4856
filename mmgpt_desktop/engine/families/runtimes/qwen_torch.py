"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL in PyTorch: what Qwen3-VL's decoder takes, and the image
encoders for graphs.

In these places and windows are worked out from the photo's grid by arithmetic on tensors, where the
models' own code counts in Python, and so would fix a graph to one size of photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from mmgpt_desktop.engine.chat.model_inputs import Context, Features
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.graphs.names import DEEP_FEATURES, FEATURES
from mmgpt_desktop.engine.image_encoder import ImageEncoder

_HIDDEN = -1e9  # a score that leaves nothing after the softmax


class Qwen3Torch(CheckpointTorch):
    """Its first decoder layers take features of their own from the image encoder's layers
    (Meng et al. 2024, "DeepStack"): [1 + layer, token, width].
    """

    def features(self, inputs: dict[str, Tensor]) -> Features:
        found = self.model.model.get_image_features(**inputs)
        parts = [found.pooler_output, *found.deepstack_features]  # each a list of photos
        return Features(self.torch.stack([photos[0] for photos in parts]))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        _, numbers = context.prompt.image_tokens(fed, len(token_ids))
        given: dict[str, Any] = {
            "input_ids": self.place.ids(token_ids),
            "position_ids": self.place.tensor(context.prompt.rotary_positions(fed, len(token_ids))),
        }
        if len(numbers):
            features = [each.embeddings for each in context.features]
            first, *deeper = self.torch.cat(features, dim=1)[:, self.place.tensor(numbers)]
            deeper = [[layer] for layer in deeper]
            image = SimpleNamespace(pooler_output=[first], deepstack_features=deeper)
            given["mm_encoder_outputs"] = {"image": image}
        return given


class Windows(NamedTuple):
    """Patches in windows of as many slots, some of them empty at the photo's edges."""

    patches: Tensor  # [window * slot]: the patch in each slot, any in an empty one
    mask: Tensor  # [window, 1, 1, slot]: 0, or `_HIDDEN` for an empty slot
    slots: Tensor  # [patch]: where each patch is


class QwenEncoder(ImageEncoder):
    """For one photo: `pixel_values` [patch, value], `image_grid_thw` [1, 3].

    Gives the image tokens [token, width]; those of Qwen3-VL come with what later layers take,
    [layer, token, width].
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower = model.visual
        config = self.tower.config
        # The patches' convolution covers each of them once; the exporter gets its bias wrong.
        self.filters = nn.Parameter(self.tower.patch_embed.proj.weight.flatten(1))
        self.merge = int(config.spatial_merge_size)
        self.whole = getattr(self.tower, "fullatt_block_indexes", range(config.depth))
        self.deep = list(getattr(self.tower, "deepstack_visual_indexes", ()))
        self.outputs = (FEATURES, DEEP_FEATURES) if self.deep else (FEATURES,)
        self.window = int(getattr(config, "window_size", 0)) // config.patch_size // self.merge

    def forward(self, pixel_values: Tensor, image_grid_thw: Tensor) -> Any:
        tower, grid = self.tower, image_grid_thw[0, 1:]
        states = linear(pixel_values, self.filters, tower.patch_embed.proj.bias)
        row, column, inner = _placed(len(states), grid[1] // self.merge, self.merge)
        places = torch.stack(
            [row * self.merge + inner // self.merge, column * self.merge + inner % self.merge], 1
        )
        if hasattr(tower, "pos_embed"):
            states = states + _interpolated(tower.pos_embed.weight, places, grid)
        turns = tower.rotary_pos_emb(states, places)
        windows = self._windows(row, column, inner, grid // self.merge) if self.window else None
        deeper = []
        for layer, block in enumerate(tower.blocks):
            own = None if layer in self.whole else windows
            states = states + _attended(block.attn, block.norm1(states), turns, own)
            states = states + block.mlp(block.norm2(states))
            if layer in self.deep:
                deeper.append(tower.deepstack_merger_list[self.deep.index(layer)](states))
        tokens = tower.merger(states)
        return (tokens, torch.stack(deeper)) if deeper else tokens

    def _windows(self, row: Tensor, column: Tensor, inner: Tensor, grid: Tensor) -> Windows:
        """Of patches at these token rows and columns, `inner` being their place in a token."""
        side, merge = self.window, self.merge
        down, across = ((grid + side - 1) // side).unbind()
        size = (side * merge) ** 2
        many: Any = (down * across).item()
        window = torch.arange(many * size) // size
        slot = torch.arange(many * size) % size
        there, within = slot // merge**2, slot % merge**2
        slot_row = window // across * side + there // side
        slot_column = window % across * side + there % side
        filled = (slot_row < grid[0]) & (slot_column < grid[1])
        patches = (slot_row * grid[1] + slot_column) * merge**2 + within
        mask = torch.where(filled, 0.0, _HIDDEN).reshape(-1, 1, 1, size)
        own = row // side * across + column // side
        slots = (own * side**2 + row % side * side + column % side) * merge**2 + inner
        return Windows(torch.where(filled, patches, 0), mask, slots)


def _placed(count: int, columns: Tensor, merge: int) -> tuple[Tensor, Tensor, Tensor]:
    """Each patch's token's row and column, and its number within the token; all int64 [patch]."""
    patch = torch.arange(count)
    token = patch // merge**2
    return token // columns, token % columns, patch % merge**2


def _interpolated(table: Tensor, places: Tensor, grid: Tensor) -> Tensor:
    """Embeddings of places [patch, 2] in a photo of `grid` rows and columns, from those of a
    square grid [side * side, width], corner on corner, bilinear."""
    side = round(len(table) ** 0.5)
    exact = places * (side - 1) / (grid - 1)
    low = exact.floor()
    high_share = exact - low
    low = low.long()
    corners = [(low, 1 - high_share), ((low + 1).clamp(max=side - 1), high_share)]
    return torch.stack(
        [
            (down_share[:, :1] * across_share[:, 1:]) * table[down[:, 0] * side + across[:, 1]]
            for down, down_share in corners
            for across, across_share in corners
        ]
    ).sum(0)


def _attended(
    attention: Any, states: Tensor, turns: tuple[Tensor, Tensor], windows: Windows | None
) -> Tensor:
    """A layer's attention over all patches [patch, width], or within windows."""
    heads, width = attention.num_heads, attention.head_dim
    query, key, value = attention.qkv(states).unflatten(1, (3, heads, width)).unbind(1)
    parts = [_turned(query, *turns), _turned(key, *turns), value]  # each [patch, head, width]
    if windows is None:
        query, key, value = (part.transpose(0, 1)[None] for part in parts)
        found = scaled_dot_product_attention(query, key, value)[0].transpose(0, 1)
    else:
        size = windows.mask.shape[-1]
        slots = (part[windows.patches].unflatten(0, (-1, size)) for part in parts)
        query, key, value = (part.transpose(1, 2) for part in slots)
        found = scaled_dot_product_attention(query, key, value, windows.mask)
        found = found.transpose(1, 2).flatten(0, 1)[windows.slots]
    projected: Tensor = attention.proj(found.flatten(1))
    return projected


def _turned(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021), [patch, head, width] by [patch, width]."""
    half = states.shape[-1] // 2
    left, right = states[..., :half], states[..., half:]  # `chunk` exports what CUDA lacks
    return states * cosine[:, None] + torch.cat([-right, left], -1) * sine[:, None]
