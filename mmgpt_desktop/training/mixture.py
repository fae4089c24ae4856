"""How often a run draws each fusion, collection and kind of question: `mixture.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import FUSIONS

DEFAULT = Path(__file__).with_name("mixture.toml")


@dataclass(frozen=True)
class Mixture:
    """The weights of one run; `shares` are fractions, the others relative to one another."""

    mirrored: float
    names_hidden: float
    drilled: float
    no_picture: float
    fusions: Mapping[str, float]
    collections: Mapping[str, float]
    kinds: Mapping[str, float]
    varied: float = 0.0

    @classmethod
    def read(cls, path: Path = DEFAULT) -> Mixture:
        """Raises AppError for a file that is not a mixture."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            fusions = {name: float(weight) for name, weight in table["fusions"].items()}
            if not set(fusions) <= set(FUSIONS):
                raise ValueError(f"no such fusion: {sorted(set(fusions) - set(FUSIONS))[0]}")
            return cls(
                **{name: float(share) for name, share in table["shares"].items()},
                fusions=fusions,
                collections={name: float(w) for name, w in table["collections"].items()},
                kinds={name: float(weight) for name, weight in table["kinds"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            title = "The mixture {path} can't be used ({reason})."
            hint = "Begin with a copy of mixture.toml."
            raise AppError(title, hint, path=path.name, reason=str(error)) from error
