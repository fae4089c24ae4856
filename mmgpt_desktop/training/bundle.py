"""Stage 6: a trained model as the folder that the app opens."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from mmgpt_desktop import __version__
from mmgpt_desktop.model import MMGPTForConditionalGeneration, MMGPTImageProcessor, MMGPTProcessor
from mmgpt_desktop.model.configuration import END, PAD, MMGPTConfig
from mmgpt_desktop.model.packing import load_packed, save_packed
from mmgpt_desktop.training.export import export
from mmgpt_desktop.training.heads import HeadScores

DESCRIPTION = (
    "Our own multimodal GPT: EfficientNet-Lite2 cells, read by a 20 million parameter decoder."
)
UNLISTED = {"manifest.json", "README.md"}
"""Files of a bundle that carry no checksum."""


def build_bundle(
    model: MMGPTForConditionalGeneration, tokenizer: Path, heads: HeadScores, bundle: Path
) -> None:
    """Write weights, tokenizer, configuration, graphs and manifest below `bundle`."""
    bundle.mkdir(parents=True, exist_ok=True)
    save_packed(model, bundle)
    processor(tokenizer).save_pretrained(bundle)
    shutil.copyfile(tokenizer, bundle / "tokenizer.json")
    packed = load_packed(bundle)
    export(packed, bundle)
    write_manifest(bundle, packed.config, heads)


def processor(tokenizer: Path) -> MMGPTProcessor:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(tokenizer)), pad_token=PAD, eos_token=END
    )
    return MMGPTProcessor(MMGPTImageProcessor(), fast)


def write_manifest(bundle: Path, config: MMGPTConfig, heads: HeadScores) -> None:
    spec = MMGPTImageProcessor().spec
    manifest = {
        "format": 1,
        "name": bundle.name,
        "family": config.model_type,
        "version": __version__,
        "description": DESCRIPTION,
        "files": {
            path.name: _entry(path)
            for path in sorted(bundle.iterdir())
            if path.name not in UNLISTED
        },
        "image": {
            "size": spec.size,
            "mean": spec.mean,
            "std": spec.std,
            "max_aspect": spec.max_aspect,
        },
        "grid": {"rows": config.grid_size, "columns": config.grid_size},
        "decoder": {
            "layers": config.num_hidden_layers,
            "heads": config.num_attention_heads,
            "head_dim": config.head_dim,
            "attention_layers": len(config.cross_attention_layers),
            "context_length": config.max_position_embeddings,
            "vocabulary": config.vocab_size,
        },
        "special_tokens": {
            "pad": config.pad_token_id,
            "user": config.user_token_id,
            "assistant": config.assistant_token_id,
            "end": config.eos_token_id,
        },
        "attention": {"heads": heads.best(), "how": heads.how()},
        "sampling": {"repetition_penalty": 1.2, "max_new_tokens": 64},
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (bundle / "manifest.json").write_text(text, encoding="utf-8")


def _entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
