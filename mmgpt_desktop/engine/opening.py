"""Which engine opens a model's folder, by what lies in it."""

from __future__ import annotations

import json
from pathlib import Path

from mmgpt_desktop.engine.bundle import open_bundle
from mmgpt_desktop.engine.checkpoint import is_checkpoint, read_checkpoint
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.serving import EngineBase
from mmgpt_desktop.messages import RuntimeName

PUBLIC = "public"  # a manifest's "kind"


def open_engine(folder: Path, runtime: RuntimeName | None = None) -> EngineBase:
    """An engine to be loaded; what the folder lacks, its `load` says."""
    if is_public(folder):
        from mmgpt_desktop.engine.public import PublicEngine

        return PublicEngine(folder, runtime)
    from mmgpt_desktop.engine.engine import Engine

    return Engine(folder, runtime)


def fusions_of(folder: Path) -> tuple[str, ...]:
    """Of the folder's model, whose weights are not read. Raises AppError where there is none."""
    if is_public(folder):
        return (family_of(read_checkpoint(folder)).fusion,)
    return tuple(open_bundle(folder).manifest.fusions)


def is_public(folder: Path) -> bool:
    """A checkpoint or its export, and no bundle of our own."""
    try:
        data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return is_checkpoint(folder)
    return isinstance(data, dict) and data.get("kind") == PUBLIC
