"""What the tests of public models' families do alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.family import Context, Family, ImageInputs
from mmgpt_desktop.engine.generate import Answer, Token, decode
from mmgpt_desktop.messages import Message, Photo, Sampling
from tests.checkpoint_models import with_region

STEPS = 6


def context_of(
    runtime: CheckpointTorch, family: Family, messages: Sequence[Message], photos: Sequence[Photo]
) -> Context:
    images = tuple(family.preprocess(photo) for photo in photos)
    features = tuple(runtime.encode(each, CancelToken()) for each in images)
    return Context(family.build_prompt(messages, images, STEPS), images, features)


def greedy(runtime: CheckpointTorch, context: Context, *, attention: bool = True) -> list[Token]:
    """The first `STEPS` tokens, whatever they are."""
    answer = Answer(context.prompt.token_ids, Sampling(max_new_tokens=STEPS))
    tokens = decode(
        runtime,
        context,
        answer,
        stop_ids=(),
        context_length=10_000,
        attention=attention,
        cancel=CancelToken(),
    )
    return list(tokens)


def check_regions(
    photo: Photo,
    preprocess: Callable[[Photo], ImageInputs],
    encode: Callable[[ImageInputs], NDArray[np.float32]],
) -> None:
    """Change each cell's pixels: the patch [patch, width] that moves most is the cell's own."""
    inputs = preprocess(photo)
    grid, before = inputs.grid, encode(inputs)
    assert len(before) == len(inputs.patch_to_cell)
    for cell in range(grid.cells):
        box = grid.cell_box(cell)
        sides = (round(side) for side in (box.left, box.top, box.right, box.bottom))
        moved = np.linalg.norm(encode(preprocess(with_region(photo, *sides))) - before, axis=1)
        moved[~inputs.patch_to_cell.any(axis=1)] = 0  # a patch that stands for the whole picture
        assert int(inputs.patch_to_cell[int(moved.argmax())].argmax()) == cell
