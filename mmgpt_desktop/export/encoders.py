"""The image encoders and projectors of checkpoints as PyTorch's exporter takes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmgpt_desktop.engine.checkpoint_onnx import FEATURES, READING
from mmgpt_desktop.engine.checkpoint_torch_models import resampled
from mmgpt_desktop.engine.graphs.decoder_session import KEYS, VALUES


class Encoder(nn.Module):
    """`outputs` are the names of what it gives."""

    outputs: tuple[str, ...] = (FEATURES,)


class Tower(Encoder):
    """The model's own way from pixels to features."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        found = self.model.get_image_features(pixel_values=pixel_values).pooler_output
        features: Tensor = torch.cat(found) if isinstance(found, list | tuple) else found
        return features.flatten(0, -2)


class Idefics3(Encoder):
    """Views that are whole squares, as ours are: so nothing depends on where their padding is."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.connector = model.vision_model, model.connector
        self.register_buffer("places", _places(self.vision.embeddings), persistent=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        embeddings = self.vision.embeddings
        patches = embeddings.patch_embedding(pixel_values[0]).flatten(2).mT  # (N, patch, width)
        states = patches + embeddings.position_embedding(self.places)
        states = self.vision.encoder(inputs_embeds=states, attention_mask=None).last_hidden_state
        features: Tensor = self.connector(self.vision.post_layernorm(states))
        return features.flatten(0, 1)


def _places(embeddings: Any) -> Tensor:
    """The position ids of a whole view, as the embeddings themselves make them."""
    caught = list[Tensor]()
    hook = embeddings.position_embedding.register_forward_pre_hook(
        lambda _module, arguments: caught.append(arguments[0])
    )
    side, patches = embeddings.image_size, embeddings.image_size // embeddings.patch_size
    with torch.inference_mode():
        seen = torch.ones(1, patches, patches, dtype=torch.bool)
        embeddings(torch.zeros(1, 3, side, side), seen)
    hook.remove()
    return caught[0].clone()


class OneVision(Encoder):
    """Tokens are patches of views, mixed as `ImageInputs.for_graphs` says, and newlines."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor, mixed_of: Tensor, shares: Tensor) -> Tensor:
        config = self.model.config
        tower = self.model.vision_tower(pixel_values[0], output_hidden_states=True)
        layers = config.vision_feature_layer
        chosen = [layers] if isinstance(layers, int) else layers
        states = torch.cat([tower.hidden_states[layer] for layer in chosen], -1)
        if config.vision_feature_select_strategy == "default":  # without the class token
            states = states[:, 1:]
        patches = self.model.multi_modal_projector(states).flatten(0, 1)
        rows = torch.cat([patches, self.model.image_newline[None]])
        return (rows[mixed_of] * shares[..., None]).sum(1)


class Kosmos2(Encoder):
    """Latents [latent, width], and what each read of the patches [latent, patch]."""

    outputs = (FEATURES, READING)

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.projection = model.vision_model, model.image_to_text_projection
        self.projection.x_attn.config._attn_implementation = "eager"  # which gives its weights

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        states = self.vision(pixel_values=pixel_values).last_hidden_state
        patches = nn.functional.normalize(self.vision.model.post_layernorm(states), dim=-1)
        latents, weights = self.projection(patches)
        return latents[0], weights[0, :, :, : patches.shape[1]].mean(0)


class Idefics(Encoder):
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
