"""Folders with models that the user has already."""

from __future__ import annotations

from pathlib import Path

from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.folder.layouts import find_graphs, is_graphs
from mmgpt_desktop.engine.folder.recognise import manifest_kind, model_folder


def check_folder(path: Path) -> None:
    """Whether the app could open what lies there, as far as a look at it tells.

    Raises BundleError with the reason why not. Takes seconds for a large tokenizer.
    """
    path = model_folder(path)
    if manifest_kind(path) == "bundle":
        open_bundle(path)
    elif is_graphs(path):
        family_of(read_checkpoint(path))
        find_graphs(path)
    else:
        family_of(open_checkpoint(path))
