"""Typed settings: defaults here, and a sparse JSON file with what the user changed."""

from __future__ import annotations

import json
import logging
import math
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import platformdirs

from mmgpt_desktop.writing import beside, sweep

_MOST_BYTES = 1_000_000
_LARGEST = 1e15

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """`theme` is system, light, dark or contrast; `language` empty means the system's.

    `geometry` and `splitters` are Qt's own bytes in base64. `fusion` empty means the model's.
    `underline` is what a word's underline tells: needed (its verdict) or sure (its probability).
    `details` shows figures, layers and heads.
    `autosave` keeps sessions that nobody saved. With `still` nothing moves by itself.
    `model` is the folder of the one chosen, empty for the one that ships; `model_folders` are
    those that the user added; `speeds` the tokens a second of each folder's last answer here.
    """

    theme: str = "system"
    language: str = ""
    geometry: str = ""
    splitters: tuple[str, ...] = ()
    colour_map: str = "inferno"
    opacity: float = 0.6
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
    speeds: Mapping[str, float] = field(default_factory=dict)


def settings_path() -> Path:
    return platformdirs.user_config_path("mmgpt-desktop", appauthor=False) / "settings.json"


def data_path() -> Path:
    """Where sessions are kept that nobody saved."""
    return platformdirs.user_data_path("mmgpt-desktop", appauthor=False)


def load_settings(path: Path) -> Settings:
    """The defaults with the file's overrides; a damaged file is kept aside and ignored.

    Raises nothing, whatever the file holds.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise OSError("not an ordinary file")
        if status.st_size > _MOST_BYTES:
            raise ValueError("far too large")
        stored = json.loads(path.read_text(encoding="utf-8-sig"))  # Notepad's mark, too
        if not isinstance(stored, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        _log.warning("settings can't be read: %s", error)
        return Settings()
    except (ValueError, RecursionError, MemoryError) as error:
        _log.warning("settings are damaged, kept as %s.damaged: %s", path.name, error)
        _keep_damaged(path)
        return Settings()
    return Settings(**_valid(stored))


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


def _valid(stored: dict[str, Any]) -> dict[str, Any]:
    """The known keys whose values have their default's type; the others are left out."""
    values: dict[str, Any] = {}
    for name, default in asdict(Settings()).items():
        value = stored.get(name)
        if isinstance(default, tuple):
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                values[name] = tuple(value)
        elif isinstance(default, dict):
            if isinstance(value, dict):
                values[name] = {key: float(each) for key, each in value.items() if _number(each)}
        elif isinstance(default, float):
            if _number(value):
                values[name] = float(value)
        elif type(value) is type(default):
            values[name] = value
    return values


def _number(value: object) -> TypeGuard[float]:
    """One that a float can hold; JSON has no bounds, and Python's knows NaN and infinity."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < _LARGEST and math.isfinite(value)
