"""How often a run draws each fusion, collection and kind of question: `mixture.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from mmgpt_desktop.decoding import Amount, DataDecoder, between
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH

Share = Annotated[float, between(0, 1)]
DEFAULT = Path(__file__).with_name("mixture.toml")


@dataclass(frozen=True)
class Chances:
    """Of the samples, 0 to 1."""

    mirrored: Share
    names_hidden: Share
    drilled: Share
    no_picture: Share
    varied: Share = 0.0
    translated: Share = 0.0


@dataclass(frozen=True)
class Mixture:
    """The weights of one run, relative to one another. Without `languages` all is in English."""

    shares: Chances
    fusions: Mapping[str, Amount]
    collections: Mapping[str, Amount]
    kinds: Mapping[str, Amount]
    languages: Mapping[str, Amount] = field(default_factory=dict)

    def within(self, languages: Iterable[str]) -> Mixture:
        """The same where nothing is said in other languages than these."""
        known = set(languages)
        left = {each: weight for each, weight in self.languages.items() if each in known}
        return replace(self, languages=left)

    @property
    def translates(self) -> bool:
        return self.has_chinese and self.shares.translated > 0

    @property
    def has_chinese(self) -> bool:
        return self.languages.get(CHINESE, 0.0) > 0

    @classmethod
    def read(cls, path: Path = DEFAULT) -> Mixture:
        """Raises AppError for a file that is not a mixture."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            mixture: Mixture = DataDecoder(strict=True).decode(cls, table)
            if unknown := sorted(set(mixture.fusions) - set(FUSIONS)):
                raise ValueError(f"no such fusion: {unknown[0]}")
            if strange := sorted(set(mixture.languages) - {ENGLISH, CHINESE}):
                raise ValueError(f"no such language: {strange[0]}")
            return mixture
        except (OSError, ValueError) as error:
            title = "The mixture {path} can't be used ({reason})."
            hint = "Begin with a copy of mixture.toml."
            raise AppError(title, hint, path=path.name, reason=str(error).rstrip(".")) from error
