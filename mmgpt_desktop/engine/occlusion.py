"""What an answer needs of its photo: hide places, and score the same words again.

Occlusion sensitivity (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional
Networks"), of an answer that is fed as it was written (teacher-forced), so one run of the
model tells what a hidden place was worth to each of its tokens.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.attention.faithfulness_metrics import CHECKED, centre_map
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.generate import log_softmax
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import Check, PatchGrid, Photo
from mmgpt_desktop.methods import Method

DRAWS = 4
COARSEST = 4
"""Squares along a side of the grid in the search's first round."""
REFINED = (18, 8)
"""Squares that are hidden in the second round, and in each later one, for one word."""
ALL_WORDS = 2
"""How many times that is for the answer as a whole."""
EVERY = 4
"""Maps are given after as many squares."""
_BLURRED_TO = 4

Mask = NDArray[np.bool_]  # [row, column]


class Hiding(StrEnum):
    """What a hidden place shows instead."""

    BLUR = "blur"  # the photo, blurred until no thing can be told
    MEAN = "mean"  # the photo's mean colour


class Hider:
    """A prepared photo whose cells can be hidden.

    `pixels` float32 [1, 3, height, width] as the model reads them, `grid` how its cells lie
    on the photo. The bars of a letterbox hold no photo and stay as they are.
    """

    def __init__(self, pixels: NDArray[np.float32], grid: PatchGrid, how: Hiding) -> None:
        height, width = pixels.shape[-2:]
        self._pixels, self._cover = pixels, pixels.copy()
        self._rows = np.arange(height) * grid.rows // height
        self._columns = np.arange(width) * grid.columns // width
        box = grid.box
        top, bottom = _photo_span(box.top, box.height, grid.photo_height, height)
        left, right = _photo_span(box.left, box.width, grid.photo_width, width)
        photo = self._cover[..., top:bottom, left:right]
        photo[:] = _blurred(photo) if how is Hiding.BLUR else photo.mean((2, 3), keepdims=True)

    def __call__(self, hidden: Mask) -> NDArray[np.float32]:
        """The pixels with the cells hidden where `hidden` [row, column] is True."""
        return np.where(hidden[self._rows][:, self._columns], self._cover, self._pixels)


class PhotoHider:
    """The same on a photo's own pixels, for models that prepare it in many ways.

    What lies beyond the grid is never hidden.
    """

    def __init__(self, photo: Photo, grid: PatchGrid, how: Hiding) -> None:
        self._photo = photo
        box = grid.box
        self._rows = _numbers(photo.height, box.top, box.height, grid.rows)
        self._columns = _numbers(photo.width, box.left, box.width, grid.columns)
        self._cover = _blurred_photo(photo) if how is Hiding.BLUR else photo.pixels.mean((0, 1))

    def __call__(self, hidden: Mask) -> Photo:
        """The photo with the cells hidden where `hidden` [row, column] is True."""
        edged = np.pad(hidden, ((0, 1), (0, 1)))  # number -1: in no cell
        where = edged[self._rows][:, self._columns, np.newaxis]
        pixels = np.where(where, self._cover, self._photo.pixels).astype(np.uint8)
        pixels.setflags(write=False)
        return Photo(pixels, f"{self._photo.image_id} hidden {hidden.tobytes().hex()}", "")


def _numbers(pixels: int, start: float, length: float, count: int) -> NDArray[np.int64]:
    """In which cell each pixel's middle lies along a side; -1 in none."""
    found = np.floor((np.arange(pixels) + 0.5 - start) * count / length).astype(np.int64)
    return np.where((found >= 0) & (found < count), found, -1)


def _blurred_photo(photo: Photo) -> NDArray[np.uint8]:
    few = Image.fromarray(photo.pixels).resize((_BLURRED_TO,) * 2, Image.Resampling.BOX)
    return np.asarray(few.resize(photo.size, Image.Resampling.BILINEAR))


def _photo_span(start: float, length: float, photo: int, pixels: int) -> tuple[int, int]:
    """From where to where the photo lies along a side of the model's square, in its pixels."""
    scale = pixels / length
    return max(0, round(-start * scale)), min(pixels, round((photo - start) * scale))


