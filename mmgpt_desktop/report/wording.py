"""In which language a report speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmgpt_desktop.note import Note


@dataclass(frozen=True)
class Wording:
    """A language: its words for our English and for notes."""

    translate: Callable[[str], str] = str
    note: Callable[[Note], str] = str

    def __call__(self, english: str, **values: object) -> str:
        """A sentence, its {places} filled."""
        return self.translate(english).format(**values)
