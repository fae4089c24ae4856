"""Stage 8: a trained model as the folder that the app opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from mmgpt_desktop import __version__
from mmgpt_desktop.engine.folder.bundle import Certainty
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration, MMGPTImageProcessor, MMGPTProcessor
from mmgpt_desktop.model.configuration import END, PAD, MMGPTConfig
from mmgpt_desktop.model.packing import load_packed, save_packed
from mmgpt_desktop.question_kinds import BEYOND, QuestionKind
from mmgpt_desktop.training.calibrate import calibrate
from mmgpt_desktop.training.embedded_graphs import decoder_graph, encoder_graph, export
from mmgpt_desktop.training.head_scores import HeadScores, score_heads
from mmgpt_desktop.writing import write_json

FORMAT = 2
DESCRIPTION = (
    "Our own multimodal GPT: EfficientNet-Lite2 cells, read by a decoder of 24 million parameters."
)
MANIFEST = "manifest.json"
UNLISTED = {MANIFEST, "README.md"}
"""Files of a bundle that carry no checksum."""


def pack(
    data: Path,
    work: Path,
    bundle: Path,
    fusion: str | None = None,
    model: Path | None = None,
    never_seen: bool = False,
) -> None:
    """Make a bundle of a trained model: by default that of the last stage. Says what it found."""
    trained = load_trained(model or _last_model(work), fusion)
    heads = {name: score_heads(data, work, trained, name) for name in trained.config.fusions}
    for name, scores in heads.items():
        print(f"{name}: {scores.how()}")
    found = calibrate(data, work, trained, never_seen=never_seen)
    print(found.how())
    build_bundle(trained, work / "tokenizer.json", heads, found.certainty, bundle)


def _last_model(work: Path) -> Path:
    rewarded = work / "rewarded"
    return rewarded if rewarded.is_dir() else work / "model"


def fit_again(data: Path, work: Path, bundle: Path, never_seen: bool = False) -> str:
    """Fit the certainty of a bundle's answers anew; its other files stay as they are."""
    found = calibrate(data, work, load_packed(bundle), never_seen=never_seen)
    change_manifest(bundle, certainty=asdict(found.certainty))
    return found.how()


def load_trained(folder: Path, fusion: str | None) -> MMGPTForConditionalGeneration:
    """A trained model with this default fusion. Raises AppError if it was not trained for it."""
    model = MMGPTForConditionalGeneration.from_pretrained(folder)
    model.eval()
    if fusion is not None and fusion not in model.config.fusions:
        hint = "It has " + ", ".join(model.config.fusions) + "."
        raise AppError("The model has no fusion {name}.", hint, name=fusion)
    model.config.fusion = fusion or model.config.fusion
    if model.config.tuned:
        model.config.tuning = 0.0  # it learns no more
    return model


def build_bundle(
    model: MMGPTForConditionalGeneration,
    tokenizer: Path,
    heads: Mapping[str, HeadScores],
    certainty: Certainty,
    bundle: Path,
) -> None:
    """Write weights, tokenizer, configuration, graphs and manifest below `bundle`.

    `heads` has each of the model's fusions; its configuration names the default one.
    """
    bundle.mkdir(parents=True, exist_ok=True)
    save_packed(model, bundle)
    processor(tokenizer).save_pretrained(bundle)
    shutil.copyfile(tokenizer, bundle / "tokenizer.json")
    for graph in bundle.glob("*.onnx"):  # an earlier build's, of other fusions perhaps
        graph.unlink()
    packed = load_packed(bundle)
    export(packed, bundle)
    write_manifest(bundle, packed.config, heads, certainty)


def export_again(bundle: Path) -> None:
    """Write a bundle's graphs anew from its own weights, which stay as they are."""
    export(load_packed(bundle), bundle)
    change_manifest(bundle)


def change_manifest(bundle: Path, **changes: Any) -> None:
    """Put these into a bundle's manifest, and what its files are now."""
    path = bundle / MANIFEST
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) | changes
    manifest["files"] = {name: file_entry(bundle / name) for name in manifest["files"]}
    write_json(path, manifest)


def processor(tokenizer: Path) -> MMGPTProcessor:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(tokenizer)), pad_token=PAD, eos_token=END
    )
    return MMGPTProcessor(MMGPTImageProcessor(), fast)


def write_manifest(
    bundle: Path, config: MMGPTConfig, heads: Mapping[str, HeadScores], certainty: Certainty
) -> None:
    spec = MMGPTImageProcessor(size=16 * config.grid_size).spec
    files = [path for path in sorted(bundle.iterdir()) if path.name not in UNLISTED]
    manifest = {
        "format": FORMAT,
        "name": bundle.name,
        "family": config.model_type,
        "version": __version__,
        "description": DESCRIPTION,
        "languages": list(config.languages),
        "files": {path.name: file_entry(path) for path in files},
        "image": {
            "size": spec.size,
            "mean": spec.mean,
            "std": spec.std,
            "max_aspect": spec.max_aspect,
        },
        "decoder": {
            "layers": config.num_hidden_layers,
            "heads": config.num_attention_heads,
            "head_dim": config.head_dim,
            "context_length": config.max_position_embeddings,
            "vocabulary": config.vocab_size,
        },
        "fusion": config.fusion,
        "fusions": {name: _fusion(name, config, heads[name]) for name in config.fusions},
        "special_tokens": {
            "pad": config.pad_token_id,
            "user": config.user_token_id,
            "assistant": config.assistant_token_id,
            "end": config.eos_token_id,
        },
        # No repetition penalty: names have a token twice, as 狒狒 has, and could not be copied.
        "sampling": {"repetition_penalty": 1.0, "max_new_tokens": 64},
        "certainty": asdict(certainty),
        "beyond": sorted(beyond(config)),
    }
    write_json(bundle / MANIFEST, manifest)


def beyond(config: MMGPTConfig) -> frozenset[QuestionKind]:
    """Kinds of questions to which the model has no answer."""
    return BEYOND - {QuestionKind.TRANSLATE} if config.translates else BEYOND


def _fusion(name: str, config: MMGPTConfig, heads: HeadScores) -> dict[str, Any]:
    side = config.grid_of(name)
    return {
        "image_encoder": encoder_graph(name),
        "decoder": decoder_graph(name),
        "grid": {"rows": side, "columns": side},
        "image_layers": len(config.image_layers(name)),
        "attention": {"heads": heads.best(), "how": heads.how().stored()},
    }
