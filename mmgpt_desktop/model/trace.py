"""A written answer read by the model once more, in one pass, with every attention kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmgpt_desktop.model.configuration import CONCAT
from mmgpt_desktop.model.decoder import Block, CrossAttention, KeyValue, SelfAttention, join
from mmgpt_desktop.model.fusion import GraphRound, ResamplerLayer
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration

_ATTENTION = (SelfAttention, CrossAttention, GraphRound, ResamplerLayer)


@dataclass(frozen=True, eq=False)
class Ran:
    """A module that ran, what it was given, and what it returned."""

    module: nn.Module
    arguments: tuple[Any, ...]
    output: tuple[Any, ...]

    @property
    def weights(self) -> Tensor:
        """What attention modules return last: [1, nh, rows, columns]."""
        weights: Tensor = self.output[-1]
        return weights


@dataclass(frozen=True, eq=False)
class TokenAttention:
    """One attention at work: tokens `rows` read tokens `columns`.

    Tokens are the picture's T (cells, the resampler's latents if there is one, names) and the
    text's S positions after them. The null cell is no token, so `weights` [1, nh, rows,
    columns] may have one column more; rows sum to 1 with it.
    """

    weights: Tensor
    rows: slice
    columns: slice

    def over_tokens(self, values: Tensor) -> Tensor:
        """`values` [..., columns], of the form of `weights`, without the null cell's."""
        return values[..., : self.columns.stop - self.columns.start]


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened: `attentions` in the order in which one builds on the other.

    `logits` [S, V] at the text's positions. `picture` is T. `text` are the attentions that
    text asked for, `prefix` [T, d] what the decoder made of the picture's tokens; None where
    these do not pass through it.
    """

    attentions: tuple[TokenAttention, ...]
    logits: Tensor
    picture: int
    text: tuple[Ran, ...]
    prefix: Tensor | None

    @property
    def tokens(self) -> int:
        return self.picture + self.logits.shape[0]


def trace(
    model: MMGPTForConditionalGeneration, pixels: Tensor, ids: Sequence[int], fusion: str
) -> Trace:
    """Read `ids` with the picture [1, 3, H, W]; gradients reach all but the encoder."""
    with torch.no_grad():
        fine, coarse = (maps.flatten(2).mT for maps in model.encoder.backbone(pixels))
    with _recorded(model) as before:
        image, _ = model.encode_cells(fine, coarse, fusion)
    keys, values = (torch.stack(list(each)) for each in zip(*image, strict=True))
    with _recorded(model) as after:
        given = torch.tensor([list(ids)], device=pixels.device)
        logits = model(given, image_keys=keys, image_values=values, fusion=fusion).logits[0]
    joined, picture = fusion == CONCAT, keys.shape[3]
    if model.config.resampled(fusion):
        picture += model.config.cells  # the text reads latents, and these the cells
    among = [_of_cells(ran) for ran in before if _attends(ran)]
    text = tuple(ran for ran in after if _attends(ran))
    blocks = [ran for ran in before if isinstance(ran.module, Block)]
    return Trace(
        _in_order(among, [_of_text(ran, picture, joined) for ran in text], joined),
        logits,
        picture,
        text,
        blocks[-1].output[0][0] if blocks else None,
    )


def of_picture(trace: Trace, fusion: str) -> list[Ran]:
    """The attentions in which text read the picture, one for each image layer."""
    kind = SelfAttention if fusion == CONCAT else CrossAttention
    return [ran for ran in trace.text if isinstance(ran.module, kind)]


def asked_and_offered(ran: Ran) -> tuple[Tensor, KeyValue]:
    """The queries [1, nh, S, hd], and keys and values of all that could be read."""
    if isinstance(ran.module, CrossAttention):
        x, image, _ = ran.arguments
        return ran.module.ask(x), ran.module.with_null(image)
    assert isinstance(ran.module, SelfAttention)
    x, cos_sin, _, _, image = ran.arguments
    query, present = ran.module.project(x, cos_sin)
    return query, present if image is None else join(image, present)


@contextmanager
def _recorded(model: nn.Module) -> Iterator[list[Ran]]:
    """The attentions and blocks that run, in the order in which they end."""
    ran: list[Ran] = []

    def keep(module: nn.Module, arguments: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        ran.append(Ran(module, arguments, output))

    kinds = (*_ATTENTION, Block)
    hooks = [
        each.register_forward_hook(keep) for each in model.modules() if isinstance(each, kinds)
    ]
    try:
        yield ran
    finally:
        for hook in hooks:
            hook.remove()


def _attends(ran: Ran) -> bool:
    return isinstance(ran.module, _ATTENTION)


def _of_cells(ran: Ran) -> TokenAttention:
    """The picture's tokens read one another: all do, or the latents, last of those read."""
    rows, columns = ran.weights.shape[2:]
    return TokenAttention(ran.weights, slice(columns - rows, columns), slice(0, columns))


def _of_text(ran: Ran, picture: int, joined: bool) -> TokenAttention:
    """Text reads itself and, where they are joined, the picture; or the picture across."""
    weights = ran.weights
    rows = slice(picture, picture + weights.shape[2])
    if isinstance(ran.module, CrossAttention):
        offered = weights.shape[3] - 1  # the null cell is the last
        return TokenAttention(weights, rows, slice(picture - offered, picture))
    return TokenAttention(weights, rows, slice(0, rows.stop) if joined else rows)


def _in_order(
    among: list[TokenAttention], text: list[TokenAttention], joined: bool
) -> tuple[TokenAttention, ...]:
    """A joined layer's text reads the picture as that layer finds it, not as it leaves it."""
    if joined:
        return tuple(itertools.chain.from_iterable(zip(text, among, strict=True)))
    return (*among, *text)
