"""The numbers of our runs; each is an option of its command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunRecipe:
    """The numbers of any run. A step takes `batch` rows; a checkpoint is written each
    `save_every` steps. With a `patience`, so many evaluations without a better mean loss of
    the dev sets end the run, and the best model is kept.
    """

    steps: int
    batch: int
    learning_rate: float
    warmup: int
    weight_decay: float = 0.05
    seed: int = 1
    save_every: int = 100
    patience: int = 0


@dataclass(frozen=True)
class TextRecipe(RunRecipe):
    """A text run: rows of `length` tokens."""

    steps: int = 360
    batch: int = 48
    learning_rate: float = 1.5e-3
    warmup: int = 40
    save_every: int = 90
    length: int = 128


@dataclass(frozen=True)
class Recipe(RunRecipe):
    """A run on photos: a row is one photo with `length` tokens of text.

    `compiled` saves a fifth of the time and needs a C++ compiler. With `resampler` a model
    that has none gets one of so many latents, untrained as yet. `tuning` trains the encoder's
    last stages as well, at `encoder_rate` of the learning rate, and weighs what holds its
    classes to what they were; 0 leaves it as it is.
    """

    steps: int = 3000
    batch: int = 48
    learning_rate: float = 1.2e-3
    warmup: int = 100
    length: int = 64
    dropout: float = 0.1
    label_smoothing: float = 0.05
    pointing: float = 0.1
    compiled: bool = False
    resampler: int = 0
    tuning: float = 0.0
    encoder_rate: float = 0.1


@dataclass(frozen=True)
class RewardRecipe(Recipe):
    """A run in which a share of the photos is described by the model itself, in `samples`
    ways, of which a row of `length` tokens takes what it has room for, and rewarded; the loss of
    what it writes weighs `reward` of the other photos'. `mapped` of these are photos with a label
    map, which says what is named rightly.
    """

    steps: int = 300
    learning_rate: float = 1e-4
    warmup: int = 10
    save_every: int = 50
    length: int = 112
    dropout: float = 0.0
    label_smoothing: float = 0.0
    samples: int = 4
    described: float = 0.5
    mapped: float = 0.0
    reward: float = 2.0


@dataclass(frozen=True)
class LookRecipe(RunRecipe):
    """A run of mmgpt-small: a row is one photo with `length` tokens of prompts and answers."""

    steps: int = 4000
    batch: int = 16
    learning_rate: float = 1e-3
    warmup: int = 100
    save_every: int = 200
    length: int = 96
    dropout: float = 0.1
    pointing: float = 0.1
