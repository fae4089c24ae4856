"""What a decoder-only language model's configuration says about its graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.text_models import TEXT_MODELS, TextModel
from mmgpt_desktop.errors import BundleError

SILU, GELU_TANH, GELU = "silu", "gelu_tanh", "gelu"
_ACTIVATIONS = {
    "silu": SILU,
    "swish": SILU,
    "gelu_pytorch_tanh": GELU_TANH,
    "gelu_new": GELU_TANH,
    "gelu": GELU_TANH,  # Gemma's checkpoints say gelu and mean its tanh form
}
_HEADS_OF = 16  # what ONNX Runtime's attention turns by position is a multiple of this wide


@dataclass(frozen=True, eq=False)
class Rope:
    """Rotary positions (Su et al. 2021): how fast each half-dimension turns.

    `frequencies` float32 [head_dim / 2], `axes` int64 likewise: which of the three axes of
    M-RoPE (Qwen2-VL, 2024) each of them reads; None with one axis.
    """

    frequencies: NDArray[np.float32]
    axes: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class DecoderSpec:
    """One decoder-only language model's shape.

    `windows[layer]` is how far back a layer looks, -1 without a limit; `ropes[layer]` its
    rotary positions. `kind` says what such models do; Kosmos-2's have no `ropes`, and their
    embeddings are `embedding_scale` times as large before their positions are added.
    `deepstack`: after so many of the first layers, image features are added (Qwen3-VL).
    `blocks`: some positions see each other both ways (Gemma 3's photos, PaliGemma's prompts), and
    `windows_cut_blocks` where a window doesn't let them.
    `cross_before`: before these layers stands one that looks at photos by gated cross-attention
    (Idefics, mmgpt-small), with `cross_norms` of its queries; it has a feed-forward of its own if
    `cross_feeds`.
    """

    kind: TextModel
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    width: int
    inner: int
    vocabulary: int
    context_length: int
    epsilon: float
    activation: str
    scale: float
    ropes: tuple[Rope, ...]
    windows: tuple[int, ...]
    softcap: float = 0.0
    logit_softcap: float = 0.0
    deepstack: int = 0
    blocks: bool = False
    windows_cut_blocks: bool = False
    embedding_scale: float = 1.0
    cross_before: tuple[int, ...] = ()
    cross_norms: bool = False
    cross_feeds: bool = True

    @property
    def begin(self) -> int:
        """The first position: behind the padding's in what fairseq made (Kosmos-2)."""
        return 2 if self.kind.magneto else 0

    @property
    def axes(self) -> int:
        """Axes of `position_ids`."""
        return 3 if self.ropes and self.ropes[0].axes is not None else 1


