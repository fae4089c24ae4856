"""Which engine opens a model's folder, by what lies in it."""

from __future__ import annotations

from pathlib import Path

from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.engine.folder.recognise import manifest_kind, model_folder
from mmgpt_desktop.messages import RuntimeName


def open_engine(folder: Path, runtime: RuntimeName | None = None) -> EngineBase:
    """An engine to be loaded; what the model lacks, its `load` says. Raises BundleError for a
    folder that holds none."""
    place = model_folder(folder)
    if is_checkpoint(place):
        from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine

        return CheckpointEngine(place, runtime)
    from mmgpt_desktop.engine.bundle_engine import BundleEngine

    return BundleEngine(place, runtime)


def fusions_of(folder: Path) -> tuple[str, ...]:
    """Of the folder's model, whose weights are not read. Raises AppError where there is none."""
    place = model_folder(folder)
    if is_checkpoint(place):
        return (family_of(read_checkpoint(place)).fusion,)
    return tuple(open_bundle(place).manifest.fusions)


def is_checkpoint(folder: Path) -> bool:
    """A checkpoint or its export, and no bundle of our own. Raises BundleError for no model."""
    return manifest_kind(model_folder(folder)) != "bundle"
