"""TOML whose every value is checked as it is read; a mistake is named with its line."""

from __future__ import annotations

import difflib
import re
import stat
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgpt_desktop.errors import ProfileError
from mmgpt_desktop.event.toml_lines import KeyPath, deepest_key, key_lines
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import reason_of, safe_name

_MOST_BYTES = 200_000
_DEEPEST_KEY = 8
_MOST_TEXT = 200
_MOST_ITEMS = 100
_RELATIVE = "Paths are relative to the profile's folder."


@dataclass(frozen=True)
class _Source:
    path: Path
    lines: Mapping[KeyPath, int]


def read_table(path: Path) -> Table:
    """The document's top table. Raises ProfileError."""
    text = _read_text(path)
    if deepest_key(text) > _DEEPEST_KEY:  # their time and memory grow with the square
        raise _unreadable(path, "its keys have too many parts")
    try:
        values = tomllib.loads(text)
        return Table(values, _Source(path, key_lines(text)))
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)  # else it is the document's end
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        raise ProfileError(
            "{file}, line {line}: this is not TOML ({reason}).",
            "Look for a missing quote, bracket or equals sign.",
            file=safe_name(path.name),
            line=line,
            reason=reason,
        ) from error
    except RecursionError as error:
        raise _unreadable(path, "its brackets are too deep") from error
    except ValueError as error:  # such as a number of thousands of digits
        raise _unreadable(path, reason_of(error)) from error


def _read_text(path: Path) -> str:
    name = safe_name(path.name or str(path))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise _unreadable(path, "it is not an ordinary file")
        if status.st_size > _MOST_BYTES:
            raise _unreadable(path, "it is too large")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        hint = "Check the path: it may have been moved or renamed."
        raise ProfileError("There is no file {name}.", hint, name=name) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8 text") from error
    except (OSError, ValueError) as error:  # ValueError: NUL in path
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise _unreadable(path, reason) from error


def _unreadable(path: Path, reason: str) -> ProfileError:
    title = "The profile {name} can't be read ({reason})."
    return ProfileError(title, name=safe_name(path.name or str(path)), reason=reason)


