"""What a family of public vision-language models makes of photos and conversations.

A photo becomes `ImageInputs`: arrays for the image encoder, and where each of its image tokens
lies on the photo. A conversation becomes a `Prompt`: token ids in which a run of placeholders
stands for each photo. Nothing here imports torch, transformers or ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.patch_cells import PatchView, views_to_cells
from mmgpt_desktop.messages import PatchGrid


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

    @classmethod
    def of_views(
        cls, arrays: Mapping[str, NDArray[Any]], views: Sequence[PatchView], grid: PatchGrid
    ) -> ImageInputs:
        """Of a photo that is read in views, one image token a patch."""
        tokens = sum(view.rows * view.columns for view in views)
        return cls(arrays, tokens, grid, views_to_cells(views, tokens, grid))


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

    def rotary_positions(self, fed: int, count: int) -> NDArray[np.int64]:
        """Of the next `count` tokens after `fed` others: [1, S], or [3, 1, S] with M-RoPE."""
        length = self.positions.shape[1]
        later = self.next_position - length + np.arange(max(fed, length), fed + count)
        first = self.positions[:, fed : fed + count]
        found = np.concatenate([first, np.broadcast_to(later, (len(first), len(later)))], axis=1)
        return found if len(found) == 1 else found[:, np.newaxis]

    def image_tokens(self, fed: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the next `count` tokens after `fed` others are image tokens, and their numbers
        among all image tokens."""
        positions = np.array(self.image_positions, np.int64) - fed
        numbers = np.flatnonzero((positions >= 0) & (positions < count))
        return positions[numbers], numbers

    def blocks_of(self, total: int) -> NDArray[np.int64]:
        """`blocks` of the first `total` tokens: what comes after the prompt is in none."""
        found = np.full(total, -1, np.int64)
        if self.blocks is not None:
            known = self.blocks[:total]
            found[: len(known)] = known
        return found

    def token_types(self, fed: int, count: int, outside: int) -> NDArray[np.int64]:
        """`blocks` of the next `count` tokens as models take them, [1, S]: `outside` of 0 and 1
        stands for those in none."""
        blocks = self.blocks_of(fed + count)[fed:]
        return np.where(blocks < 0, outside, 1 - outside)[np.newaxis]


@dataclass(frozen=True, eq=False)
class Context:
    """What a runtime decodes with: the prompt and the photos in it, in order."""

    prompt: Prompt
    images: tuple[ImageInputs, ...] = ()
    features: tuple[Features, ...] = ()
