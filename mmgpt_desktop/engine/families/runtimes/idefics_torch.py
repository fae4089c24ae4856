"""Idefics in PyTorch: its words look at photos by gated cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.engine.chat.model_inputs import Context, Features
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.idefics import seen_photos
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.names import KEYS, READING, VALUES
from mmgpt_desktop.engine.image_encoder import ImageEncoder


class IdeficsTorch(CheckpointTorch):
    """Photos are read by the cross-attention layers, and take no place among the words."""

    def load(self, checkpoint: Checkpoint) -> Any:
        model = super().load(checkpoint)
        self._crossed: list[Tensor] = []
        for layer in model.model.gated_cross_attn_layers:
            layer.cross_attn.register_forward_hook(self._keep)
        return model

    @property
    def attention_shape(self) -> tuple[int, int]:
        config = self.model.config
        return len(self.model.model.gated_cross_attn_layers), config.num_attention_heads

    def features(self, inputs: dict[str, Tensor]) -> Features:
        base = self.model.model
        patches = base.vision_model(**inputs).last_hidden_state
        if not base.config.use_resampler:
            return Features(patches[0])
        latents, reading = resampled(base.perceiver_resampler, patches)
        return Features(latents[0], self.place.array(reading))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        name = "perceiver" if self.model.config.use_resampler else "image_encoder"
        features = [each.embeddings for each in context.features]
        width = self.model.config.vision_config.embed_dim
        empty = self.place.zeros(1, 1, 1, width)
        self._crossed.clear()
        return {
            "input_ids": self.place.ids(token_ids),
            "position_ids": self.place.tensor(context.prompt.rotary_positions(fed, len(token_ids))),
            f"{name}_embeddings": self.torch.stack(features)[None] if features else empty,
            "image_attention_mask": self.place.tensor(seen_photos(context, fed, len(token_ids))),
        }

    def rows(self, output: Any, context: Context, total: int) -> NDArray[np.float32]:
        """A word before any photo looks at none, whatever the softmax says."""
        weights = self.place.array(self.torch.cat(self._crossed)[:, :, -1])
        looks = bool(seen_photos(context, total - 1, 1).any())
        tokens = len(context.prompt.image_positions)
        return np.asarray(weights[:, :, :tokens] * looks, np.float32)

    def close(self) -> None:
        self._crossed.clear()
        super().close()

    def _keep(self, _module: Any, _given: Any, found: tuple[Tensor, Tensor]) -> None:
        self._crossed.append(found[1])


class IdeficsEncoder(ImageEncoder):
    """What the decoder's cross-attention layers look at, keys and values [layer, head, token,
    width], and what each latent read of the patches [latent, patch] if there is a resampler."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.layers = model.vision_model, model.gated_cross_attn_layers
        self.resampler = model.perceiver_resampler if model.config.use_resampler else None
        self.outputs = (KEYS, VALUES, READING) if self.resampler else (KEYS, VALUES)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        states = self.vision(pixel_values=pixel_values).last_hidden_state
        reading = list[Tensor]()
        if self.resampler is not None:
            states, *reading = resampled(self.resampler, states)
        keys, values = [], []
        for layer in self.layers:
            attention = layer.cross_attn
            heads = (attention.num_heads, attention.head_dim)
            key, value = (
                project(states[0]).unflatten(1, heads).transpose(0, 1)
                for project in (attention.k_proj, attention.v_proj)
            )
            keys.append(attention.k_layer_norm(key) if attention.qk_layer_norms else key)
            values.append(value)
        return torch.stack(keys), torch.stack(values), *reading


def resampled(resampler: Any, patches: Tensor) -> tuple[Tensor, Tensor]:
    """Idefics' latents [1, latent, width] of patches [1, patch, width], and what each of them
    read of each patch [latent, patch].

    A block's latents read patches and latents, and are added to what they were: half of
    what a latent holds is its own (attention rollout, Abnar & Zuidema 2020), which at
    first is nothing of the photo. So rows sum to less than 1.
    """
    latents, seen = resampler.latents[None], patches.shape[1]
    reading = torch.zeros(latents.shape[1], seen, device=latents.device)
    for attention, feed_forward in resampler.blocks:
        weights = latent_weights(attention, patches, latents)
        reading = (reading + weights[:, :seen] + weights[:, seen:] @ reading) / 2
        latents = attention(patches, latents) + latents
        latents = feed_forward(latents) + latents
    return resampler.layer_norm(latents), reading


def latent_weights(attention: Any, patches: Tensor, latents: Tensor) -> Tensor:
    """The mean over heads of a resampler's softmax, [latent, patch + latent]: the model's
    own module doesn't give it."""
    patches, latents = attention.context_layer_norm(patches), attention.latents_layer_norm(latents)
    shape = (1, -1, attention.n_heads, attention.head_dim)
    query = attention.q_proj(latents).view(shape).transpose(1, 2)
    parts = [attention.k_proj(each).view(shape).transpose(1, 2) for each in (patches, latents)]
    if attention.qk_layer_norms:
        query, parts = attention.q_layer_norm(query), list(map(attention.k_layer_norm, parts))
    scores = (query * attention.qk_scale) @ torch.cat(parts, dim=2).mT
    weights: Tensor = scores.softmax(dim=-1)[0].float().mean(dim=0)
    return weights