class Table:
    """Take each key by the method of its kind, then call `done`.

    All methods raise ProfileError. What isn't there comes as the default, or as None.
    """

    def __init__(self, values: dict[str, Any], source: _Source, path: KeyPath = ()) -> None:
        self._values, self._source, self._path = values, source, path
        self._known: list[str] = []

    def done(self) -> None:
        """Refuse what nobody asked for: it is a mistyped key most often."""
        for key in self._values:
            if key not in self._known:
                close = difflib.get_close_matches(key, self._known, n=1)
                known = ", ".join(close or self._known)
                raise self.mistake(
                    "{file}, line {line}: nothing is called {key} here.",
                    "Known here: {known}.",
                    key=key,
                    known=known,
                )

    def mistake(
        self, title: str, hint: str = "", *, key: str, item: int | None = None, **values: object
    ) -> ProfileError:
        """An error about `key`, or about one of its items."""
        path = (*self._path, key) if item is None else (*self._path, key, item)
        line = self._source.lines.get(path) or self._source.lines.get(self._path, 1)
        name = safe_name(self._source.path.name)
        return ProfileError(title, hint, file=name, line=line, key=safe_name(key), **values)

    def table(self, key: str) -> Table:
        value = self._take(key)
        if not isinstance(value, dict | None):
            raise self.mistake("{file}, line {line}: [{key}] must be a table.", key=key)
        return Table(value or {}, self._source, (*self._path, key))

    def tables(self, key: str) -> list[Table]:
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.mistake("{file}, line {line}: write [[{key}]] before each.", key=key)
        self._count(key, value)
        return [
            Table(item, self._source, (*self._path, key, number))
            for number, item in enumerate(value)
        ]

    def text(self, key: str) -> str | None:
        """One line that can be shown."""
        value = self._take(key)
        return None if value is None else self._checked_text(value, key)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            title = '{file}, line {line}: {key} must be a list of texts, such as ["one", "two"].'
            raise self.mistake(title, key=key)
        self._count(key, value)
        return tuple(self._checked_text(item, key, number) for number, item in enumerate(value))

    def _count(self, key: str, items: list[Any]) -> None:
        if len(items) > _MOST_ITEMS:
            title = "{file}, line {line}: {key} has too many entries; {most} is the most."
            raise self.mistake(title, key=key, most=_MOST_ITEMS)

    def _checked_text(self, value: object, key: str, item: int | None = None) -> str:
        if isinstance(value, str) and value.strip() and value.isprintable():
            if len(value) <= _MOST_TEXT:
                return value
            title = "{file}, line {line}: {key} must have at most {most} characters."
            raise self.mistake(title, key=key, item=item, most=_MOST_TEXT)
        title = "{file}, line {line}: {key} must be one line of text in quotes."
        raise self.mistake(title, key=key, item=item)

    def choice(self, key: str, known: Collection[str]) -> str | None:
        value: str | None = self._take(key)
        if value is not None and value not in known:
            title = "{file}, line {line}: {key} must be one of these: {known}."
            raise self.mistake(title, key=key, known=", ".join(known))
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key)
        if not isinstance(value, bool | None):
            raise self.mistake("{file}, line {line}: {key} must be true or false.", key=key)
        return default if value is None else value

    def seconds(self, key: str, default: float, low: float, high: float) -> float:
        value = self._take(key)
        if value is None:
            return default
        if type(value) not in (int, float) or not low <= value <= high:  # NaN is in no range
            title = (
                "{file}, line {line}: {key} must be a number of seconds from {low:g} to {high:g}."
            )
            raise self.mistake(title, key=key, low=low, high=high)
        return float(value)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self._take(key)
        if value is None:
            return default
        if type(value) not in (int, float) or not low <= value <= high:
            title = "{file}, line {line}: {key} must be a number from {low:g} to {high:g}."
            raise self.mistake(title, key=key, low=low, high=high)
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self._take(key)
        if value is None:
            return default
        if type(value) is not int or not low <= value <= high:
            title = "{file}, line {line}: {key} must be a whole number from {low} to {high}."
            raise self.mistake(title, key=key, low=low, high=high)
        return value

    def file(self, key: str, suffixes: Collection[str]) -> Path | None:
        """A file that is there."""
        path = self._beside(key)
        if path is None:
            return None
        if path.suffix.lower() not in suffixes:
            title = "{file}, line {line}: {key} must name a file that ends in {suffixes}."
            raise self.mistake(title, key=key, suffixes=", ".join(suffixes))
        if not _is(path, Path.is_file):
            title = "{file}, line {line}: there is no file {path} for {key}."
            raise self.mistake(title, _RELATIVE, key=key, path=safe_name(str(path)))
        return path

    def folder(self, key: str) -> Path | None:
        """A folder that is there."""
        path = self._beside(key)
        if path is not None and not _is(path, Path.is_dir):
            title = "{file}, line {line}: there is no folder {path} for {key}."
            raise self.mistake(title, _RELATIVE, key=key, path=safe_name(str(path)))
        return path

    def new_file(self, key: str) -> Path | None:
        """A file that may be there already; its folder must be."""
        path = self._beside(key)
        if path is None:
            return None
        if _is(path, Path.is_dir):
            title = "{file}, line {line}: {key} must be a file, and {path} is a folder."
            raise self.mistake(title, key=key, path=safe_name(str(path)))
        if not _is(path.parent, Path.is_dir):
            title = "{file}, line {line}: there is no folder {path} for {key}."
            raise self.mistake(title, _RELATIVE, key=key, path=safe_name(str(path.parent)))
        return path

    def _beside(self, key: str) -> Path | None:
        """A path in the file is relative to the file's folder; `~` is the home folder."""
        value = self.text(key)
        return None if value is None else self._source.path.absolute().parent / path_said(value)

    def _take(self, key: str) -> Any:
        self._known.append(key)
        return self._values.get(key)


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except OSError:  # such as a path that is too long
        return False