def read_spec(config: Mapping[str, Any]) -> DecoderSpec:
    """The shape from a text model's configuration, as in config.json or `to_dict()`; what its
    family adds to it (`deepstack`, `blocks`) is none.

    Raises BundleError for an architecture or a kind of rotary scaling that isn't known, and for
    heads that ONNX Runtime can't compute.
    """
    kind = _kind(str(config.get("model_type", "")))
    config = {**config, **{name: config.get(own) for name, own in kind.settings.items()}}
    heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
    head_dim = int(config.get("head_dim") or width // heads)
    if not kind.magneto:
        _require_width(head_dim)
    layers = int(config["num_hidden_layers"])
    query_scalar = config.get("query_pre_attn_scalar") if kind.sandwich else None
    sliding = _sliding(config, kind, layers)
    return DecoderSpec(
        kind=kind,
        layers=layers,
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=head_dim,
        width=width,
        inner=int(config["intermediate_size"]),
        vocabulary=int(config["vocab_size"]) + int(config.get("additional_vocab_size") or 0),
        context_length=int(config.get("max_position_embeddings") or 2048),
        epsilon=float(config.get("rms_norm_eps") or 1e-6),
        activation=_activation(config, kind),
        scale=1 / math.sqrt(float(query_scalar or head_dim)),
        ropes=() if kind.magneto else _ropes(config, kind, head_dim, sliding),
        windows=tuple(int(config["sliding_window"]) if slides else -1 for slides in sliding),
        softcap=float(config.get("attn_logit_softcapping") or 0.0),
        logit_softcap=float(config.get("final_logit_softcapping") or 0.0),
        embedding_scale=math.sqrt(width) if config.get("scale_embedding") else 1.0,
        cross_before=_cross_before(config, layers),
        cross_norms=bool(config.get("qk_layer_norms")) or "cross_layers" in config,
        cross_feeds="cross_layers" not in config,
    )


def _cross_before(config: Mapping[str, Any], layers: int) -> tuple[int, ...]:
    """By their numbers (mmgpt-small), or each so manieth (Idefics)."""
    interval = int(config.get("cross_layer_interval") or 0)
    each = range(0, layers, interval) if interval else ()
    return tuple(config.get("cross_layers") or each)


def _kind(model_type: str) -> TextModel:
    if model_type in TEXT_MODELS:
        return TEXT_MODELS[model_type]
    title = "No graph can be built for a decoder of type {kind}."
    known = ", ".join(sorted(TEXT_MODELS))
    raise BundleError(title, "Known are: {known}.", kind=model_type or "?", known=known)


def _activation(config: Mapping[str, Any], kind: TextModel) -> str:
    if kind.gemma or kind.magneto:
        return GELU_TANH if kind.gemma else GELU
    return _ACTIVATIONS[str(config.get("hidden_activation") or config.get("hidden_act") or "silu")]


def _require_width(head_dim: int) -> None:
    if head_dim % _HEADS_OF:
        raise BundleError(
            "No graph can be built for a decoder whose heads are {width} wide.",
            "ONNX Runtime wants a multiple of {step}. PyTorch runs such a model from its folder.",
            width=head_dim,
            step=_HEADS_OF,
        )


def _sliding(config: Mapping[str, Any], kind: TextModel, layers: int) -> tuple[bool, ...]:
    """Which layers look back over a window only."""
    window = config.get("sliding_window")
    if not window or not config.get("use_sliding_window", kind.slides_unsaid):
        return (False,) * layers
    if types := config.get("layer_types"):
        return tuple(each == "sliding_attention" for each in types)
    return tuple(kind.slides(layer, config) for layer in range(layers))


def _ropes(
    config: Mapping[str, Any], kind: TextModel, head_dim: int, sliding: tuple[bool, ...]
) -> tuple[Rope, ...]:
    found = config.get("rope_parameters") or {}
    if "full_attention" in found:  # one for each kind of layer
        full = _rope(found["full_attention"], head_dim)
        near = _rope(found["sliding_attention"], head_dim)
        return tuple(near if slides else full for slides in sliding)
    theta = config.get("rope_theta") or kind.theta
    settings = {"rope_theta": theta, **(config.get("rope_scaling") or {}), **found}
    full = near = _rope(settings, head_dim, kind.in_turn)
    if kind.near_theta:
        near = _rope(
            {"rope_theta": config.get("rope_local_base_freq") or kind.near_theta}, head_dim
        )
    return tuple(near if slides else full for slides in sliding)


def _rope(settings: Mapping[str, Any], head_dim: int, interleaved: bool = False) -> Rope:
    kind = settings.get("rope_type") or settings.get("type") or "default"
    places = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
    frequencies = (1 / np.float32(settings["rope_theta"]) ** places).astype(np.float32)
    if kind == "linear":
        frequencies = frequencies / np.float32(settings["factor"])
    elif kind == "llama3":
        frequencies = _llama3(frequencies, settings)
    elif kind not in ("default", "mrope"):
        title = "Rotary positions of the kind {kind} aren't known to the graph builder."
        raise BundleError(title, kind=kind)
    return Rope(frequencies, _axes(settings, head_dim // 2, interleaved))


def _llama3(frequencies: NDArray[np.float32], settings: Mapping[str, Any]) -> NDArray[np.float32]:
    """Llama 3.1's (2024): slow turns are slowed by `factor`, fast ones kept, blended between."""
    low, high = float(settings["low_freq_factor"]), float(settings["high_freq_factor"])
    turns = settings["original_max_position_embeddings"] * frequencies / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    slowed = frequencies / float(settings["factor"])
    return np.asarray(kept * frequencies + (1 - kept) * slowed, np.float32)


def _axes(settings: Mapping[str, Any], half: int, interleaved: bool) -> NDArray[np.int64] | None:
    """Which axis each half-dimension reads: in runs (Qwen2-VL), or in turn (Qwen3-VL)."""
    sections = settings.get("mrope_section")
    if not sections:
        return None
    if not interleaved:
        return np.repeat(np.arange(3), sections)[:half].astype(np.int64)
    axes = np.zeros(half, np.int64)
    for axis in (1, 2):
        axes[axis : 3 * sections[axis] : 3] = axis
    return axes
