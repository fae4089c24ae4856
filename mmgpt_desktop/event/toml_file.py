"""A TOML file whose mistakes are named with their line."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgpt_desktop.decoding import KeyPath, Mistake
from mmgpt_desktop.errors import ProfileError
from mmgpt_desktop.reading import read_small
from mmgpt_desktop.text import reason_of, safe_name

_MOST_BYTES = 200_000
_MOST_LINES = 2000
# A hundred parts with dots between them: the time and memory of such a key grow with the square.
# Each quoted part is looked at to a hundred signs, so that this has an end for any text.
_ENDLESS_KEY = re.compile(
    r"""(?:(?:"(?:\\.|[^"\\\n]){0,99}+"|'[^'\n]{0,99}+'|[\w-]{1,99}+)[ \t]*+\.[ \t]*+){100}"""
)
_ENDS = ("", "\n]", "\n]}]", '"""', "'''")  # of lists, of one in a table in a list, of texts
_LONGEST_VALUE = 8  # lines of what none of these ends, such as lists in lists


@dataclass(frozen=True)
class TomlFile:
    path: Path
    text: str
    values: dict[str, Any]

    def error(self, mistake: Mistake) -> ProfileError:
        """The mistake with its line."""
        return ProfileError(
            "{file}, line {line}: {mistake}",
            mistake.hint,
            **mistake.values,
            file=safe_name(self.path.name),
            line=line_of(self.text, mistake.path),
            mistake=mistake.note,
        )


def read_toml(path: Path) -> TomlFile:
    """Raises ProfileError."""
    text = _read_text(path)
    if text.count("\n") > _MOST_LINES:  # else looking for a mistake's line would have no end
        raise _unreadable(path, "it is too large")
    if _ENDLESS_KEY.search(text):
        raise _unreadable(path, "its keys have too many parts")
    try:
        return TomlFile(path, text, tomllib.loads(text))
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
    try:
        return read_small(path, _MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError as error:
        hint = "Check the path: it may have been moved or renamed."
        raise ProfileError("There is no file {name}.", hint, name=_shown(path)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8 text") from error
    except (OSError, ValueError) as error:  # ValueError: NUL in path
        reason = reason_of(error)
        raise _unreadable(path, reason) from error


def _unreadable(path: Path, reason: str) -> ProfileError:
    title = "The profile {name} can't be read ({reason})."
    return ProfileError(title, name=_shown(path), reason=reason)


def _shown(path: Path) -> str:
    return safe_name(path.name or str(path))


def line_of(text: str, path: KeyPath) -> int:
    """The line, from 1, on which a valid document begins to say something of a key, or of what
    is above it where it says nothing of the key itself.

    Python's reader gives values without their lines. So documents that end sooner are read: the
    key stands on the line that all without it lack.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    while path and not _holds(tomllib.loads(text), path):
        path = path[:-1]
    found = bisect_left(
        range(len(lines) + 1), True, key=lambda count: _holds(_begun(lines[:count])[1], path)
    )
    return _begun(lines[: found - 1])[0] + 1 if found else 1


def _begun(lines: list[str]) -> tuple[int, dict[str, Any]]:
    """How many of the lines are a document, those left out that only begin a value; and what
    it says."""
    for count in range(len(lines), max(-1, len(lines) - _LONGEST_VALUE), -1):
        for end in _ENDS:
            with suppress(tomllib.TOMLDecodeError):
                return count, tomllib.loads("\n".join(lines[:count]) + end)
    return 0, {}


def _holds(value: Any, path: KeyPath) -> bool:
    try:
        for key in path:
            value = value[key]
    except (LookupError, TypeError):
        return False
    return True
