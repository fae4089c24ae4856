"""The few frozen types that travel with a drawing, as those of `messages` do with an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.decoding import Amount, Count, between
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import OutcomeKind, RuntimeInfo
from mmgpt_desktop.note import Note

MOST_PICTURES = 4  # at once
MOST_STEPS = 200


@dataclass(frozen=True)
class PaintSettings:
    """How freely a painter draws. `temperature` 0 takes the likeliest code each time, what is less
    likely than `least` of that is never drawn, and with more `guidance` the words weigh more. One
    that begins with noise takes so many `steps`."""

    temperature: Amount = 1.0
    least: Annotated[float, between(0, 1)] = 0.02
    guidance: Annotated[float, between(0, 20)] = 6.0
    steps: Annotated[int, between(1, MOST_STEPS)] = 24


@dataclass(frozen=True)
class PaintRequest:
    """All that a drawing needs, captured once: the same `seed` and prompt give the same picture.
    Of several `pictures` each has the next seed. The painter's own `settings` where there are none.
    With `known_only` a single word that it was never taught is refused.
    """

    job_id: int
    prompt: str
    seed: Count = 0
    pictures: Annotated[int, between(1, MOST_PICTURES)] = 1
    settings: PaintSettings | None = None
    known_only: bool = False


@dataclass(frozen=True, eq=False)
class PaintStep:
    """`done` of all `strokes` are made. `pixels` uint8 [picture, height, width, 3] are the pictures
    so far, read-only; None where nothing new is shown."""

    job_id: int
    done: int
    strokes: int
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class PromptWord:
    """A word of the prompt, as its characters `start` to `stop` (exclusive)."""

    text: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What it changed to leave `word` out of a prompt and draw with the same seed.

    `change` float32 [row, column] says how far the pixels of each cell are apart, on average, of
    255; `ratio` how many times as far where the word's map was strongest as elsewhere. None: there
    was no such map, or nothing changed.
    """

    word: str
    change: NDArray[np.float32]
    ratio: float | None


@dataclass(frozen=True, eq=False)
class Drawing:
    """How a picture was drawn: what draws it again, and what each word drew.

    `maps` float32 [word, row, column] say how much each cell read of each of the `words` while it
    was drawn. Of a picture that grew cell by cell they are shares of what it read of all of them.
    `left_out` compares with the picture of before, where a word was left out of its prompt.
    """

    prompt: str
    seed: Count
    painter: str
    words: tuple[PromptWord, ...]
    maps: NDArray[np.float32]
    left_out: LeftOut | None = None


@dataclass(frozen=True, eq=False)
class Painting:
    """A finished picture: `pixels` uint8 [height, width, 3], read-only, and how it was drawn."""

    pixels: NDArray[np.uint8]
    drawing: Drawing


@dataclass(frozen=True)
class PaintOutcome:
    """How a request ended: exactly one for each. Without an end there are no `paintings`."""

    job_id: int
    kind: OutcomeKind
    seconds: float
    paintings: tuple[Painting, ...] = ()
    runtime: RuntimeInfo | None = None
    error: AppError | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class PainterInfo:
    """What the window shows of a painter. `taught` are the kinds of things that it learnt to draw,
    in English; `side` are cells along a side of its pictures of `size` pixels, which come out of
    noise `at_once`, or else cell by cell."""

    name: str
    description: str
    size: int
    side: int
    settings: PaintSettings
    languages: tuple[str, ...] = ()
    taught: tuple[str, ...] = ()
    at_once: bool = False
