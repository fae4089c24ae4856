"""What some public models need of the PyTorch runtime beyond image tokens among words."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.family import Context, Features, positions
from mmgpt_desktop.engine.families.idefics import seen_photos
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor


def checkpoint_torch(checkpoint: Checkpoint) -> CheckpointTorch:
    """The runtime for a checkpoint. Raises RuntimeFailure."""
    kind = _MODELS.get(checkpoint.model_type, CheckpointTorch)
    return kind(checkpoint)


class Qwen3Torch(CheckpointTorch):
    """Its first decoder layers take features of their own from the image encoder's layers
    (Meng et al. 2024, "DeepStack"): [1 + layer, token, width].
    """

    def features(self, inputs: dict[str, Tensor]) -> Features:
        found = self.model.model.get_image_features(**inputs)
        parts = [found.pooler_output, *found.deepstack_features]  # each a list of photos
        return Features(self.torch.stack([photos[0] for photos in parts]))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        _, which = self.image_tokens(context, fed, len(token_ids))
        given = {
            "input_ids": self.torch.tensor([list(token_ids)]),
            "position_ids": self._tensor(positions(context.prompt, fed, len(token_ids))),
        }
        if len(which):
            features = [each.embeddings for each in context.features]
            first, *deeper = self.torch.cat(features, dim=1)[:, which]
            deeper = [[layer] for layer in deeper]
            image = SimpleNamespace(pooler_output=[first], deepstack_features=deeper)
            given["mm_encoder_outputs"] = {"image": image}
        return given


class Kosmos2Torch(CheckpointTorch):
    """Latent queries read the patches, and each other: that share is no place's."""

    def load(self, checkpoint: Checkpoint, dtype: Any) -> Any:
        whole = super().load(checkpoint, dtype)
        attention = whole.image_to_text_projection.x_attn
        attention.config = copy.copy(attention.config)
        attention.config._attn_implementation = "eager"  # every latent's row is wanted
        self._vision, self._projection = whole.vision_model, whole.image_to_text_projection
        return whole.text_model

    def features(self, inputs: dict[str, Tensor]) -> Features:
        hidden = self._vision(**inputs).last_hidden_state
        patches = self._vision.model.post_layernorm(hidden)
        patches = self.torch.nn.functional.normalize(patches, dim=-1)
        latents, weights = self._projection(patches)
        reading = weights[0, :, :, : patches.shape[1]].float().mean(dim=0)
        return Features(latents[0], reading.numpy())

    def close(self) -> None:
        self._vision = self._projection = None
        super().close()


class IdeficsTorch(CheckpointTorch):
    """Photos are read by the cross-attention layers, and take no place among the words."""

    def load(self, checkpoint: Checkpoint, dtype: Any) -> Any:
        model = super().load(checkpoint, dtype)
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
        return Features(latents[0], reading.numpy())

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        name = "perceiver" if self.model.config.use_resampler else "image_encoder"
        features = [each.embeddings for each in context.features]
        width = self.model.config.vision_config.embed_dim
        empty = self.torch.zeros(1, 1, 1, width, dtype=self.model.dtype)
        self._crossed.clear()
        return {
            "input_ids": self.torch.tensor([list(token_ids)]),
            "position_ids": self._tensor(positions(context.prompt, fed, len(token_ids))),
            f"{name}_embeddings": self.torch.stack(features)[None] if features else empty,
            "image_attention_mask": self._tensor(seen_photos(context, fed, len(token_ids))),
        }

    def rows(self, output: Any, context: Context, total: int) -> NDArray[np.float32]:
        """A word before any photo looks at none, whatever the softmax says."""
        weights = self.torch.cat(self._crossed)[:, :, -1].float().numpy()
        looks = bool(seen_photos(context, total - 1, 1).any())
        tokens = len(context.prompt.image_positions)
        return np.asarray(weights[:, :, :tokens] * looks, np.float32)

    def _keep(self, _module: Any, _given: Any, found: tuple[Tensor, Tensor]) -> None:
        self._crossed.append(found[1])


def resampled(resampler: Any, patches: Tensor) -> tuple[Tensor, Tensor]:
    """Idefics' latents [1, latent, width] of patches [1, patch, width], and what each of them
    read of each patch [latent, patch].

    A block's latents read patches and latents, and are added to what they were: half of
    what a latent holds is its own (attention rollout, Abnar & Zuidema 2020), which at
    first is nothing of the photo. So rows sum to less than 1.
    """
    import torch

    latents, seen = resampler.latents[None], patches.shape[1]
    reading = torch.zeros(latents.shape[1], seen)
    for attention, feed_forward in resampler.blocks:
        weights = latent_weights(attention, patches, latents)
        reading = (reading + weights[:, :seen] + weights[:, seen:] @ reading) / 2
        latents = attention(patches, latents) + latents
        latents = feed_forward(latents) + latents
    return resampler.layer_norm(latents), reading


def latent_weights(attention: Any, patches: Tensor, latents: Tensor) -> Tensor:
    """The mean over heads of a resampler's softmax, [latent, patch + latent]: the model's
    own module doesn't give it."""
    import torch

    patches, latents = attention.context_layer_norm(patches), attention.latents_layer_norm(latents)
    shape = (1, -1, attention.n_heads, attention.head_dim)
    query = attention.q_proj(latents).view(shape).transpose(1, 2)
    parts = [attention.k_proj(each).view(shape).transpose(1, 2) for each in (patches, latents)]
    if attention.qk_layer_norms:
        query, parts = attention.q_layer_norm(query), list(map(attention.k_layer_norm, parts))
    scores = (query * attention.qk_scale) @ torch.cat(parts, dim=2).mT
    weights: Tensor = scores.softmax(dim=-1)[0].float().mean(dim=0)
    return weights


_MODELS: dict[str, type[CheckpointTorch]] = {
    "idefics": IdeficsTorch,
    "kosmos-2": Kosmos2Torch,
    "qwen3_vl": Qwen3Torch,
}
