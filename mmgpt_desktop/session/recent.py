"""Which sessions there were lately, and what was said in them: one small file."""

from __future__ import annotations

import contextlib
import logging
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mmgpt_desktop.decoding import DataDecoder
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.reading import read_json
from mmgpt_desktop.session.session_record import Session
from mmgpt_desktop.writing import not_kept, sweep, write_json

MOST = 50
_MOST_TEXT = 20_000
_MOST_BYTES = 32 << 20  # all of these texts with each letter as \uXXXX are 12 MB

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecentSession:
    """`saved` is in seconds since 1970; `text` is what a search looks through."""

    path: str
    saved: float
    pictures: int
    questions: int
    text: str
    kept: bool = False  # by the program itself: nobody chose the file

    @property
    def name(self) -> str:
        return Path(self.path).stem

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def describe(session: Session, path: Path, *, kept: bool = False) -> RecentSession:
    turns = [turn for each in session.conversations for turn in each.turns]
    photos = [each.photo for each in session.conversations if each.photo is not None]
    said = [line for turn in turns for line in (turn.question, turn.answer.strip())]
    text = "\n".join([*said, *(photo.name for photo in photos), session.draft]).strip()
    now = datetime.now(UTC).timestamp()
    return RecentSession(str(path), now, len(photos), len(turns), text[:_MOST_TEXT], kept)


def matches(entry: RecentSession, search: str) -> bool:
    """All words of the search occur, in any order and case, and however they are composed: macOS
    writes an accent in a file's name as a sign of its own, a Chinese keyboard wide letters."""
    found_in = _folded(f"{'' if entry.kept else entry.name}\n{entry.text}")
    return all(word in found_in for word in _folded(search).split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def read_recent(file: Path) -> tuple[RecentSession, ...]:
    """The newest first, whatever the clock said when they were saved; a damaged file counts as
    none."""
    entries: tuple[RecentSession, ...]
    try:
        entries = DataDecoder().decode(tuple[RecentSession, ...], read_json(file, _MOST_BYTES))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        _log.warning("the list of recent sessions can't be read: %s", error)
        return ()
    return entries


def remember(file: Path, entry: RecentSession) -> None:
    """Raises NotKept."""
    _write(file, (entry, *_without(file, entry.path))[:MOST])


def forget(file: Path, path: str) -> None:
    """A session that the program kept is deleted, one that a person saved stays.

    Raises NotKept.
    """
    for entry in read_recent(file):
        if entry.path == path and entry.kept:
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)
    _write(file, _without(file, path))


def forget_kept(file: Path, folder: Path, spared: Collection[Path]) -> None:
    """Delete all in `folder` that the program kept by itself, half written or whole, but for
    what other running programs keep: `spared`. Raises NotKept."""
    names = {path.stem for path in spared}
    for path in folder.glob("*"):
        theirs = path.stem in names or (spared and path.name.startswith("."))
        if not theirs and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()
    sweep(folder)
    listed = read_recent(file)
    left = tuple(entry for entry in listed if not entry.kept or Path(entry.path) in spared)
    if left != listed:
        _write(file, left)


def _without(file: Path, path: str) -> tuple[RecentSession, ...]:
    return tuple(entry for entry in read_recent(file) if entry.path != path)


def _write(file: Path, entries: tuple[RecentSession, ...]) -> None:
    """Nobody else on the computer reads what was said. Raises NotKept."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, [asdict(entry) for entry in entries], private=True)
    except (OSError, AppError) as error:
        raise not_kept(error) from error
