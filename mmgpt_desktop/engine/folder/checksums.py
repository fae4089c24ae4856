"""Are a model's files those that were written?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.model_files import ANOTHER, unreadable
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

_CHUNK = 1 << 20


def verify(
    folder: Path,
    sums: Mapping[str, str],
    progress: Callable[[float], None],
    cancel: CancelToken,
) -> None:
    """Compare the SHA-256 sums of files, by name; `progress` gets fractions, 0 to 1.

    Raises BundleError for a file that differs or can't be read, and Cancelled.
    """
    total, done = sum(_size(folder / name) for name in sums), 0
    for name, expected in sums.items():
        digest = hashlib.sha256()
        for chunk in _chunks(folder / name):
            cancel.raise_if_cancelled()
            digest.update(chunk)
            done += len(chunk)
            progress(min(1.0, done / max(1, total)))
        if digest.hexdigest() != expected.lower():
            title = "The model's file {name} was changed: its checksum differs."
            raise BundleError(title, ANOTHER, name=safe_name(name))


def file_entry(path: Path) -> dict[str, str | int]:
    """What a manifest says of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise unreadable(path.name, error) from error
