"""The GPT decoder: blocks of self-attention, now and then a look at the picture, and an MLP.

The picture comes as keys and values, made once for each picture. `concat` puts them before
the text in every block's self-attention; the other fusions read them in gated
cross-attention of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmgpt_desktop.model.configuration import MMGPTConfig

KeyValue = tuple[Tensor, Tensor]
"""Keys and values, each [B, heads, positions, head_dim]."""


def stacked(layers: Sequence[KeyValue]) -> KeyValue:
    """All layers' keys, and all their values: [layer, B, heads, positions, head_dim]."""
    keys, values = zip(*layers, strict=True)
    return torch.stack(keys), torch.stack(values)


def rotary(config: MMGPTConfig, positions: Tensor) -> KeyValue:
    """Cosine and sine [S, head_dim] of rotary position embedding (Su et al., 2021)."""
    half = torch.arange(0, config.head_dim, 2, device=positions.device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-half / config.head_dim)
    angles = positions.to(torch.float32)[:, None] * frequencies[None, :]  # (S, hd/2)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Both halves of the last axis, as slices: `chunk` is exported as a sequence of tensors, which
    ONNX Runtime has on the processor alone."""
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def rotate(x: Tensor, cos_sin: KeyValue) -> Tensor:
    cos, sin = cos_sin
    first, second = halves(x)
    turned = torch.cat([-second, first], dim=-1)
    return (x * cos + turned * sin).to(x.dtype)


def attend(query: Tensor, keys: KeyValue, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """softmax(QK^T / sqrt(hd)) V and the weights [B, nh, S, T]; `mask` True where allowed.

    Written out, for PyTorch's fused kernel keeps the weights to itself, and on a CPU its
    backward pass is slower than this.
    """
    key, value = keys
    scores = (query * key.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(dim=-1)
    return weights.to(value.dtype) @ value, weights


def join(first: KeyValue, second: KeyValue) -> KeyValue:
    """One after the other, along the positions."""
    return torch.cat([first[0], second[0]], dim=2), torch.cat([first[1], second[1]], dim=2)


def by_photo(x: Tensor, photos: int) -> Tensor:
    """Rows [B, S, d] as [photos, B / photos * S, d]: those that follow one another are about one
    photo and read it together."""
    return x if x.shape[0] == photos else x.reshape(photos, -1, x.shape[2])


def feed_forward(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 4 * width, bias=False),
        nn.GELU(approximate="tanh"),
        nn.Linear(4 * width, width, bias=False),
    )


class SelfAttention(nn.Module):
    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_attention_heads, config.head_dim
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size, bias=False)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def project(self, x: Tensor, cos_sin: KeyValue) -> tuple[Tensor, KeyValue]:
        """x [B, S, d] to queries, and to keys and values; each [B, nh, S, hd]."""
        heads = self.query_key_value(x).view(*x.shape[:2], 3, self.heads, self.head_dim)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        return rotate(query, cos_sin), (rotate(key, cos_sin), value)

    def forward(
        self,
        x: Tensor,
        cos_sin: KeyValue,
        past: KeyValue | None,
        mask: Tensor | None,
        image: KeyValue | None = None,
    ) -> tuple[Tensor, KeyValue, Tensor]:
        """Returns the sum to add, keys and values of `past` and x, and the weights.

        `mask` is True where a position may look, over image, past and x in this order;
        without one, all see all.
        """
        batch, length, width = x.shape
        query, present = self.project(x, cos_sin)
        if past is not None:
            present = join(past, present)
        y, weights = attend(query, present if image is None else join(image, present), mask)
        y = y.transpose(1, 2).reshape(batch, length, width)
        return self.output(y), present, weights


class CrossAttention(nn.Module):
    """Text reads the picture, or a learned null cell when nothing there helps.

    A tanh gate scales what is read (Alayrac et al., "Flamingo", 2022); it begins open by a
    third, not shut: the decoder is small and learns to read from the first step.
    """

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_attention_heads, config.head_dim
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key_value = nn.Linear(config.hidden_size, 2 * config.hidden_size, bias=False)
        self.null_key = nn.Parameter(torch.zeros(self.heads, 1, self.head_dim))
        self.null_value = nn.Parameter(torch.zeros(self.heads, 1, self.head_dim))
        self.gate = nn.Parameter(torch.full((1,), 0.35))
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def project(self, cells: Tensor) -> KeyValue:
        """Cells [B, T, d] to keys and values [B, nh, T, hd]."""
        heads = self.key_value(cells).view(*cells.shape[:2], 2, self.heads, self.head_dim)
        key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        return key, value

    def ask(self, x: Tensor) -> Tensor:
        """x [B, S, d] to queries [B, nh, S, hd]."""
        queries: Tensor = self.query(x).view(*x.shape[:2], self.heads, self.head_dim)
        return queries.transpose(1, 2)

    def forward(self, x: Tensor, image: KeyValue, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the sum to add, and the weights [B, nh, S, T + 1], the null cell's last.

        Of fewer pictures than rows, the weights are in the form of `by_photo`.
        """
        rows = by_photo(x, image[0].shape[0])
        y, weights = attend(self.ask(rows), self.with_null(image), mask)
        y = self.output(y.transpose(1, 2).reshape(x.shape))
        return self.gate.tanh() * y, weights

    def with_null(self, image: KeyValue) -> KeyValue:
        """The null cell after the picture's positions."""
        shape = (image[0].shape[0], -1, -1, -1)
        null = (self.null_key[None].expand(shape), self.null_value[None].expand(shape))
        return join(image, (null[0].to(image[0].dtype), null[1].to(image[1].dtype)))


class Block(nn.Module):
    def __init__(self, config: MMGPTConfig, *, looks: bool) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm_self = nn.RMSNorm(width, eps=1e-5)
        self.self_attention = SelfAttention(config)
        self.norm_cross = nn.RMSNorm(width, eps=1e-5) if looks else None
        self.cross_attention = CrossAttention(config) if looks else None
        self.norm_mlp = nn.RMSNorm(width, eps=1e-5)
        self.mlp = feed_forward(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        cos_sin: KeyValue,
        past: KeyValue | None,
        mask: Tensor | None,
        prefix: KeyValue | None = None,
        cells: KeyValue | None = None,
        visible: Tensor | None = None,
    ) -> tuple[Tensor, KeyValue, Tensor | None]:
        """Returns the new x, the text's keys and values, and the weights over the picture.

        The picture is a `prefix` of the self-attention, or `cells` of the cross-attention
        of which `visible` hides some; the weights [B, nh, S, T] leave out text and null cell.
        """
        y, present, weights = self.self_attention(self.norm_self(x), cos_sin, past, mask, prefix)
        x = x + self.dropout(y)
        seen = weights[..., : prefix[0].shape[2]] if prefix is not None else None
        if cells is not None and self.cross_attention is not None and self.norm_cross is not None:
            y, weights = self.cross_attention(self.norm_cross(x), cells, visible)
            x = x + self.dropout(y)
            seen = weights[..., :-1]
        return x + self.dropout(self.mlp(self.norm_mlp(x))), present, seen
