"""A transformers checkpoint as a folder of ONNX graphs that the app opens by itself."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from mmgpt_desktop import __version__
from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.embedded import FACTS
from mmgpt_desktop.engine.checkpoint_engine import ALL_HEADS, CheckpointEngine
from mmgpt_desktop.engine.families.registry import family_class, family_of
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.engine.folder.layouts import CARD, FORMAT, PROMPT
from mmgpt_desktop.engine.folder.model_files import MANIFEST
from mmgpt_desktop.engine.folder.recognise import PUBLIC
from mmgpt_desktop.engine.folder.work_folder import work_folder
from mmgpt_desktop.engine.scenes import compose
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.export.decoder_graph import build_decoder, embeddings_of
from mmgpt_desktop.export.decoder_spec import DecoderSpec, read_spec
from mmgpt_desktop.export.linear import Precision, linears_for, prompt_linears_for
from mmgpt_desktop.export.smaller_encoder import halve, quantise
from mmgpt_desktop.export.weights import DecoderWeights, SafetensorsWeights
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.writing import write_json

VISION, EMBEDDINGS, DECODER = "vision_encoder.onnx", "embed_tokens.safetensors", "decoder.onnx"
_COPIED = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    FACTS,
)
_SIZES = ("layers", "heads", "kv_heads", "head_dim", "width", "vocabulary", "context_length")


def export(path: Path, out: Path, precision: Precision, progress: Progress) -> dict[str, int]:
    """Write the checkpoint at `path` into the new folder `out`; on failure nothing stays there.
    Returns the bytes of each file.

    Raises BundleError for what can't be exported, RuntimeFailure where the exporter breaks.
    """
    checkpoint = open_checkpoint(path)
    family = family_of(checkpoint)
    spec = _read_spec(checkpoint)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        title = "The folder {path} is not empty."
        raise AppError(title, "Name a new folder for the export.", path=safe_name(str(out)))
    with work_folder(out.parent) as work:
        beside = work / out.name
        beside.mkdir()
        _copy_settings(checkpoint, beside)
        progress(0.05, "Exporting the language model")
        _write_decoder(spec, checkpoint, beside, precision)
        progress(0.5, "Exporting the image encoder")
        _write_vision(checkpoint, family, beside / VISION, precision)
        progress(0.8, "Writing the manifest")
        sizes = _write_manifest(checkpoint, spec, beside, precision)
        if out.exists():
            out.rmdir()
        beside.rename(out)
    return sizes


def read_config(folder: Path) -> Any:
    """config.json, with what it leaves to the defaults of its kind."""
    from transformers import AutoConfig

    from mmgpt_desktop.model.looking_llama import register

    register()
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _read_spec(checkpoint: Checkpoint) -> DecoderSpec:
    family = family_class(checkpoint.model_type)
    config = read_config(checkpoint.path)
    text = config.get_text_config(decoder=True).to_dict()
    vision = getattr(config, "vision_config", None)
    deep = getattr(vision, "deepstack_visual_indexes", ())
    return replace(
        read_spec(text),
        deepstack=len(deep),
        blocks=family.outside_blocks is not None,
        windows_cut_blocks=family.windows_cut_blocks,
    )


def _copy_settings(checkpoint: Checkpoint, folder: Path) -> None:
    for name in _COPIED:
        if (checkpoint.path / name).is_file():
            shutil.copyfile(checkpoint.path / name, folder / name)


def _write_decoder(
    spec: DecoderSpec, checkpoint: Checkpoint, folder: Path, precision: Precision
) -> None:
    weights = DecoderWeights(SafetensorsWeights(checkpoint.weights), spec.kind.tensors)
    build_decoder(spec, weights, folder / DECODER, linears_for(precision), card=folder / CARD)
    quick = prompt_linears_for(precision)
    if quick:
        build_decoder(spec, weights, folder / PROMPT, quick, cache_only=True)
    table = embeddings_of(spec, weights)
    kind = np.float32 if precision is Precision.FP32 else np.float16
    save_file({"model.embed_tokens.weight": table.astype(kind)}, folder / EMBEDDINGS)


def _write_vision(checkpoint: Checkpoint, family: Any, path: Path, precision: Precision) -> None:
    from mmgpt_desktop.export.vision import export_vision

    export_vision(checkpoint, family, path)
    if precision is Precision.FP16:
        halve(path)
    elif precision is not Precision.FP32:
        quantise(path)


def _write_manifest(
    checkpoint: Checkpoint, spec: DecoderSpec, folder: Path, precision: Precision
) -> dict[str, int]:
    files = {file.name: file for file in sorted(folder.iterdir())}
    sizes = {name: file.stat().st_size for name, file in files.items()}
    manifest = {
        "format": FORMAT,
        "kind": PUBLIC,
        "model_type": checkpoint.model_type,
        "name": checkpoint.name,
        "version": __version__,
        "precision": precision.value,
        "files": {name: file_entry(file) for name, file in files.items()},
        "decoder": {name: getattr(spec, name) for name in _SIZES},
        "attention": {"heads": [], "how": ALL_HEADS.stored()},
    }
    write_json(folder / MANIFEST, manifest)
    mode = (folder / MANIFEST).stat().st_mode
    for file in files.values():  # some libraries make theirs so that nobody else may read them
        file.chmod(stat.S_IMODE(mode))
    return sizes


def choose_heads(folder: Path, scenes: int, progress: Progress) -> Note:
    """Find out which heads of an export tell most, and write it into its manifest: how they
    were chosen. Raises AppError."""
    engine = CheckpointEngine(folder, RuntimeName.ONNX_CPU)
    engine.load()
    chosen = "Looking which heads tell most"
    report = engine.score_heads(
        map(compose, range(scenes)),
        CancelToken(),
        lambda done: progress(0.8 + 0.1 * done / scenes, chosen),
    )
    engine.close()
    choice = report.choice()
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["attention"] = {
        "heads": [list(pair) for pair in choice.heads],
        "how": choice.how.stored(),
    }
    write_json(folder / MANIFEST, manifest)
    return choice.how
