"""Idefics' checkpoint, tiny and random."""

from __future__ import annotations

from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

from tests.families.checkpoints import enlivened, save_checkpoint

LATENTS = 6
SPECIAL = ("<unk>", "<s>", "</s>")
ADDED = ("<fake_token_around_image>", "<image>", "<end_of_utterance>")


def tokenizer(*, instructed: bool = True) -> Tokenizer:
    """Llama's kind: SentencePiece's BPE with bytes to fall back on."""
    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"]
    pieces += map(chr, range(33, 127))
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    model = models.BPE(
        vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True, fuse_unk=True
    )
    made = Tokenizer(model)
    spaces = [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    made.normalizer = normalizers.Sequence(spaces)
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    added = ADDED if instructed else ADDED[:2]
    made.add_special_tokens([AddedToken(each, normalized=False) for each in (*SPECIAL, *added)])
    return made


def tiny_idefics(path: Path, *, resampler: bool = True, seed: int = 0) -> Path:
    """A picture of 28 x 28 pixels, 4 x 4 patches; cross-attention before every second layer."""
    import torch
    from transformers import IdeficsConfig, IdeficsForVisionText2Text

    words = tokenizer()
    plain = words.get_vocab_size() - len(ADDED)
    vision = {
        "embed_dim": 32,
        "image_size": 28,
        "patch_size": 7,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
    }
    perceiver = {
        "use_resampler": resampler,
        "resampler_n_latents": LATENTS,
        "resampler_depth": 2,
        "resampler_n_heads": 2,
        "resampler_head_dim": 8,
        "qk_layer_norms_perceiver": True,
    }
    torch.manual_seed(seed)
    config = IdeficsConfig(
        vocab_size=plain,
        additional_vocab_size=len(ADDED),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,  # as wide as ONNX Runtime's operator takes them
        cross_layer_interval=2,
        alpha_initializer="ones",
        alpha_type="vector",
        qk_layer_norms=True,
        use_resampler=resampler,
        max_position_embeddings=512,
        vision_config=vision,
        perceiver_config=perceiver,
    )
    pictures = {"image_processor_type": "IdeficsImageProcessor", "image_size": 28}
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>"}
    model = IdeficsForVisionText2Text(config)
    return save_checkpoint(path, model, words, None, image_processor=pictures, tokens=tokens)


TINY = {"idefics": enlivened(tiny_idefics)}
