"""What a kind of language model does that its config.json leaves unsaid, by its model_type.

The language model within a family's checkpoint may be of several kinds (LLaVA's of three), so
this is beside the families: a kind that is to be exported is a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmgpt_desktop.engine.folder.model_files import ANOTHER, CONFIG
from mmgpt_desktop.errors import BundleError

Slides = Callable[[int, Mapping[str, Any]], bool]  # whether layer i looks back over a window only


@dataclass(frozen=True)
class TextModel:
    """A kind of decoder-only language model.

    `heads` are those of each layer where config.json has none, as transformers takes them for
    granted (LLaVA-1.5's and Gemma 3's smaller ones are written so); None where it always has.
    `gemma`: norms store their weight - 1, words' embeddings are the square root of their width as
    large as the table's, and gates are a GELU. `sandwich`: each block's output is normalised
    before it joins the residual stream. `qk_norm`: queries and keys are normalised by heads.
    `magneto`: LayerNorms, one more before each block's last matrix, no gate, and sines for
    positions (Wang et al. 2022, "Foundation Transformers"). `theta` and `near_theta` are the
    rotary bases, the latter of layers with a window where it differs; `in_turn`: the three axes
    of M-RoPE take the half-dimensions in turn, and not in runs. `slides` is for configurations
    without `layer_types`; `slides_unsaid`: windows count where nobody says that they do.
    `settings` and `tensors` are its own names of what Llama's class has by others.
    """

    heads: int | None = None
    gemma: bool = False
    sandwich: bool = False
    qk_norm: bool = False
    magneto: bool = False
    theta: float = 1e4
    near_theta: float | None = None
    in_turn: bool = False
    slides: Slides = lambda layer, config: layer >= int(config.get("max_window_layers") or 0)
    slides_unsaid: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    tensors: Mapping[str, str] = field(default_factory=dict)


_GEMMA3 = TextModel(
    heads=8,
    gemma=True,
    sandwich=True,
    qk_norm=True,
    theta=1e6,
    near_theta=1e4,
    slides=lambda layer, config: (layer + 1) % int(config.get("sliding_window_pattern") or 6) != 0,
)
_KOSMOS2 = TextModel(
    heads=32,
    magneto=True,
    settings={
        "num_hidden_layers": "layers",
        "num_attention_heads": "attention_heads",
        "hidden_size": "embed_dim",
        "intermediate_size": "ffn_dim",
        "rms_norm_eps": "layer_norm_eps",
    },
    tensors={
        "input_layernorm": "self_attn_layer_norm",
        "post_attention_layernorm": "final_layer_norm",
        "o_proj": "out_proj",
        "mlp": "ffn",
        "norm": "layer_norm",
    },
)
_QWEN2 = TextModel(heads=32, slides_unsaid=False)
_QWEN2_VL = TextModel(slides_unsaid=False)
_QWEN3 = TextModel(heads=32, slides_unsaid=False, qk_norm=True)
_QWEN3_VL = TextModel(slides_unsaid=False, qk_norm=True, in_turn=True)

TEXT_MODELS: Mapping[str, TextModel] = {
    "gemma": TextModel(heads=16, gemma=True),
    "gemma2": TextModel(
        heads=8, gemma=True, sandwich=True, slides=lambda layer, _config: layer % 2 == 0
    ),
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    "idefics": TextModel(),
    "kosmos_2_text_model": _KOSMOS2,
    "llama": TextModel(heads=32),
    "mmgpt_flamingo": TextModel(),
    "mistral": TextModel(heads=32, slides=lambda _layer, _config: True),
    "qwen2": _QWEN2,
    "qwen2_5_vl": _QWEN2_VL,
    "qwen2_5_vl_text": _QWEN2_VL,
    "qwen2_vl": _QWEN2_VL,
    "qwen2_vl_text": _QWEN2_VL,
    "qwen3": _QWEN3,
    "qwen3_vl": _QWEN3_VL,
    "qwen3_vl_text": _QWEN3_VL,
}


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The language model's part of a config.json, or all of it where it has no parts."""
    found = config.get("text_config", config)
    return found if isinstance(found, dict) else config


def attention_heads(config: Mapping[str, Any]) -> int:
    """How many a layer of the language model has. Raises BundleError where nobody says."""
    text = text_config(config)
    kind = TEXT_MODELS.get(str(text.get("model_type")), TextModel())
    name = kind.settings.get("num_attention_heads", "num_attention_heads")
    heads = text.get(name, kind.heads)
    if not isinstance(heads, int):
        title = "The model's {name} does not say how many heads it has."
        raise BundleError(title, ANOTHER, name=CONFIG)
    return heads
