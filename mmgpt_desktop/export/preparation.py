"""Puts mmgpt-small together on this computer: a checkpoint and its graphs, in one folder.

The language model is in a package of others; our own weights and the encoder ship with the app.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
from pathlib import Path

from mmgpt_desktop import embedded
from mmgpt_desktop.cancel import Progress
from mmgpt_desktop.embedded import PACKAGE, SMALL, language_file, own_weights, small_place
from mmgpt_desktop.engine.folder.model_files import MANIFEST, WEIGHTS, read_object
from mmgpt_desktop.engine.folder.work_folder import work_folder
from mmgpt_desktop.engine.pytorch import require_torch, torch_failures
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.resources import mini_path

USUAL = Precision.INT8
_ASSEMBLED = 0.4  # so much of the work is done then
_PREPARED = re.compile(SMALL + "-[0-9a-f]{16}")


def prepare_small(
    progress: Progress, precision: Precision | None = None, *, anew: bool = False
) -> Path:
    """The folder of mmgpt-small, made first where that is needed: `anew`, if it isn't here, or with
    another `precision` than is wanted. Older ones are removed.

    Takes a minute, most of it PyTorch's, which isn't imported where there is nothing to do. Raises
    AppError; nothing half made stays.
    """
    here = embedded.models_here().get(SMALL)
    if here is not None and not anew and precision in (None, precision_of(here)):
        return here
    place = small_place()
    language = _checked_language()
    with work_folder(place.parent) as work:
        made = work / place.name
        _make(language, work / "checkpoint" / SMALL, made / SMALL, precision or USUAL, progress)
        if place.exists():
            place.rename(work / "before")
        made.rename(place)
    _remove_others(place)
    return place / SMALL


def precision_of(folder: Path) -> Precision:
    """In which the graphs are. Raises BundleError."""
    return Precision(read_object(folder / MANIFEST)["precision"])


def _checked_language() -> Path:
    """Raises AppError unless it is there, and all that reads it."""
    language = language_file()
    require_torch()
    if importlib.util.find_spec("gguf") is None:
        title = "What reads the language model of mmgpt-small is missing: the package {name}."
        raise AppError(title, "Install the app's packages again.", name="gguf")
    with language.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != embedded.LANGUAGE_SHA256:
        title = "The language model in the package {name} was changed: its checksum differs."
        raise AppError(title, "Install that package again.", name=PACKAGE)
    return language


def _make(
    language: Path, checkpoint: Path, out: Path, precision: Precision, progress: Progress
) -> None:
    """Both in the folder `out`: settings and tokenizer are the same."""
    from mmgpt_desktop.engine.head_choice import SCENES
    from mmgpt_desktop.export.export_folder import choose_heads, export

    def rest(done: float, what: str) -> None:
        progress(_ASSEMBLED + (1 - _ASSEMBLED) * done, what)

    progress(0.0, "Reading the language model")
    hint = "mmgpt-mini answers meanwhile."
    with torch_failures("mmgpt-small could not be put together ({reason}).", hint):
        from mmgpt_desktop.model.assembly import assemble

        assemble(language, own_weights(), mini_path(), checkpoint)
    export(checkpoint, out, precision, rest)
    choose_heads(out, SCENES, rest)
    (checkpoint / WEIGHTS).rename(out / WEIGHTS)


def _remove_others(place: Path) -> None:
    for folder in place.parent.iterdir():
        if _PREPARED.fullmatch(folder.name) and folder != place and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
