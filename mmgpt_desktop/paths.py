"""Paths as people and other programs give them. Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path
from urllib.parse import unquote_to_bytes

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):(?://([^/]*))?(/.*)", re.IGNORECASE | re.DOTALL)
_HERE = ("", "localhost", "localhost.localdomain", "127.0.0.1", "[::1]")


def path_said(text: str) -> Path:
    """A path as it is typed, pasted or written into a file: also `~/photo.jpg` where no shell has
    seen it, and `file:///photo.jpg`, as browsers and file managers copy it.

    A file whose name looks like one of these is that file.
    """
    path = Path(text)
    if _is_there(path):
        return path
    if path.parts[:1] == ("~",):
        with contextlib.suppress(RuntimeError):  # there is no home folder
            return path.expanduser()
    return file_here(text) or path


def address_parts(text: str) -> tuple[str, str, str]:
    """The scheme in small letters, the host with a user before it, the path as it is written;
    all empty where `text` is no address of a file, here or elsewhere."""
    found = _ADDRESS.fullmatch(text)
    return (found[1].lower(), found[2] or "", found[3]) if found else ("", "", "")


def file_here(address: str) -> Path | None:
    """The file of a `file:` address, whatever bytes its name has; None for another computer's,
    but for Windows, which opens those too."""
    scheme, host, path = address_parts(address)
    if scheme != "file" or not path:
        return None
    name = decoded_path(path)
    if host.lower() in (*_HERE, *_own_names()):
        return Path(name.lstrip("/") if os.name == "nt" else name)
    return Path(f"//{host}{name}") if os.name == "nt" else None


def decoded_path(path: str) -> str:
    """Of an address, in the file system's own bytes."""
    return os.fsdecode(unquote_to_bytes(path))


def _own_names() -> tuple[str, str]:
    """Asks nobody: the name that the computer was given."""
    name = socket.gethostname().lower()
    return name, name.partition(".")[0]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
