"""Answers to many rows at a time, without padding: all of them have questions of one length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.training.rows import END_ID


def decode_rows(
    model: MMGPTForConditionalGeneration,
    image: tuple[Tensor, Tensor],
    prompts: Tensor,
    choose: Callable[[Tensor], Tensor],
    longest: int,
    fusion: str | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Each step's tokens [B, 1] and the logits [B, V] of which they were chosen, until all rows
    have ended, or for `longest` steps. `image` are keys and values, `prompts` [B, S]."""
    past, ids = model.empty_past(len(prompts)), prompts
    ended = torch.zeros(len(prompts), 1, dtype=torch.bool, device=prompts.device)
    for _ in range(longest):
        logits, past, _ = model.decode_step(ids, *image, past, fusion)
        ids = choose(logits[:, -1]).masked_fill(ended, END_ID)
        ended = ended | (ids == END_ID)
        yield ids, logits[:, -1]
        if ended.all():
            return


def until_end(tokens: list[int]) -> list[int]:
    """With the end token, if there is one."""
    return tokens[: tokens.index(END_ID) + 1] if END_ID in tokens else tokens
