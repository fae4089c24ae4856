"""The numbers of our runs; each is an option of its command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextRecipe:
    """The numbers of a text run; a step takes `rows` rows of `length` tokens."""

    steps: int = 360
    rows: int = 48
    length: int = 128
    learning_rate: float = 1.5e-3
    warmup: int = 40
    weight_decay: float = 0.05
    seed: int = 1
    save_every: int = 90


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run; a step takes `visits` photos with `length` tokens of text each.

    A checkpoint is written each `save_every` steps. With a `patience`, so many evaluations
    without a better mean loss of the dev sets end the run, and the best model is kept.
    """

    steps: int = 3000
    visits: int = 48
    length: int = 64
    learning_rate: float = 1.2e-3
    warmup: int = 100
    weight_decay: float = 0.05
    dropout: float = 0.1
    label_smoothing: float = 0.05
    pointing: float = 0.1
    seed: int = 1
    save_every: int = 100
    patience: int = 0
