"""Looks into a model's folder warily: whoever made its files is a stranger.

What is wrong with them is a BundleError, and to get the model again its remedy (`ANOTHER`): only
what comes with the app is mended by installing or preparing that again (`remedy_for`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from mmgpt_desktop.decoding import Mistake
from mmgpt_desktop.embedded import models_here
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.note import Note
from mmgpt_desktop.reading import NotSmall, read_small
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import reason_of, safe_name

JSON_LIMIT = 16 << 20  # bytes of a settings file; the longest known index has 9 MB
_POINTER_LIMIT = 1024  # by Git LFS's specification
_POINTER = re.compile(rb"version https?://[\w.-]+/spec/v\d|(\S*/)?\.git/annex/|/annex/objects/")
_PAGE = re.compile(rb"\s*<(!doctype html|html|\?xml|error)\b", re.IGNORECASE)
_LEADS_AWAY = re.compile(r"[/\\:\0]")
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")

CONFIG, MANIFEST, TOKENIZER = "config.json", "manifest.json", "tokenizer.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PIPELINE = "model_index.json"  # of diffusers

ANOTHER = "Download the model again, or choose another one."
_REINSTALL = Note("Install the app again, or choose another model folder.")
_PREPARE = Note("`mmgpt-desktop prepare --anew` puts it together again.")


@contextmanager
def remedy_for(folder: Path) -> Iterator[None]:
    """Errors in here have the remedy that fits the folder."""
    try:
        yield
    except AppError as error:
        if error.hint_template == ANOTHER and ships(folder):
            error.hint_template = _REINSTALL.template
        elif error.hint_template == ANOTHER and folder in models_here().values():
            error.hint_template = _PREPARE.template
        raise


def ships(folder: Path) -> bool:
    """Whether a model comes with the app, so that its files are as trusted as the app's."""
    try:
        return folder.resolve().is_relative_to(resource_path("models").resolve())
    except (OSError, ValueError):  # a name that can't be
        return False


def read_text(file: Path, limit: int = JSON_LIMIT) -> str:
    """Raises BundleError for what is no plain file of that many bytes at most, or no text."""
    name = safe_name(file.name)
    try:
        data = read_small(file, limit)
    except NotSmall as error:
        raise BundleError("The model's {name} is far too large.", ANOTHER, name=name) from error
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    refuse_stand_in(name, data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError("The model's {name} is not text.", ANOTHER, name=name) from error


def read_object(file: Path) -> dict[str, Any]:
    """A JSON object; raises as `read_text`."""
    name = safe_name(file.name)
    try:
        data = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise BundleError("The model's {name} is not JSON.", ANOTHER, name=name) from error
    if not isinstance(data, dict):
        raise BundleError("The model's {name} is not a JSON object.", ANOTHER, name=name)
    return data


def refuse_stand_in_file(file: Path) -> None:
    """As `refuse_stand_in`, by a file's beginning; what can't be read is left to others."""
    try:
        with file.open("rb") as stream:
            begun = stream.read(_POINTER_LIMIT)
    except (OSError, ValueError):
        return
    refuse_stand_in(file.name, begun)


def refuse_stand_in(name: str, begun: bytes) -> None:
    """Raises BundleError where a file's first bytes are something else in its place: a clone's
    pointer to it, or the page on which a site said why it can't be had."""
    shown = safe_name(name)
    if _POINTER.match(begun):
        title = "The model's {name} is not here yet: the file is only a Git LFS pointer to it."
        hint = "Run git lfs pull in the model's folder, or download the model again."
        raise BundleError(title, hint, name=shown)
    if _PAGE.match(begun):
        title = "The model's {name} is a web page and not the file itself."
        hint = "Download that file again, and look whether the site asks you to log in first."
        raise BundleError(title, hint, name=shown)


def refuse_other_weights(name: str, begun: bytes) -> None:
    """Raises BundleError where a file of weights is of another kind than its name says."""
    refuse_stand_in(name, begun)
    if begun.startswith(b"GGUF"):
        title = "The model's {name} is a GGUF file, for llama.cpp, whatever its name says."
        raise BundleError(title, ANOTHER, name=safe_name(name))
    if begun.startswith(_PICKLES):
        title = "The model's {name} may run a stranger's code (it is a pickle): it is never opened."
        hint = "Choose the same model with its weights as safetensors."
        raise BundleError(title, hint, name=safe_name(name))


def is_plain_name(name: str) -> bool:
    """Whether a name that a stranger wrote is that of a file in the same folder, on any system."""
    return name not in ("", ".", "..") and not _LEADS_AWAY.search(name)


def lies_inside(place: str, folder: Path) -> bool:
    """Whether a relative path stays in `folder`, through links too, except into the blobs of the
    hub's cache, which its folders link to."""
    posix, windows = PurePosixPath(place), PureWindowsPath(place)
    absolute = posix.is_absolute() or bool(windows.anchor)
    if not place or "\0" in place or absolute or ".." in (*posix.parts, *windows.parts):
        return False
    real, root = (folder / place).resolve(), folder.resolve()
    blobs = (above.parent / "blobs" for above in root.parents if above.name == "snapshots")
    return any(real.is_relative_to(home) for home in (root, *blobs))


def model_name(folder: Path) -> str:
    """What to call a model: its folder's name, or the repository's in huggingface_hub's cache
    ("models--owner--name/snapshots/<commit>")."""
    path = folder.absolute()
    if path.parent.name == "snapshots":
        return safe_name(path.parent.parent.name.rpartition("--")[2])
    return safe_name(path.name)


def require_file(folder: Path, name: str, size: int) -> None:
    """Raises BundleError unless what a manifest lists is a file of the folder, at its full length.

    Its name is looked at before anything of it.
    """
    if not (is_plain_name(name) and lies_inside(name, folder)):
        title = "The model's {name} names files outside its folder."
        raise BundleError(title, ANOTHER, name=MANIFEST)
    file = folder / name
    try:
        found = file.stat().st_size if file.is_file() else None
    except OSError as error:
        raise unreadable(name, error) from error
    if found is None:
        raise missing(name)
    if found != size:
        raise wrong_length(name, found, size)


def refuse_newer(version: int, known: int) -> None:
    """Raises BundleError for a manifest's format that a later version of the app writes."""
    if version > known:
        title = "This model was made for a newer version of MMGPT Desktop."
        raise BundleError(title, "Update the app, or choose another model folder.")


def bad_manifest(mistake: Mistake) -> BundleError:
    title = "The model's manifest.json can't be used: {mistake}"
    return BundleError(title, ANOTHER, mistake=mistake.note)


def missing(name: str) -> BundleError:
    return BundleError("The model's {name} is missing.", ANOTHER, name=safe_name(name))


def wrong_length(name: str, size: int, expected: int) -> BundleError:
    title = "The model's file {name} is cut short or too long: {size} bytes, not {expected}."
    return BundleError(title, ANOTHER, name=safe_name(name), size=size, expected=expected)


def unreadable(name: str, error: Exception) -> BundleError:
    title = "The model's {name} can't be read ({reason})."
    return BundleError(title, ANOTHER, name=safe_name(name), reason=reason_of(error))
