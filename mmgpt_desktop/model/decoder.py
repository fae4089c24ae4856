"""The GPT decoder: blocks of self-attention, now and then a look at the picture, and an MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)

from mmgpt_desktop.model.configuration import MMGPTConfig

KeyValue = tuple[Tensor, Tensor]
"""Keys and values, each [B, heads, positions, head_dim]."""


def rotary(config: MMGPTConfig, positions: Tensor) -> KeyValue:
    """Cosine and sine [S, head_dim] of rotary position embedding (Su et al., 2021)."""
    half = torch.arange(0, config.head_dim, 2, device=positions.device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-half / config.head_dim)
    angles = positions.to(torch.float32)[:, None] * frequencies[None, :]  # (S, hd/2)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos_sin: KeyValue) -> Tensor:
    cos, sin = cos_sin
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return (x * cos + turned * sin).to(x.dtype)


class SelfAttention(nn.Module):
    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_attention_heads, config.head_dim
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size, bias=False)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(
        self, x: Tensor, cos_sin: KeyValue, past: KeyValue | None, mask: Tensor | None
    ) -> tuple[Tensor, KeyValue]:
        """`mask` True where a position may look, [S, P + S]; None: causal without a past."""
        batch, length, width = x.shape
        heads = self.query_key_value(x).view(batch, length, 3, self.heads, self.head_dim)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)  # (B, nh, S, hd)
        query, key = rotate(query, cos_sin), rotate(key, cos_sin)
        if past is not None:
            key = torch.cat([past[0], key], dim=2)
            value = torch.cat([past[1], value], dim=2)
        y = F.scaled_dot_product_attention(query, key, value, mask, is_causal=mask is None)
        y = y.transpose(1, 2).reshape(batch, length, width)
        return self.output(y), (key, value)


class CrossAttention(nn.Module):
    """Text reads the cells, or a learned null cell when nothing there helps."""

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_attention_heads, config.head_dim
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key_value = nn.Linear(config.hidden_size, 2 * config.hidden_size, bias=False)
        self.null_key = nn.Parameter(torch.zeros(self.heads, 1, self.head_dim))
        self.null_value = nn.Parameter(torch.zeros(self.heads, 1, self.head_dim))
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def project(self, cells: Tensor) -> KeyValue:
        """Cells [B, T, d] to keys and values [B, nh, T, hd]."""
        heads = self.key_value(cells).view(*cells.shape[:2], 2, self.heads, self.head_dim)
        key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        return key, value

    def forward(self, x: Tensor, cells: KeyValue, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the sum to add, and the last row's query [B, nh, 1, hd].

        Rows of text may come in groups of k to a picture: x [B * k, S, d], cells of batch B.
        """
        groups = cells[0].shape[0]
        query = self.query(x).view(groups, -1, self.heads, self.head_dim).transpose(1, 2)
        key, value = self._with_null(cells)
        y = F.scaled_dot_product_attention(query, key, value, mask)
        return self.output(y.transpose(1, 2).reshape(x.shape)), query[:, :, -1:]

    def weights(self, query: Tensor, cells: KeyValue) -> Tensor:
        """softmax(QK^T / sqrt(hd)) of the queries over the cells, the null cell left out."""
        key, _ = self._with_null(cells)
        scores = query @ key.transpose(-1, -2) / self.head_dim**0.5
        weights: Tensor = scores.softmax(dim=-1)
        return weights[..., :-1]  # (B, nh, S, T)

    def _with_null(self, cells: KeyValue) -> KeyValue:
        key, value = cells
        shape = (key.shape[0], -1, -1, -1)
        key = torch.cat([key, self.null_key.to(key.dtype)[None].expand(shape)], dim=2)
        value = torch.cat([value, self.null_value.to(value.dtype)[None].expand(shape)], dim=2)
        return key, value


class Block(nn.Module):
    def __init__(self, config: MMGPTConfig, *, looks: bool) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm_self = nn.RMSNorm(width, eps=1e-5)
        self.self_attention = SelfAttention(config)
        self.norm_cross = nn.RMSNorm(width, eps=1e-5) if looks else None
        self.cross_attention = CrossAttention(config) if looks else None
        self.norm_mlp = nn.RMSNorm(width, eps=1e-5)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * width, width, bias=False),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        cos_sin: KeyValue,
        past: KeyValue | None,
        causal: Tensor | None,
        cells: KeyValue | None,
        visible: Tensor | None,
    ) -> tuple[Tensor, KeyValue, Tensor | None]:
        """Returns the new x, this layer's keys and values, and the last cross-attention query."""
        y, present = self.self_attention(self.norm_self(x), cos_sin, past, causal)
        x = x + self.dropout(y)
        query = None
        if self.cross_attention is not None and self.norm_cross is not None and cells is not None:
            y, query = self.cross_attention(self.norm_cross(x), cells, visible)
            x = x + self.dropout(y)
        x = x + self.dropout(self.mlp(self.norm_mlp(x)))
        return x, present, query