def _blurred(photo: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1, 3, height, width] by way of a few mean colours, smoothly joined."""
    size, few = photo.shape[:1:-1], (_BLURRED_TO, _BLURRED_TO)
    channels = [
        Image.fromarray(channel)
        .resize(few, Image.Resampling.BOX)
        .resize(size, Image.Resampling.BILINEAR)
        for channel in np.ascontiguousarray(photo[0])
    ]
    return np.stack([np.asarray(channel) for channel in channels])[np.newaxis]


def photo_cells(grid: PatchGrid) -> Mask:
    """[row, column], True where a cell shows some of the photo, and not padding alone."""
    down = _touches(grid.box.top, grid.box.height, grid.rows, grid.photo_height)
    across = _touches(grid.box.left, grid.box.width, grid.columns, grid.photo_width)
    return down[:, np.newaxis] & across


def _touches(start: float, length: float, count: int, photo: int) -> NDArray[np.bool_]:
    edges = start + np.arange(count + 1) * length / count
    trifle = length / count * 1e-3  # edges are computed, and never quite the photo's
    return (edges[1:] > trifle) & (edges[:-1] < photo - trifle)


@dataclass(frozen=True, eq=False)
class Rescorer:
    """Scores one answer again while cells of its photo are hidden. The engine's thread only.

    `encode` gives what the runtime decodes with, of the photo with cells hidden.
    `temperature` divides the logits, as in `TokenStep.probability`.
    """

    runtime: Any
    encode: Callable[[Mask], Any]
    grid: PatchGrid
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    temperature: float
    cancel: CancelToken

    def __call__(self, hidden: Mask) -> NDArray[np.float64]:
        """The log-probability of each token, given those before it: [token].

        Raises RuntimeFailure and Cancelled.
        """
        self.cancel.raise_if_cancelled()
        encoded = self.encode(hidden)
        logits = self.runtime.score([*self.prompt, *self.tokens[:-1]], encoded, self.cancel)
        scores = logits[len(logits) - len(self.tokens) :] / self.temperature
        if not np.isfinite(scores).all():
            raise RuntimeFailure(
                "The model's arithmetic broke: it gave values that are no numbers."
            )
        return log_softmax(scores.astype(np.float64))[range(len(self.tokens)), self.tokens]

    def nothing_hidden(self) -> NDArray[np.float64]:
        return self(np.zeros((self.grid.rows, self.grid.columns), np.bool_))


def occlude(
    score: Rescorer, word: slice | None = None
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Search coarse to fine for what the answer's tokens needed; see `Needs.RESCORING`.

    Gives the maps [token, row, column] after every few squares, NaN where nothing was hidden yet.
    Round by round the grid is cut into smaller squares. Those that promise most are hidden,
    one at a time; a cell's value is the sum, over the squares that held it, of what hiding
    the square took off the token's log-probability: m[t, c] = sum of log p(t) - log p(t | q
    hidden) over the squares q with c in q. So a cell that no round came back to keeps the
    value of its coarse square.
    """
    grid, whole = score.grid, score.nothing_hidden()
    photo = photo_cells(grid)
    maps = np.full((len(whole), grid.rows, grid.columns), np.nan)
    maps[:, ~photo] = 0  # nothing to hide there
    rounds = [_squares(grid, side) for side in _sides(max(grid.rows, grid.columns))]
    limits = [_limit(index, squares, photo, word) for index, squares in enumerate(rounds)]
    hidden, planned = 0, sum(limits)
    for squares, limit in zip(rounds, limits, strict=True):
        for square in _most_promising(squares, photo, maps[word or slice(None)], limit):
            cells = photo & (squares == square)
            drop = whole - score(cells)
            maps[:, cells] = np.nan_to_num(maps[:, cells]) + drop[:, np.newaxis]
            hidden += 1
            if hidden % EVERY == 0 or hidden == planned:
                yield maps, hidden / planned


def _sides(longest: int) -> list[int]:
    """Squares along a side, round by round: twice as many each time, at last all cells."""
    sides = [min(COARSEST, longest)]
    while sides[-1] < longest:
        sides.append(min(2 * sides[-1], longest))
    return sides


def _squares(grid: PatchGrid, side: int) -> NDArray[np.int64]:
    """The number of each cell's square, [row, column]."""
    down, across = (np.arange(n) * min(side, n) // n for n in (grid.rows, grid.columns))
    return np.asarray(down[:, np.newaxis] * side + across)


def _limit(index: int, squares: NDArray[np.int64], photo: Mask, word: slice | None) -> int:
    """How many squares a round hides: in the first one, all that hold some of the photo."""
    found = len(np.unique(squares[photo]))
    if index == 0:
        return found
    limit = REFINED[min(index, len(REFINED)) - 1]
    return min(found, limit if word else ALL_WORDS * limit)


def _most_promising(
    squares: NDArray[np.int64], photo: Mask, maps: NDArray[np.float64], limit: int
) -> Sequence[int]:
    """The squares of the photo whose cells the tokens of `maps` needed most so far."""
    numbers = np.unique(squares[photo])
    needed = np.maximum(np.nan_to_num(maps), 0).sum(axis=0)
    promise = [needed[photo & (squares == number)].mean() for number in numbers]
    best = np.argsort(-np.array(promise), kind="stable")[:limit]
    return [int(number) for number in numbers[best]]


def check(
    score: Rescorer, word: slice, cells: NDArray[np.float32], method: Method, seed: str
) -> Check:
    """What becomes of a word when its map's strongest cells are hidden; see `Engine.check`."""
    photo, random = photo_cells(score.grid), np.random.default_rng(zlib.crc32(seed.encode()))
    count = max(1, round(CHECKED * int(photo.sum())))

    def probability(log_probabilities: NDArray[np.float64]) -> float:
        return float(np.exp(log_probabilities[word].sum()))

    def without(values: NDArray[np.float32]) -> float:
        return probability(score(_strongest(values, photo, count, random)))

    nothing = np.zeros(photo.shape, np.float32)
    return Check(
        method,
        word.start,
        word.stop,
        whole=probability(score.nothing_hidden()),
        hidden=without(cells),
        random=tuple(without(nothing) for _ in range(DRAWS)),
        centre=without(centre_map(score.grid)),
        blind=probability(score(np.ones(photo.shape, np.bool_))),
    )


def _strongest(
    values: NDArray[np.float32], photo: Mask, count: int, random: np.random.Generator
) -> Mask:
    """The `count` cells of the photo with the largest values; NaN is least, ties are drawn."""
    weakest_first = np.lexsort(
        (random.random(values.size), np.nan_to_num(values, nan=-np.inf).ravel(), photo.ravel())
    )
    chosen = np.zeros(values.size, np.bool_)
    chosen[weakest_first[-count:]] = True
    return chosen.reshape(values.shape)
