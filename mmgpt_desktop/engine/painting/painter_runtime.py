"""What runs a painter's model, by whatever library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.messages import RuntimeInfo
from mmgpt_desktop.painted import PaintSettings

Noise = Callable[[tuple[int, ...]], NDArray[np.float32]]
"""Draws numbers of such a shape: the same ones, one after the other, for the same seed."""


class PainterRuntime(Protocol):
    """Each call raises RuntimeFailure, and Cancelled."""

    info: RuntimeInfo

    def close(self) -> None: ...


class CellToPaint(NamedTuple):
    """The cell of B pictures with this `number`: int64 codes [B, codes of a cell] of the one
    `before` it, which of the text is `visible` [B, text], and `noise` [B, codes of a cell, codes]
    that draws by these `settings`."""

    number: int
    before: NDArray[np.int64]
    visible: NDArray[np.bool_]
    noise: NDArray[np.float32]
    settings: PaintSettings


class PaintedCell(NamedTuple):
    """One cell of B pictures: int64 codes [B, codes of a cell], what the next one goes on with, and
    attention to the text, float32 [B, layer, head, text]."""

    codes: NDArray[np.int64]
    past: Any
    attention: NDArray[np.float32]


class CellPainter(PainterRuntime, Protocol):
    """Writes a picture's codes, cell by cell."""

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> Any:
        """The text [B, text] as what the first cell goes on with."""
        ...

    def paint(self, cell: CellToPaint, past: Any, cancel: CancelToken) -> PaintedCell:
        """Draw a cell's codes, as the model's `paint`."""
        ...

    def draw(
        self, codes: NDArray[np.int64], drawn: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Codes [B, side, side, codes of a cell], of which some are `drawn` [B, side, side], as
        pixels [B, 3, size, size], about from -1 to 1."""
        ...


class PicturesToBegin(NamedTuple):
    """B pictures of noise: the text's tokens `ids` [B, text], which of them are `visible`, what
    draws each one's normal noise, and the `settings`."""

    ids: NDArray[np.int64]
    visible: NDArray[np.bool_]
    noises: Sequence[Noise]
    settings: PaintSettings


class MovedPictures(NamedTuple):
    """B pictures a step further: what the next one goes on with, and attention to the text, float32
    [B, layer, head, cell, text]."""

    state: Any
    attention: NDArray[np.float32]


class StepPainter(PainterRuntime, Protocol):
    """Moves all of a picture at once from noise to what is said, in so many steps."""

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> Any:
        """Noise, and the text as each step reads it."""
        ...

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        """Step `number`, from 0."""
        ...

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        """What the pictures would become from here, as pixels [B, 3, size, size], about from -1 to
        1."""
        ...


def warmth(settings: PaintSettings) -> float:
    """What logits are divided by; with a temperature of 0 there is no noise to weigh them with."""
    return settings.temperature or 1.0


def floor(settings: PaintSettings) -> float:
    """The least share, of which there is a logarithm."""
    return max(settings.least, 1e-30)
