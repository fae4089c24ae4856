"""What a family of public vision-language models says about its prompts and pictures.

A photo becomes `ImageInputs`: arrays for the image encoder, and where each of its image tokens
lies on the photo. A conversation becomes a `Prompt`: token ids in which a run of placeholders
stands for each photo. Nothing here imports torch, transformers or ONNX Runtime.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import Box, Grounding, Message, PatchGrid, Photo
from mmgpt_desktop.text import without_controls


@dataclass(frozen=True)
class PatchView:
    """A part of a photo, or all of it, that is read as `rows` x `columns` patches.

    `box` is in photo pixels. Patch `row * columns + column` is the image encoder's number
    `first` + that.
    """

    rows: int
    columns: int
    box: Box
    first: int


@dataclass(frozen=True, eq=False)
class ImageInputs:
    """A photo as the image encoder takes it.

    `arrays` are named as the model's own arguments ("pixel_values", "image_grid_thw"), batch
    of one photo. `tokens` is how many image tokens the photo takes in the prompt.
    `patch_to_cell` float32 [patch, cell] says which cells of `grid` each patch covers: a row
    sums to 1, or to 0 for a patch that stands for no place (a separator). Patches are the image
    tokens themselves, unless the model resamples them (`Features.reading`). `for_graphs` is what
    a graph of ours takes besides: what PyTorch's model works out of `arrays` in Python.
    """

    arrays: Mapping[str, NDArray[Any]]
    tokens: int
    grid: PatchGrid
    patch_to_cell: NDArray[np.float32]
    for_graphs: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Features:
    """A photo as the decoder reads it.

    `embeddings` is the runtime's own (float [token, width], or one for each layer that takes
    some). `reading` float32 [token, patch] is what each image token read from the patches,
    where a resampler or projector stands between (Kosmos-2, Idefics), else None.
    """

    embeddings: Any
    reading: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Prompt:
    """A conversation laid out for the decoder.

    `image_positions` are the places of the image tokens in `token_ids`, photo after photo.
    `positions` int64 [axis, S] are the rotary positions of each token (one axis, or three
    with M-RoPE); a later token has `next_position` + its number on all axes. `blocks` int64
    [S] are for prefix attention: tokens of one block see each other both ways, and -1 stands
    for a token that sees only what is before it; None where all are such.
    """

    token_ids: tuple[int, ...]
    image_positions: tuple[int, ...]
    positions: NDArray[np.int64]
    next_position: int
    dropped_turns: int = 0
    blocks: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Context:
    """What a runtime decodes with: the prompt and the photos in it, in order."""

    prompt: Prompt
    images: tuple[ImageInputs, ...] = ()
    features: tuple[Features, ...] = ()


class Family(Protocol):
    """One architecture's rules, for one opened model. One thread at a time."""

    stop_ids: frozenset[int]
    context_length: int
    fusion: ClassVar[str]
    """How picture and text meet, by a name that the window knows."""
    sequences: ClassVar[bool]
    """Whether it was made for several photos in one prompt."""

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        """Prepare a photo as the model's own image processor does.

        With `tiled` a family that can cut photos into tiles does so; else it takes one view.
        """

    def build_prompt(
        self, messages: Sequence[Message], images: Sequence[ImageInputs], room: int
    ) -> Prompt:
        """Lay out a conversation so that `room` tokens of answer still fit.

        Photos stand where `PICTURE` is in the messages' texts, and those that no text places
        before the first question. The oldest turns go first. Raises PromptError for an empty
        question, and for one that is too long by itself.
        """

    def groundings(
        self, token_ids: Sequence[int], images: Sequence[ImageInputs]
    ) -> tuple[Grounding, ...]:
        """The places that an answer gives with its words; none with most models."""

    def token_bytes(self, token_id: int) -> bytes:
        """What a token adds to the answer; a character may take the bytes of several tokens."""


def positions(prompt: Prompt, fed: int, count: int) -> NDArray[np.int64]:
    """The rotary positions of the next `count` tokens after `fed` others: [1, S], or
    [3, 1, S] with M-RoPE."""
    length = prompt.positions.shape[1]
    later = prompt.next_position - length + np.arange(max(fed, length), fed + count)
    first = prompt.positions[:, fed : fed + count]
    found = np.concatenate([first, np.broadcast_to(later, (len(first), len(later)))], axis=1)
    return found if len(found) == 1 else found[:, np.newaxis]


def clean(text: str) -> str:
    return without_controls(text).strip()


def answered(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """The questions that were answered, with their answers, cleaned."""
    turns = []
    for question, answer in itertools.pairwise(messages):
        turn = clean(question.text), clean(answer.text)
        if (question.role, answer.role) == ("user", "assistant") and all(turn):
            turns.append(turn)
    return turns


def views_to_cells(
    views: Sequence[PatchView], patches: int, grid: PatchGrid
) -> NDArray[np.float32]:
    """Which cells of `grid` each patch of the views covers, by area: float32 [patch, cell].

    A patch that lies beyond the grid's box, or belongs to no view, has a row of zeros; one
    that reaches beyond it gives all its weight to the cells that it does cover.
    """
    boxes = np.zeros((patches, 4))
    for view in views:
        across = np.linspace(view.box.left, view.box.right, view.columns + 1)
        down = np.linspace(view.box.top, view.box.bottom, view.rows + 1)
        last = view.first + view.rows * view.columns
        boxes[view.first : last] = tile_boxes(across, down)
    return boxes_to_cells(boxes, grid)


def tile_boxes(across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """The boxes between edges, row by row: [row x column, 4] of left, top, right, bottom."""
    rows, columns = len(down) - 1, len(across) - 1
    left, right = np.tile(across[:-1], rows), np.tile(across[1:], rows)
    top, bottom = np.repeat(down[:-1], columns), np.repeat(down[1:], columns)
    return np.stack([left, top, right, bottom], axis=1)


def boxes_to_cells(boxes: NDArray[np.float64], grid: PatchGrid) -> NDArray[np.float32]:
    """As `views_to_cells`, of patches that have a box each: [patch, 4] in photo pixels.

    A box is left, top, right, bottom; an empty one stands for no place.
    """
    down = _overlap(boxes[:, 1::2], (grid.box.top, grid.box.bottom, grid.rows))
    across = _overlap(boxes[:, 0::2], (grid.box.left, grid.box.right, grid.columns))
    flat = np.einsum("pr,pc->prc", down, across).reshape(len(boxes), grid.cells)
    total = flat.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
    return shares


def _overlap(parts: NDArray[np.float64], cells: tuple[float, float, int]) -> NDArray[np.float32]:
    """How long each part [part, 2] lies over each cell of a segment: [part, cell]."""
    edges = np.linspace(cells[0], cells[1], cells[2] + 1)
    low = np.maximum(parts[:, :1], edges[None, :-1])
    high = np.minimum(parts[:, 1:], edges[None, 1:])
    return np.asarray(np.maximum(0.0, high - low), np.float32)
