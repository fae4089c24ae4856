"""Whether a word of a prompt mattered, and where: the same picture without it."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.painted import Drawing, LeftOut, Painting

_INSIDE = 0.25
"""Of the cells, those where a word's map is strongest."""
_TINY = 1e-3
_SPACE_BEFORE_MARK = re.compile(r" (?=[.,;:!?])")


def without_word(drawing: Drawing, number: int) -> str:
    """The prompt less one of its words."""
    word, prompt = drawing.words[number], drawing.prompt
    rest = " ".join((prompt[: word.start] + prompt[word.stop :]).split())
    return _SPACE_BEFORE_MARK.sub("", rest)


def left_out(whole: Painting, number: int, without: Painting) -> LeftOut:
    """What it changed to leave out word `number`; both were drawn with the same seed."""
    drawing = whole.drawing
    change = changed(whole.pixels, without.pixels, drawing.maps.shape[1:])
    ratio = inside_against_outside(change, drawing.maps[number])
    return LeftOut(drawing.words[number].text, change, ratio)


def changed(
    one: NDArray[np.uint8], other: NDArray[np.uint8], cells: tuple[int, ...]
) -> NDArray[np.float32]:
    """How far the pixels of each of rows and columns of `cells` are apart, on average. Both
    pictures are of one size."""
    rows, columns = cells
    apart = np.abs(one.astype(np.float32) - other).mean(axis=2)
    boxes = Image.fromarray(apart).resize((columns, rows), Image.Resampling.BOX)
    found: NDArray[np.float32] = np.asarray(boxes, np.float32)
    return found


def inside_against_outside(
    change: NDArray[np.float32], weights: NDArray[np.float32]
) -> float | None:
    """How many times as far cells changed where weights are strongest as elsewhere; None where
    nothing changed."""
    order = np.argsort(-weights.ravel(), kind="stable")
    inside = max(1, round(_INSIDE * order.size))
    values = change.ravel()[order]
    if not values.any():
        return None
    return float((values[:inside].mean() + _TINY) / (values[inside:].mean() + _TINY))
