"""Typed settings: defaults here, and a sparse JSON file with what the user changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, cast

import platformdirs

from mmgpt_desktop.decoding import DataDecoder, between
from mmgpt_desktop.reading import read_json
from mmgpt_desktop.writing import beside, sweep

_MOST_BYTES = 1_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """`theme` is system, light, dark or contrast; `language` empty means the system's.

    `geometry` and `splitters` are Qt's own bytes in base64. `fusion` empty means the model's.
    `underline` is what a word's underline tells: needed (its verdict) or sure (its probability).
    `details` shows figures, layers and heads.
    `autosave` keeps sessions that nobody saved. With `still` nothing moves by itself.
    `model` is the folder of the one chosen, or its name if it came with the app, empty for the one
    that answers first; `model_folders` are those that the user added; `speeds` the tokens a second
    of each folder's last answer here.
    """

    theme: str = "system"
    language: str = ""
    geometry: str = ""
    splitters: tuple[str, ...] = ()
    colour_map: str = "inferno"
    opacity: Annotated[float, between(0, 1)] = 0.6
    smooth: bool = True
    contours: bool = False
    same_scale: bool = False
    underline: str = "needed"
    details: bool = False
    fusion: str = ""
    last_folder: str = ""
    autosave: bool = True
    still: bool = False
    tour_seen: bool = False
    model: str = ""
    model_folders: tuple[str, ...] = ()
    speeds: Mapping[str, Annotated[float, between(0, 1e15)]] = field(default_factory=dict)


def settings_path() -> Path:
    return platformdirs.user_config_path("mmgpt-desktop", appauthor=False) / "settings.json"


def data_path() -> Path:
    """Where sessions are kept that nobody saved, and models that were made here."""
    return platformdirs.user_data_path("mmgpt-desktop", appauthor=False)


def cache_path() -> Path:
    """Where that is kept which can be made again."""
    return platformdirs.user_cache_path("mmgpt-desktop", appauthor=False)


def load_settings(path: Path) -> Settings:
    """The defaults with the file's overrides, less those that no value of theirs can be; a
    damaged file is kept aside and ignored.

    Raises nothing, whatever the file holds.
    """
    try:
        stored = read_json(path, _MOST_BYTES)
        return cast(Settings, DataDecoder(lenient=True).decode(Settings, stored))
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.warning("settings can't be read: %s", error)
    except (ValueError, MemoryError) as error:
        _log.warning("settings are damaged, kept as %s.damaged: %s", path.name, error)
        _keep_damaged(path)
    return Settings()


def save_settings(path: Path, settings: Settings) -> None:
    """Write what differs from the defaults; the file is replaced in one step. Raises OSError."""
    defaults = asdict(Settings())
    changed = {key: value for key, value in asdict(settings).items() if value != defaults[key]}
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    with beside(path, private=True) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        json.dump(changed, file, indent=2)  # ASCII: a folder's name may be no Unicode


def _keep_damaged(path: Path) -> None:
    try:
        path.replace(path.with_name(path.name + ".damaged"))
    except OSError as error:
        _log.warning("the damaged settings could not be kept: %s", error)
