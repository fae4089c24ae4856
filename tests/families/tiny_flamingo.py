"""mmgpt-small, tiny and random: our encoder in its own size, two looks in a language model of four
layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.families.checkpoints import byte_tokenizer, save_checkpoint

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>")
NAMED = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
LOOKS = (1, 3)


def tiny_language() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    words = byte_tokenizer(SPECIAL)
    config = LlamaConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=words.token_to_id("<|im_start|>"),
        eos_token_id=words.token_to_id("<|im_end|>"),
        pad_token_id=words.token_to_id("<|im_end|>"),
    )
    return LlamaForCausalLM(config)


def tiny_model(seed: int = 0) -> Any:
    import torch

    from mmgpt_desktop.model.adapters import new_flamingo
    from mmgpt_desktop.model.encoder import EfficientNetLite2

    words = byte_tokenizer(SPECIAL)
    torch.manual_seed(seed)
    model = new_flamingo(
        tiny_language(),
        EfficientNetLite2().eval(),
        cross_layers=LOOKS,
        reader_width=48,
        image_token_id=words.token_to_id("<repo_name>"),
        pointing_heads=((0, 0), (1, 1)),
    )
    # As `enlivened`, but for what a photo goes through first.
    for name, each in model.named_parameters():
        if each.ndim > 1 and not name.startswith(("encoder.", "reader.")):
            each.data *= 10
    # What it takes a photo for doesn't hang on a rounding.
    model.encoder.classifier.bias.data[:3] += torch.tensor([30.0, 20.0, 10.0])
    names = torch.randint(0, 200, model.get_buffer("names").shape)
    model.get_buffer("names").copy_(names)
    return model.eval()


def tiny_flamingo(path: Path, seed: int = 0) -> Path:
    pictures = {"size": 256, "mean": 127.0, "std": 128.0, "max_aspect": 2.0}
    words = byte_tokenizer(SPECIAL)
    model = tiny_model(seed)
    return save_checkpoint(path, model, words, None, image_processor=pictures, tokens=NAMED)


TINY = {"mmgpt_flamingo": tiny_flamingo}
