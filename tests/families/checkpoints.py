"""Public models' checkpoints, tiny and random, with the true structure of their families.

`save_checkpoint` writes what any family needs; a byte-level tokenizer is made on the spot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from mmgpt_desktop.messages import Photo

Make = Callable[[Path], Path]

SMOLVLM_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
SMOLVLM_TOKENS = (
    *("<|endoftext|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>"),
    *("<global-img>", "<image>"),
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)
SIZES = {  # of an encoder or a decoder; heads as wide as ONNX Runtime's operator takes them
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def byte_tokenizer(special: Sequence[str]) -> Tokenizer:
    """Byte-level BPE with a few merges, and then the special tokens in order."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "a"), ("Ċ", "Ċ")]
    words = [*alphabet, *(left + right for left, right in merges)]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return tokenizer


def save_settings(
    path: Path,
    config: Mapping[str, Any],
    tokenizer: Tokenizer,
    template: str | None,
    *,
    image_processor: Mapping[str, Any],
    tokens: Mapping[str, str] | None = None,
) -> Path:
    """A checkpoint without weights; `tokens` go into tokenizer_config.json ("eos_token")."""
    path.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **(tokens or {})}
    for name, data in {
        "config": config,
        "tokenizer_config": settings,
        "preprocessor_config": image_processor,
    }.items():
        (path / f"{name}.json").write_text(json.dumps(dict(data)))
    if template is not None:
        (path / "chat_template.jinja").write_text(template)
    return path


def save_checkpoint(
    path: Path,
    model: Any,
    tokenizer: Tokenizer,
    template: str | None,
    *,
    image_processor: Mapping[str, Any],
    tokens: Mapping[str, str] | None = None,
) -> Path:
    """With the weights of a transformers model, and its config."""
    config, processor = model.config.to_dict(), image_processor
    save_settings(path, config, tokenizer, template, image_processor=processor, tokens=tokens)
    model.save_pretrained(path)
    return path


def smolvlm_settings(path: Path) -> Path:
    """4 x 4 image tokens for a tile of 64 x 64 pixels; no weights, and no need of torch."""
    return save_settings(
        path,
        smolvlm_config(),
        byte_tokenizer(SMOLVLM_TOKENS),
        SMOLVLM_TEMPLATE,
        image_processor=SMOLVLM_PICTURES,
        tokens=SMOLVLM_NAMED,
    )


def tiny_smolvlm(path: Path, seed: int = 0, head_dim: int = 8, kind: str = "SmolVLM") -> Path:
    """The same with random weights; Idefics3 is of this `kind`, too."""
    import torch
    import transformers

    configuration = getattr(transformers, f"{kind}Config")
    torch.manual_seed(seed)
    config = smolvlm_config()
    del config["model_type"]
    config["text_config"]["head_dim"] = head_dim
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(configuration(**config))
    model.generation_config.eos_token_id = config["text_config"]["eos_token_id"]
    return save_checkpoint(
        path,
        model,
        byte_tokenizer(SMOLVLM_TOKENS),
        SMOLVLM_TEMPLATE,
        image_processor=SMOLVLM_PICTURES,
        tokens=SMOLVLM_NAMED,
    )


def smolvlm_config() -> dict[str, Any]:
    tokenizer = byte_tokenizer(SMOLVLM_TOKENS)
    ids = {token: tokenizer.token_to_id(token) for token in SMOLVLM_TOKENS}
    text = {
        "model_type": "llama",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 1024,
        "bos_token_id": ids["<|im_start|>"],
        "eos_token_id": ids["<end_of_utterance>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision = {
        **SIZES,
        "image_size": 64,
        "patch_size": 8,
    }
    return {
        "model_type": "smolvlm",
        "text_config": text,
        "vision_config": vision,
        "scale_factor": 2,
        "image_token_id": ids["<image>"],
    }


SMOLVLM_NAMED = {"bos_token": "<|im_start|>", "eos_token": "<end_of_utterance>"}
SMOLVLM_PICTURES = {
    "image_processor_type": "SmolVLMImageProcessor",
    "size": {"longest_edge": 192},
    "max_image_size": {"longest_edge": 64},
    "resample": 1,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "do_convert_rgb": True,
    "do_image_splitting": True,
    "do_pad": True,
    "rescale_factor": 1 / 255,
}


def noise_photo(width: int, height: int, seed: int = 0) -> Photo:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    pixels.setflags(write=False)
    return Photo(pixels, f"noise-{width}x{height}-{seed}", "noise.png")


def with_region(photo: Photo, left: int, top: int, right: int, bottom: int) -> Photo:
    """The photo with other noise in a rectangle of it."""
    pixels = photo.pixels.copy()
    other = np.random.default_rng(99).integers(0, 256, pixels.shape, np.uint8)
    pixels[top:bottom, left:right] = other[top:bottom, left:right]
    return Photo(pixels, f"{photo.image_id}-{left}-{top}-{right}-{bottom}", photo.name)


def enlivened(make: Make) -> Make:
    """With matrices ten times as large: at first each patch and word is nearly like the others.

    Gates (Idefics) stay half open.
    """
    from safetensors.numpy import load_file, save_file

    def made(path: Path) -> Path:
        folder = make(path)
        file = folder / "model.safetensors"
        grown = {
            name: each * 10 if each.ndim > 1 and "alpha" not in name else each
            for name, each in load_file(file).items()
        }
        save_file(grown, file, metadata={"format": "pt"})
        return folder

    return made
