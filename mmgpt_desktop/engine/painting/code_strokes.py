"""Pictures that grow cell by cell, as a GPT writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.word_maps import word_maps, word_shares
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.painted_pixels import as_bytes
from mmgpt_desktop.engine.painting.painter_runtime import CellPainter, CellToPaint, Noise
from mmgpt_desktop.engine.painting.painter_source import PaintedStroke, ToPaint
from mmgpt_desktop.painted import PaintSettings

_GREY = 128
_SHOWN = 8  # times at least that a picture is shown as it grows: of large ones each costs


class CodedCells(NamedTuple):
    """`side` x `side` cells of so many codes `per_cell`, out of a `number`, as a picture of `size`
    pixels; maps are drawn of the (layer, head) pairs `heads`, or of all where there are none."""

    side: int
    number: int
    per_cell: int
    size: int
    heads: Sequence[tuple[int, int]] = ()


def code_strokes(
    painter: CellPainter, cells: CodedCells, wanted: ToPaint, cancel: CancelToken
) -> Iterator[PaintedStroke]:
    """One for each cell."""
    prompt, pictures, settings = wanted.prompt, len(wanted.seeds), wanted.settings
    visible = wanted.visible
    past: Any = painter.read(wanted.ids, cancel)
    noises = [_gumbel(seed, settings) for seed in wanted.seeds]
    before = np.zeros((pictures, cells.per_cell), np.int64)
    codes: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float32]] = []
    count = cells.side**2
    for number in range(count):
        cancel.raise_if_cancelled()
        noise = np.stack([each((cells.per_cell, cells.number)) for each in noises])
        painted = painter.paint(CellToPaint(number, before, visible, noise, settings), past, cancel)
        before, past = painted.codes, painted.past
        codes.append(painted.codes)
        shares.append(word_shares(painted.attention, prompt.spans, cells.heads))
        done, rows = number + 1, max(1, cells.side // _SHOWN)
        shown = None
        if done % (cells.side * rows) == 0 or done == count:
            shown = _shown(painter, cells, codes, cancel)
        maps = None
        if done == count:
            maps = np.stack([word_maps(e, cells.side) for e in np.stack(shares, axis=1)])
        yield PaintedStroke(done, count, shown, maps)


def _shown(
    painter: CellPainter, cells: CodedCells, codes: Sequence[NDArray[np.int64]], cancel: CancelToken
) -> NDArray[np.uint8]:
    """The pictures so far; where nothing is drawn yet they are of one grey."""
    drawn, side, pictures = len(codes), cells.side, len(codes[0])
    known = np.zeros((pictures, side**2, cells.per_cell), np.int64)
    known[:, :drawn] = np.stack(codes, axis=1)
    there = np.zeros((pictures, side**2), bool)
    there[:, :drawn] = True
    grid = (-1, side, side)
    pixels = painter.draw(known.reshape(*grid, cells.per_cell), there.reshape(grid), cancel)
    shown = as_bytes(pixels)
    shown[:, drawn // side * (cells.size // side) :] = _GREY
    return shown


def _gumbel(seed: int, settings: PaintSettings) -> Noise:
    """Gumbel noise, the same for the same seed; none at a temperature of 0."""
    random = np.random.default_rng(abs(seed))

    def draw(shape: tuple[int, ...]) -> NDArray[np.float32]:
        noise = random.gumbel(size=shape).astype(np.float32)
        return noise if settings.temperature else np.zeros_like(noise)

    return draw
