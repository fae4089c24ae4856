"""A painter that makes a picture of noise, led by what a frozen GPT makes of the words.

Imagen's way (Saharia et al., 2022) with a flow in diffusion's place: noise moves to a picture along
straight lines, whose direction is learnt ("flow matching", Lipman et al., 2023; "rectified flow",
Liu et al., 2023). The cells are those of our picture's coder, as in latent diffusion (Rombach et
al., 2022); a transformer moves them (Peebles & Xie, "DiT", 2023), to all of whose layers one tells
the time (Chen et al., "PixArt", 2023), and they read the words in the cross-attention of our GPT.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from mmgpt_desktop.model.decoder import (
    CrossAttention,
    KeyValue,
    SelfAttention,
    feed_forward,
    rotary,
)
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig

_WAVES = 128
_FASTEST = 1000.0
_TOLD = 6
"""What the time changes in a layer: shift, scale and gate of both its parts."""


class Motion(NamedTuple):
    """Where the cells go: velocity [B, cells, channels], and what they read of the words,
    [B, layer, head, cells, text]."""

    velocity: Tensor
    attention: Tensor


class Advance(NamedTuple):
    """Cells [B, cells, channels] a step further, where they would end from here on, and what they
    read of the words, [B, layer, head, cells, text]."""

    cells: Tensor
    end: Tensor
    attention: Tensor


class FlowPainter(PreTrainedModel):
    """Cells under way, the time, and words in; the direction of the way out."""

    config_class = FlowPainterConfig
    config: FlowPainterConfig
    main_input_name = "cells"

    def __init__(self, config: FlowPainterConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.gpt = config.gpt()
        self.read_words = nn.Linear(config.text_width, width, bias=False)
        self.norm_words = nn.RMSNorm(width, eps=1e-5)
        self.read_cells = nn.Linear(config.channels, width)
        self.place = nn.Parameter(torch.zeros(config.cells, width))
        self.clock = nn.Sequential(
            nn.Linear(_WAVES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.tell = nn.Linear(width, _TOLD * width)
        self.layers = nn.ModuleList(_FlowLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.write = nn.Linear(width, config.channels)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """As in our GPT; a layer begins as if it were not there."""
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        if isinstance(module, FlowPainter):
            nn.init.normal_(module.place, std=0.02)
            nn.init.zeros_(module.tell.weight)
            nn.init.zeros_(module.write.weight)

    def forward(
        self,
        cells: Tensor,
        states: Tensor,
        visible: Tensor,
        times: Tensor | None = None,
        noise: Tensor | None = None,
        **_: Any,
    ) -> ModelOutput:
        """The loss of pictures' cells [B, cells, channels] that are told by states [B, text,
        text_width], of which those that are `visible` [B, text] say something: the mean squared
        error of the velocity at times [B] from 0 (all noise) to 1, both drawn where not given."""
        batch = cells.shape[0]
        if times is None:
            # Middle times, where most is decided, come most often (Esser et al., 2024).
            times = torch.randn(batch, device=cells.device).sigmoid()
        noise = torch.randn_like(cells) if noise is None else noise
        share = times[:, None, None]
        moved = self.move((1 - share) * noise + share * cells, times, self.read(states), visible)
        loss = F.mse_loss(moved.velocity.float(), (cells - noise).float())
        return ModelOutput(loss=loss)

    def read(self, states: Tensor) -> Tensor:
        """Words as all layers read them, [B, text, width]."""
        words: Tensor = self.norm_words(self.read_words(states))
        return words

    def move(self, cells: Tensor, times: Tensor, words: Tensor, visible: Tensor) -> Motion:
        """Cells [B, cells, channels] at times [B], led by what `read` gives."""
        told = self.tell(self.clock(_waves(times))).unflatten(-1, (_TOLD, -1))[:, :, None]
        mask = F.pad(visible, (0, 1), value=True)[:, None, None]  # the null cell
        origin = rotary(self.gpt, torch.zeros(1, device=cells.device))
        x, seen = self.read_cells(cells) + self.place, []
        for layer in self.layers:
            x, weights = layer(x, told, origin, words, mask)
            seen.append(weights)
        return Motion(self.write(self.norm(x)), torch.stack(seen, dim=1))

    def advance(
        self,
        cells: Tensor,
        states: Tensor,
        visible: Tensor,
        time: Tensor,
        span: Tensor,
        guidance: Tensor,
    ) -> Advance:
        """Cells [B, cells, channels] from `time` [1] on, a `span` [1] of it further (Euler's step).

        With `guidance` 1 the words count as in training, with more the way without them is left
        (classifier-free guidance, Ho & Salimans, 2021).
        """
        pictures = cells.shape[0]
        words = self.read(torch.cat([states, torch.zeros_like(states)]))
        shown = torch.cat([visible, torch.zeros_like(visible)])
        twice = torch.cat([cells, cells])
        moved = self.move(twice, time.expand(2 * pictures), words, shown)
        told, untold = moved.velocity[:pictures], moved.velocity[pictures:]
        velocity = untold + guidance * (told - untold)
        return Advance(
            cells + span * velocity, cells + (1 - time) * velocity, moved.attention[:pictures]
        )


class _FlowLayer(nn.Module):
    """Self-attention of the cells, a look at the words, and an MLP."""

    def __init__(self, config: FlowPainterConfig) -> None:
        super().__init__()
        width, gpt = config.hidden_size, config.gpt()
        self.norm_self = nn.RMSNorm(width, eps=1e-5)
        self.self_attention = SelfAttention(gpt)
        self.norm_cross = nn.RMSNorm(width, eps=1e-5)
        self.cross_attention = CrossAttention(gpt)
        self.norm_mlp = nn.RMSNorm(width, eps=1e-5)
        self.mlp = feed_forward(width)
        self.own = nn.Parameter(torch.zeros(_TOLD, 1, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, told: Tensor, origin: KeyValue, words: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """x [B, cells, width] and what the time says, [B, 6, 1, width]; also returns the weights
        [B, head, cells, text]."""
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = (told + self.own).unbind(1)
        y = self.norm_self(x) * (1 + scale) + shift
        y, _, _ = self.self_attention(y, origin, None, None)
        x = x + gate * self.dropout(y)
        y, weights = self.cross_attention(
            self.norm_cross(x), self.cross_attention.project(words), mask
        )
        x = x + self.dropout(y)
        y = self.mlp(self.norm_mlp(x) * (1 + scale_mlp) + shift_mlp)
        return x + gate_mlp * self.dropout(y), weights[..., :-1]


def _waves(times: Tensor) -> Tensor:
    """Times [B] from 0 to 1 as sines and cosines [B, waves] (Vaswani et al., 2017)."""
    half = _WAVES // 2
    places = torch.arange(half, device=times.device, dtype=torch.float32) / half
    angles = times[:, None].float() * _FASTEST * torch.exp(-math.log(10_000.0) * places)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
