"""What the PyTorch model tells of an answer: the maps of methods that need it, and the numbers of
one head."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.errors import NotAvailable
from mmgpt_desktop.messages import HeadNumbers
from mmgpt_desktop.methods import TRACED, Method
from mmgpt_desktop.model.configuration import CONCAT
from mmgpt_desktop.model.trace import asked_and_offered, of_picture, trace
from mmgpt_desktop.model.written_answer import WrittenAnswer

BRIGHTEST = 5


def explain(method: Method, answer: WrittenAnswer) -> NDArray[Any]:
    """A map for each token of the answer: float32 [token, rows, columns], read-only, not negative.

    Rows and columns are the fusion's grid. A map's scale is the method's own; a token that
    needed no cell has zeros. Raises NotAvailable and Cancelled.
    """
    if method not in TRACED:
        raise ValueError(f"{method} needs no model")
    if method.about.prefix_only and answer.fusion != CONCAT:
        raise NotAvailable(
            "This way of explaining needs a model whose decoder reads the picture as tokens.",
            "Ask with the fusion “Concatenation”, or choose another way.",
        )
    side = answer.model.config.grid_of(answer.fusion)
    maps: Tensor = method.formula(answer)
    return _frozen(maps[:, : side**2].reshape(-1, side, side))


def attention_numbers(
    answer: WrittenAnswer, *, token: int, layer: int, head: int, count: int = BRIGHTEST
) -> HeadNumbers:
    """What a head computed as it read the picture for the answer's token number `token`.

    `layer` counts the layers that read the picture, as in AttentionMap. Vaswani et al. 2017,
    "Attention Is All You Need", eq. 1. Raises NotAvailable where it read latents.
    """
    config, fusion = answer.model.config, answer.fusion
    if config.resampled(fusion):
        raise NotAvailable(
            "In this fusion a head reads latents, and no cells of the photo.",
            "Ask with another fusion.",
        )
    ids = [*answer.prompt_ids, *answer.token_ids[:token]]
    with torch.no_grad():
        ran = of_picture(trace(answer.model, answer.pixels, ids, fusion), fusion)[layer]
        queries, (keys, values) = asked_and_offered(ran)
        query, keys, values = queries[0, head, -1], keys[0, head], values[0, head]
        scores = keys @ query / query.shape[0] ** 0.5
        weights = ran.weights[0, head, -1]
        cells = weights[: config.grid_of(fusion) ** 2].topk(count).indices
        return HeadNumbers(
            _frozen(query),
            _frozen(cells),
            _frozen(keys[cells]),
            _frozen(scores[cells]),
            _frozen(weights[cells]),
            _frozen(values[cells]),
            denominator=float(scores.exp().sum()),
            rest=float(1 - weights[cells].sum()),
            output=_frozen(weights @ values),
        )


def _frozen(values: Tensor) -> NDArray[Any]:
    array = values.detach().cpu().numpy().copy()
    array.setflags(write=False)
    return array
