"""Sentences for people as a template and its values. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """A sentence that is translated where it is shown: `template` is one of `str.format` over
    `values`, some of which may be notes themselves.

    `str` gives it in English. One without words is no note.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __bool__(self) -> bool:
        return bool(self.template)

    def __str__(self) -> str:
        return self.said(str)

    def said(self, translate: Callable[[str], str]) -> str:
        return fill(self.template, self.values, translate)

    def stored(self) -> Any:
        """As files have it: a plain text where nothing is filled in. `decoding` reads it."""
        if not self.values:
            return str(self)
        values = {name: _stored(value) for name, value in self.values.items()}
        return {"template": self.template, "values": values}


NO_NOTE = Note("")


def _stored(value: object) -> Any:
    if isinstance(value, Note):
        return value.stored()
    return value if isinstance(value, str | int | float) else str(value)


def fill(template: str, values: Mapping[str, object], translate: Callable[[str], str]) -> str:
    """A sentence whose template, and those of the notes in its values, are translated first."""
    said = {
        name: value.said(translate) if isinstance(value, Note) else value
        for name, value in values.items()
    }
    return translate(template).format(**said)


def plain(text: str) -> Note:
    """What is no template, whatever brackets it has."""
    return Note(text.replace("{", "{{").replace("}", "}}"))
