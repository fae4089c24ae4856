"""Kosmos-2's checkpoint, tiny and random."""

from __future__ import annotations

from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.families.checkpoints import enlivened, save_checkpoint

LATENTS = 6
SIDE = 32  # places on the photo, a side: as many as the true model has
TAGS = (
    *("</doc>", "<image>", "</image>", "</chunk>", "</line>", "<phrase>", "</phrase>"),
    *("<object>", "</object>", "</delimiter_of_multi_objects/>", "<grounding>"),
    *(f"<patch_index_{place:04d}>" for place in range(SIDE * SIDE)),
)


def tokenizer() -> Tokenizer:
    """SentencePiece's unigram model with XLM-RoBERTa's first tokens, tags added behind it."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = ["\u2581", *map(chr, range(33, 127)), "\u2581An", "\u2581image", "\u2581of"]
    scored = [*((each, 0.0) for each in special), *((each, -float(len(each))) for each in pieces)]
    made = Tokenizer(models.Unigram(scored, unk_id=3, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.add_special_tokens([AddedToken(each, normalized=False) for each in special])
    made.add_tokens([AddedToken(each, lstrip=True, normalized=False) for each in TAGS])
    return made


def tiny_kosmos2(path: Path, seed: int = 0) -> Path:
    """A picture of 28 x 28 pixels, 4 x 4 patches."""
    import torch
    from transformers import Kosmos2Config, Kosmos2ForConditionalGeneration

    text = {
        "vocab_size": tokenizer().get_vocab_size(),
        "embed_dim": 32,
        "layers": 2,
        "ffn_dim": 48,
        "attention_heads": 4,
        "max_position_embeddings": 512,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 7,
    }
    torch.manual_seed(seed)
    config = Kosmos2Config(text_config=text, vision_config=vision, latent_query_num=LATENTS)
    pictures = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"height": 28, "width": 28},
        "crop_size": {"height": 28, "width": 28},
        "do_center_crop": True,
        "resample": 3,
    }
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    model = Kosmos2ForConditionalGeneration(config)
    return save_checkpoint(path, model, tokenizer(), None, image_processor=pictures, tokens=tokens)


TINY = {"kosmos-2": enlivened(tiny_kosmos2)}
