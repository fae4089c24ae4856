"""Folders with models that the user has already."""

from __future__ import annotations

import json
from pathlib import Path

from mmgpt_desktop.engine.bundle import open_bundle
from mmgpt_desktop.engine.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.families.registry import family_of


def check_folder(path: Path) -> None:
    """Whether the app could open what lies there, as far as a look at it tells.

    Raises BundleError with the reason why not. Takes seconds for a large tokenizer.
    """
    if _is_ours(path):
        open_bundle(path)
    elif any(path.glob("**/*.onnx")):
        family_of(read_checkpoint(path))
    else:
        family_of(open_checkpoint(path))


def _is_ours(path: Path) -> bool:
    """A bundle of our own model: its manifest says nothing of another kind."""
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") != "public"
