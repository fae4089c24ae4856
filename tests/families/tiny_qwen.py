"""Qwen2-VL's, Qwen2.5-VL's and Qwen3-VL's checkpoints, tiny and random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.families.checkpoints import byte_tokenizer, enlivened, save_checkpoint
from tests.not_none import not_none

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TOKENS = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)


def tiny_qwen2(path: Path, seed: int = 0) -> Path:
    """Patches of 4 x 4 pixels, 2 x 2 of them a token."""
    import torch
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    vision = _vision(4) | {"embed_dim": 32, "mlp_ratio": 2}
    text = _text() | {"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}
    torch.manual_seed(seed)
    config = Qwen2VLConfig(text_config=text, vision_config=vision, **_ids())
    return _save(path, Qwen2VLForConditionalGeneration(config), _processor(patch=4))


def tiny_qwen25(path: Path, seed: int = 0) -> Path:
    """Patches of 4 x 4 pixels, 2 x 2 of them a token, windows of 2 x 2 tokens."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    settings = _processor(patch=4)
    vision = _vision(4) | {"window_size": 16, "fullatt_block_indexes": [1]}
    text = _text() | {"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}
    torch.manual_seed(seed)
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **_ids())
    return _save(path, Qwen2_5_VLForConditionalGeneration(config), settings)


def tiny_qwen3(path: Path, seed: int = 0) -> Path:
    """Patches of 4 x 4 pixels, 2 x 2 of them a token; a layer of its encoder goes deeper."""
    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    vision = _vision(4) | {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = _text() | {"rope_parameters": rope | {"rope_theta": 10000.0}, "head_dim": 16}
    torch.manual_seed(seed)
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **_ids())
    settings = _processor(patch=4)
    settings["size"] = {"shortest_edge": settings.pop("min_pixels"), "longest_edge": 4096}
    del settings["max_pixels"]
    return _save(path, Qwen3VLForConditionalGeneration(config), settings)


TINY = {
    "qwen2_vl": enlivened(tiny_qwen2),
    "qwen2_5_vl": enlivened(tiny_qwen25),
    "qwen3_vl": enlivened(tiny_qwen3),
}


def _save(path: Path, model: Any, settings: dict[str, Any]) -> Path:
    model.generation_config.eos_token_id = _token("<|im_end|>")
    tokens = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    return save_checkpoint(
        path, model, byte_tokenizer(TOKENS), TEMPLATE, image_processor=settings, tokens=tokens
    )


def _token(token: str) -> int:
    return not_none(byte_tokenizer(TOKENS).token_to_id(token))


def _ids() -> dict[str, Any]:
    return {
        "image_token_id": _token("<|image_pad|>"),
        "video_token_id": _token("<|video_pad|>"),
        "vision_start_token_id": _token("<|vision_start|>"),
        "vision_end_token_id": _token("<|vision_end|>"),
    }


def _text() -> dict[str, Any]:
    """Heads as wide as ONNX Runtime's operator takes them: a multiple of 16."""
    return {
        "vocab_size": byte_tokenizer(TOKENS).get_vocab_size(),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 1024,
        "bos_token_id": None,
        "eos_token_id": _token("<|im_end|>"),
    }


def _vision(patch: int) -> dict[str, Any]:
    return {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "patch_size": patch,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": 32,
    }


def _processor(patch: int) -> dict[str, Any]:
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "min_pixels": 16 * 16,
        "max_pixels": 64 * 64,
        "patch_size": patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
