"""Pictures that come out of noise, all of each at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.word_maps import word_maps, word_readings
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.painted_pixels import as_bytes
from mmgpt_desktop.engine.painting.painter_runtime import Noise, PicturesToBegin, StepPainter
from mmgpt_desktop.engine.painting.painter_source import PaintedStroke, ToPaint

_SHOWN = 8  # times at most that a picture is shown on its way


def step_strokes(
    painter: StepPainter,
    side: int,
    heads: Sequence[tuple[int, int]],
    wanted: ToPaint,
    cancel: CancelToken,
) -> Iterator[PaintedStroke]:
    """One for each step. Words' maps say how much each of `side` x `side` cells read of a word in
    the mean of all steps, as in DAAM (Tang et al., 2023), by the (layer, head) pairs `heads`, or
    all."""
    prompt, pictures = wanted.prompt, len(wanted.seeds)
    noises = [_normal(seed) for seed in wanted.seeds]
    to_begin = PicturesToBegin(wanted.ids, wanted.visible, noises, wanted.settings)
    state = painter.begin(to_begin, cancel)
    steps = wanted.settings.steps
    read = np.zeros((pictures, side**2, len(prompt.spans)), np.float32)
    for number in range(steps):
        cancel.raise_if_cancelled()
        moved = painter.step(state, number, cancel)
        state = moved.state
        by_cell = np.moveaxis(moved.attention, 3, 1)
        read += word_readings(by_cell, prompt.spans, heads) / steps
        done = number + 1
        shown = maps = None
        if done % math.ceil(steps / _SHOWN) == 0 or done == steps:
            shown = as_bytes(painter.show(state, cancel))
        if done == steps:
            maps = np.stack([word_maps(each, side) for each in read])
        yield PaintedStroke(done, steps, shown, maps)


def _normal(seed: int) -> Noise:
    random = np.random.default_rng(abs(seed))

    def draw(shape: tuple[int, ...]) -> NDArray[np.float32]:
        return random.standard_normal(shape, np.float32)

    return draw
