"""Files that are written whole: what stood there stays until the new one is."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from mmgpt_desktop.errors import AppError, NotKept
from mmgpt_desktop.text import reason_of, safe_name

_BEGIN, _END = ".mmgpt-", ".part"
_OLDER = ".settings-*"  # what earlier versions called those of the settings
_LEFT = (f"{_BEGIN}*{_END}", _OLDER, ".attention-*", ".teaching-*")
_FORGOTTEN_S = 3600.0
_MODE = 0o666  # less what the system's mask takes away
_PRIVATE_MODE = 0o600


def write(path: Path, data: bytes, *, private: bool = False) -> None:
    """All of it or nothing. Raises AppError. `private`: nobody else on the computer reads it."""
    with replacing(path, private=private) as unfinished:
        unfinished.write_bytes(data)


def write_json(path: Path, data: object, *, private: bool = False) -> None:
    """As `write`; ASCII, so that half a letter in a name is kept, too."""
    write(path, f"{json.dumps(data, indent=1)}\n".encode(), private=private)


@contextlib.contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A file beside `path` that takes its place once it is written. Raises AppError."""
    try:
        with beside(path, private=private) as unfinished:
            yield unfinished
    except (OSError, ValueError) as error:  # ValueError: NUL in path
        title = "The file {name} can't be written ({reason})."
        reason, name = reason_of(error), safe_name(path.name)
        raise AppError(title, "Choose another place.", name=name, reason=reason) from error


@contextlib.contextmanager
def beside(path: Path, *, private: bool = False) -> Iterator[Path]:
    """As `replacing`, but raises what the system does.

    The file has a name of its own, so that none of the user's is lost to it. Who is killed
    meanwhile leaves it behind: see `sweep`.
    """
    place = Path(os.path.realpath(path))  # a link stays one, and leads to the new file
    unfinished = place.with_name(f"{_BEGIN}{secrets.token_hex(6)}{_END}")
    try:
        mode = _PRIVATE_MODE if private else _MODE
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield unfinished
        if not private and place.exists():
            unfinished.chmod(stat.S_IMODE(place.stat().st_mode))
        _sync(unfinished)
        unfinished.replace(place)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def not_kept(error: OSError | AppError) -> NotKept:
    """Where the home folder can't be written, or is full: said once, and nothing else breaks."""
    said = reason_of(error)
    if isinstance(error, AppError):
        said = str(error.values.get("reason", error.title))
    failure = NotKept(
        "This program can't write its own files ({reason}).",
        "Settings, the list of recent sessions and what nobody saved are forgotten when it ends. "
        "Save what you want to keep.",
        reason=said.rstrip("."),
    )
    failure.__cause__ = error
    return failure


def sweep(folder: Path) -> None:
    """Delete what killed programs left half written in one of our folders. Never raises."""
    with contextlib.suppress(OSError):
        for path in [path for pattern in _LEFT for path in folder.glob(pattern)]:
            forgotten = time.time() - path.lstat().st_mtime > _FORGOTTEN_S
            if path.is_dir() and not path.is_symlink():
                if forgotten:
                    shutil.rmtree(path, ignore_errors=True)
            elif forgotten or path.match(_OLDER):
                path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Else a power cut could leave the new name and none of its bytes."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
