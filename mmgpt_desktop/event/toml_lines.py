"""Where in a TOML file each key stands. Python's reader gives the values without their lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""From the top down: a table's key, or the number of an array's element."""

# Strings are those of https://toml.io/en/v1.0.0: up to two quotes may stand before the last three.
# One that nobody ends goes on to the end, of the line or of the text: each sign is looked at once.
_TOKEN = re.compile(
    r'''
    (?P<skipped>[ \t\r]+|\#[^\n]*)
    |(?P<newline>\n)
    |(?P<mark>[\[\]{}=,.])
    |(?P<text>"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)|\'\'\'.*?(?:'{3,5}|\Z)
        |"(?:\\.|[^"\\\n])*+"?|'[^'\n]*+'?
        |[^\s\[\]{}=,.\#"']+)
    ''',
    re.VERBOSE | re.DOTALL,
)


def deepest_key(text: str) -> int:
    """How many parts the longest dotted key has, or more; the text may be anything."""
    deepest, parts, after_dot = 0, 0, False
    for token in _tokens(text):
        if token.kind == "text":
            parts = parts + 1 if after_dot else 1
            deepest = max(deepest, parts)
        after_dot = token.text == "."
    return deepest


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of each key, table and array element of a valid TOML document."""
    return _Scanner(text).read()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skipped":
            yield _Token(str(match.lastgroup), match[0], line)
        line += match[0].count("\n")
    yield _Token("end", "", line)


class _Scanner:
    """Follows the brackets; that the rest is right, `tomllib` has found before."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}  # elements so far of each array of tables

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _accept(self, *texts: str) -> bool:
        found = self._token.kind in ("mark", "newline") and self._token.text in texts
        self._at += found
        return found

    def read(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._token.kind != "end":
            line = self._token.line
            if self._accept("["):
                table = self._header(line)
            elif not self._accept("\n"):
                self._pair(table)
        return self._lines

    def _header(self, line: int) -> KeyPath:
        """[a.b] or [[a.b]]: the table whose pairs follow."""
        many = self._accept("[")
        *above, last = self._keys()
        table: KeyPath = ()
        for key in above:
            table = self._latest((*table, key))
            self._lines.setdefault(table, line)
        table = (*table, last)
        self._lines.setdefault(table, line)
        if many:
            self._counts[table] = self._counts.get(table, 0) + 1
        table = self._latest(table)
        self._lines.setdefault(table, line)
        while self._accept("]"):
            pass
        return table

    def _latest(self, path: KeyPath) -> KeyPath:
        """Below an array of tables, its last element is meant."""
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: KeyPath) -> None:
        line = self._token.line
        for key in self._keys():
            table = (*table, key)
            self._lines.setdefault(table, line)
        self._accept("=")
        self._value(table)

    def _keys(self) -> Sequence[str]:
        keys = [self._key()]
        while self._accept("."):
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        text = self._token.text
        self._at += 1
        return str(tomllib.loads(f"key = {text}")["key"]) if text[0] in "\"'" else text

    def _value(self, path: KeyPath) -> None:
        self._lines.setdefault(path, self._token.line)
        if self._accept("["):
            number = 0
            while not self._accept("]"):
                if not self._accept(",", "\n"):
                    self._value((*path, number))
                    number += 1
        elif self._accept("{"):
            while not self._accept("}"):
                if not self._accept(",", "\n"):
                    self._pair(path)
        else:
            while self._token.kind == "text" or self._token.text == ".":  # 1.5 is three tokens
                self._at += 1
