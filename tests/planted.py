"""A tiny model of the real architecture whose answer depends on one cell, by construction.

The picture is grey but for cells that are red or blue. Each text position looks for red;
what it finds there makes the token `WORD` likely. All other weights are zero. The models are
shared: don't change them.
"""

from __future__ import annotations

from functools import cache
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmgpt_desktop.model import MMGPTConfig, MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import CONCAT
from mmgpt_desktop.model.decoder import Block
from tests.not_none import not_none

WORD, PEEK, PLAIN = 50, 60, 70  # the answer; a token that may peek; any other
PROMPT = (1, PLAIN, PEEK, PLAIN, 2)
SIDE, LAYERS, HEADS, WIDTH = 4, 2, 2, 32  # cells a side; with concatenation half of it
PIXELS = 16  # of a cell
# What the model's dimensions mean.
ONE, CELL, RED, BLUE, PEEKS, CARRIED, FOUND, RELAYED = range(8)
_MATCH, _VALUE = 7, 3  # of a head: hardly turned by rotary embedding; any other


def grid_of(fusion: str) -> int:
    return SIDE // 2 if fusion == CONCAT else SIDE


def picture(fusion: str, *, red: int | None = None, blue: int | None = None) -> Tensor:
    """Pixels [1, 3, H, W] with coloured cells of the fusion's grid."""
    side = grid_of(fusion)
    pixels = torch.zeros(1, 3, side, side)
    for channel, cell in ((0, red), (2, blue)):
        if cell is not None:
            pixels[0, channel, cell // side, cell % side] = 1
    return F.interpolate(pixels, size=(SIDE * PIXELS, SIDE * PIXELS), mode="nearest")


@cache
@torch.no_grad()
def planted_model(
    *,
    blind: bool = False,
    decoy: bool = False,
    relay: bool = False,
    carry: bool = False,
    latents: int = 0,
) -> MMGPTForConditionalGeneration:
    """`blind`: what is found is not used. `decoy`: the second head looks at blue, for nothing.
    `relay`: `PEEK` alone looks, and later positions ask it. `carry` (graph alone): text looks
    at blue, which has fetched red from its neighbours. `latents` (cross-attention alone) all
    look for red, and text looks at them.
    """
    model = _zero_model(latents)
    first, second = _blocks(model)
    asks = PEEKS if relay else ONE
    answers, reads = (BLUE, CARRIED) if carry else (RED, RED)
    for head in range(HEADS):
        if decoy and head == 1:
            _looks(first, head, asks, BLUE, BLUE, used=False)
        else:
            _looks(first, head, asks, answers, reads, used=not blind)
        if relay:
            _attends(second.self_attention, head, ONE, PEEKS, FOUND, RELAYED)
        if carry:
            assert model.graph is not None
            _attends(model.graph.rounds[0], head, BLUE, RED, RED, CARRIED)
    if model.resampler is not None:
        _resamples(model.resampler)
    widens, narrows = first.mlp.get_submodule("0"), first.mlp.get_submodule("2")
    assert isinstance(widens, nn.Linear)
    assert isinstance(narrows, nn.Linear)
    widens.weight[0, RED] = 1  # a red cell says the word itself
    narrows.weight[FOUND, 0] = 0.0 if blind else 1.0
    model.lm_head.weight[WORD, RELAYED if relay else FOUND] = 6
    return model


def _blocks(model: MMGPTForConditionalGeneration) -> list[Block]:
    return [block for block in model.blocks if isinstance(block, Block)]


def _zero_model(latents: int) -> MMGPTForConditionalGeneration:
    """Nothing is mixed yet: text is `ONE`, and cells are `CELL`, `RED` and `BLUE`."""
    config = MMGPTConfig(
        vocab_size=80,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        cross_attention_every=1,
        grid_size=SIDE,
        dropout=0.0,
        graph_rounds=1,
        graph_heads=HEADS,
        similar_cells=2,
        resampler_latents=latents,
        resampler_layers=1,
        name_classes=1,
        name_tokens=1,
        pointing_heads=(),
        tie_word_embeddings=False,
    )
    model = MMGPTForConditionalGeneration(config)
    model.eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and not name.startswith("encoder"):
            parameter.zero_()
    model.embedding.weight[:, ONE] = 8
    model.embedding.weight[PEEK, PEEKS] = 8
    model.cells.position[:, CELL] = 1
    model.cells.fine.weight[[RED, BLUE], [0, 2]] = 1
    assert model.joiner is not None
    for quarter in range(4):
        for dimension in (CELL, RED, BLUE):
            model.joiner.join.weight[dimension, quarter * WIDTH + dimension] = 1
    for block in _blocks(model):
        not_none(block.cross_attention).gate.fill_(5)
    model.encoder.backbone = MethodType(_colours, model.encoder)  # type: ignore[method-assign]
    return model


def _colours(_encoder: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The cells' mean colours in place of what EfficientNet makes of them."""
    fine = F.pad(F.avg_pool2d(pixels, PIXELS), (0, 0, 0, 0, 0, 117))
    return fine, torch.zeros(len(pixels), 352, SIDE // 2, SIDE // 2)


def _looks(block: Any, head: int, asks: int, answers: int, reads: int, *, used: bool) -> None:
    """The same for both ways to read the picture, next to the text and across."""
    cross, row = block.cross_attention, head * WIDTH // HEADS
    cross.query.weight[row + _MATCH, asks] = 1
    cross.key_value.weight[row + _MATCH, answers] = 1
    cross.key_value.weight[WIDTH + row + _VALUE, reads] = 1
    cross.output.weight[FOUND, row + _VALUE] = float(used) / HEADS
    _attends(block.self_attention, head, asks, answers, reads, FOUND, used=used)


def _resamples(resampler: Any) -> None:
    (layer,) = resampler.layers
    resampler.latents[:, ONE] = 8
    for row in range(0, WIDTH, WIDTH // HEADS):
        layer.query.weight[row + _MATCH, ONE] = 1
        layer.key_value.weight[row + _MATCH, RED] = 1
        layer.key_value.weight[WIDTH + row + _VALUE, RED] = 1
        layer.output.weight[RED, row + _VALUE] = 2 / HEADS


def _attends(
    module: Any, head: int, asks: int, answers: int, reads: int, writes: int, *, used: bool = True
) -> None:
    """A head whose query is one dimension, key another, and which moves a third to a fourth."""
    weight, row = module.query_key_value.weight, head * WIDTH // HEADS
    weight[row + _MATCH, asks] = 1
    weight[WIDTH + row + _MATCH, answers] = 1
    weight[2 * WIDTH + row + _VALUE, reads] = 1
    module.output.weight[writes, row + _VALUE] = float(used) / HEADS
