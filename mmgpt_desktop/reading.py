"""The one way to read a small file that anybody may have changed."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any


class NotSmall(ValueError):
    """A file that is larger than any of its kind."""


def read_small(path: Path, most: int) -> bytes:
    """A whole file of at most `most` bytes. Raises NotSmall, and OSError for what is no
    ordinary file: opening a pipe would wait for ever, and a device has no end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not an ordinary file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if max(len(data), status.st_size) > most:
        raise NotSmall("it is too large")
    return data


def read_json(path: Path, most: int) -> Any:
    """As `read_small`; raises ValueError for what is no JSON or has no end."""
    text = read_small(path, most).decode("utf-8-sig")  # Notepad's mark, too
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("its brackets are too deep") from error
