"""Whether a session's file is still as it was left here: another window may have it open, too."""

from __future__ import annotations

from pathlib import Path

from mmgpt_desktop.errors import SessionError
from mmgpt_desktop.text import safe_name

_CLOCKS_DIFFER_S = 2.0  # some file systems and servers round the time of a change
_Stamp = tuple[int, float]


class ChangedMeanwhile(SessionError):
    """A file that somebody else has written since."""


class Witness:
    """Remembers files as they were read or written here last. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Stamp | None] = {}

    def note(self, path: Path) -> None:
        self._seen[path] = _stamp(path)

    def check(self, path: Path) -> None:
        """Raises ChangedMeanwhile; nothing where the file was never seen here, or is gone."""
        seen, now = self._seen.get(path), _stamp(path)
        if seen is None or now is None:
            return
        if seen[0] != now[0] or abs(seen[1] - now[1]) > _CLOCKS_DIFFER_S:
            title = "{name} was changed by another window or program since it was opened here."
            hint = "Save this session under another name, or replace what is there."
            raise ChangedMeanwhile(title, hint, name=safe_name(path.name))


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime
