"""Ways from the PyTorch model to maps of where an answer's tokens come from.

All are teacher-forced: the answer as it was written is read once more, and the position
before a token is the one that predicted it. Places in the picture are cells; what comes from
the names that the encoder found has none, and is in no map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.errors import Cancelled, NotAvailable
from mmgpt_desktop.messages import TRACED, HeadNumbers, Method
from mmgpt_desktop.model.configuration import CONCAT
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.trace import Look, Trace, asked_and_offered, of_picture, trace

BRIGHTEST = 5
_READ = 0.2  # the share of progress that goes to reading the answer

Progress = Callable[[float], None]  # 0 to 1


def explain(
    model: MMGPTForConditionalGeneration,
    method: Method,
    pixels: Tensor,
    prompt_ids: Sequence[int],
    token_ids: Sequence[int],
    fusion: str,
    progress: Progress = lambda _done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """A map for each token of the answer: float32 [token, rows, columns], read-only, not negative.

    `pixels` [1, 3, H, W] as the model takes them; rows and columns are the fusion's grid. A
    map's scale is the method's own; a token that needed no cell has zeros. Not for inference
    mode: relevancy takes gradients. Raises NotAvailable and Cancelled.
    """
    if method not in TRACED:
        raise ValueError(f"{method} needs no model")
    if method is Method.TAM and fusion != CONCAT:
        raise NotAvailable(
            "Token activation maps need a model whose decoder reads the picture as tokens.",
            "Ask with the fusion “Concatenation”, or choose another way.",
        )
    side = model.config.grid_of(fusion)
    written = [*prompt_ids, *token_ids]
    positions = range(len(prompt_ids) - 1, len(written) - 1)
    with torch.set_grad_enabled(method is Method.RELEVANCY):
        seen = trace(model, pixels, written[:-1] if token_ids else written, fusion)
        stages = _Stages(len(positions), progress, cancelled)
        stages.done(0)
        if method is Method.ROLLOUT:
            maps = rollout(seen)[positions.start : positions.stop]
        elif method is Method.RELEVANCY:
            maps = _relevancies(seen, positions, token_ids, stages)
        else:
            maps = _activations(model, seen, positions, written, stages)
    progress(1.0)
    cells = maps[:, : side**2].reshape(-1, side, side)
    return _frozen(cells)


class _Stages:
    """Tells how far the work is, and ends it when it is no longer wanted."""

    def __init__(self, count: int, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self._count, self._progress, self._cancelled = max(1, count), progress, cancelled

    def done(self, tokens: int) -> None:
        if self._cancelled():
            raise Cancelled
        self._progress(1 - (1 - _READ) * (1 - tokens / self._count))


def rollout(seen: Trace) -> Tensor:
    """Attention rollout: how much of each picture position is in each text position, [S, T].

    R <- (A R + R) / 2 for the tokens that read, layer by layer, from R = I; A is the mean over
    the heads (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers"). It takes
    text and picture as one sequence of tokens, in which each attention of the model reads a
    part. It knows how much was read, not whether it was used: values, gates and MLPs are left
    out.
    """
    rolled = torch.eye(seen.tokens, seen.picture)
    for look in seen.looks:
        read = look.over_tokens(look.weights[0].mean(dim=0)) @ rolled[look.columns]
        rolled[look.rows] = (rolled[look.rows] + read) / 2
    return rolled[seen.picture :]


def relevancy(seen: Trace, position: int, token: int) -> Tensor:
    """What the logit of `token` at the text's `position` owes to each picture position, [T].

    R <- R + E_h((dlogit/dA * A)^+) R for the tokens that read, layer by layer, from R = I
    (Chefer et al. 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and
    Encoder-Decoder Transformers", eq. 5-7). Where text reads a picture whose cells have read
    one another before, R of the cells is I and a part of rows that sum to 1 (eq. 8-10). Eq. 10
    also passes that back over the text's own R; here it is left out, as in a causal decoder it
    would hand a word's relevance to the words before it.
    """
    gradients = torch.autograd.grad(
        seen.logits[position, token],
        [look.weights for look in seen.looks],
        retain_graph=True,
        allow_unused=True,  # the last layer of a prefix is read by nothing
    )
    relevant = torch.eye(seen.tokens, seen.picture)
    for look, gradient in zip(seen.looks, gradients, strict=True):
        if gradient is None:
            continue
        useful = (gradient * look.weights.detach())[0].clamp(min=0).mean(dim=0)
        relevant[look.rows] += look.over_tokens(useful) @ _source(relevant, look, seen.picture)
    return relevant[seen.picture + position]


def _source(relevant: Tensor, look: Look, picture: int) -> Tensor:
    """R of the tokens that are read; where text reads the picture alone, it is normalised."""
    source = relevant[look.columns]
    if look.columns.stop > look.rows.start:
        return source
    own = torch.eye(picture)[look.columns]
    others = source - own
    return own + others / others.sum(dim=1, keepdim=True).clamp(min=1e-12)


def _relevancies(
    seen: Trace, positions: range, token_ids: Sequence[int], stages: _Stages
) -> Tensor:
    maps = torch.zeros(len(positions), seen.picture)
    for place, (position, token) in enumerate(zip(positions, token_ids, strict=True)):
        maps[place] = relevancy(seen, position, token)
        stages.done(place + 1)
    return maps


def _activations(
    model: MMGPTForConditionalGeneration,
    seen: Trace,
    positions: range,
    written: Sequence[int],
    stages: _Stages,
) -> Tensor:
    """Token activation maps [token, T] (Li et al. 2025, "Token Activation Map to Visually
    Explain Multimodal LLMs").

    A token's activation at a position is its logit there, or 0 if that is negative. The
    paper's rank Gaussian filter is left out: it is made for hundreds of cells, and on a few
    dozen it spreads one cell over nine.
    """
    assert seen.prefix is not None
    ids = torch.tensor(list(written))
    logits = torch.cat([model.lm_head(model.norm(seen.prefix)), seen.logits])
    activations = logits.clamp(min=0).T  # (V, T + S)
    maps = activations[ids, : seen.picture]
    cleaned = torch.zeros(len(positions), seen.picture)
    for place, position in enumerate(positions):
        target = position + 1
        nearness = activations[ids[target], seen.picture : seen.picture + target]
        nearness = nearness * (ids[:target] != ids[target])  # a word doesn't hide its like
        cleaned[place] = without_context(maps[target], maps[:target], nearness)
        stages.done(place + 1)
    return cleaned


def without_context(own: Tensor, earlier: Tensor, nearness: Tensor) -> Tensor:
    """A token's activations [T] without what the tokens before it light up, `earlier` [n, T].

    (a - s I)^+ with the interference I = sum_k r_k a_k, r the shares of `nearness` [n] (the
    token's own activation at those before it), and s the least squares of a - s I. The
    "estimated causal inference" of Li et al. 2025.
    """
    total = nearness.sum()
    if total <= 0:
        return own
    interference = nearness / total @ earlier
    strength = own @ interference / (interference @ interference).clamp(min=1e-12)
    return (own - strength * interference).clamp(min=0)


def attention_numbers(
    model: MMGPTForConditionalGeneration,
    pixels: Tensor,
    prompt_ids: Sequence[int],
    token_ids: Sequence[int],
    fusion: str,
    *,
    token: int,
    layer: int,
    head: int,
    count: int = BRIGHTEST,
) -> HeadNumbers:
    """What a head computed as it read the picture for the answer's token number `token`.

    `layer` counts the layers that read the picture, as in AttentionMap. Vaswani et al. 2017,
    "Attention Is All You Need", eq. 1. Raises NotAvailable where it read latents.
    """
    if model.config.resampled(fusion):
        raise NotAvailable(
            "In this fusion a head reads latents, and no cells of the photo.",
            "Ask with another fusion.",
        )
    ids = [*prompt_ids, *token_ids[:token]]
    with torch.no_grad():
        ran = of_picture(trace(model, pixels, ids, fusion), fusion)[layer]
        queries, (keys, values) = asked_and_offered(ran)
        query, keys, values = queries[0, head, -1], keys[0, head], values[0, head]
        scores = keys @ query / query.shape[0] ** 0.5
        weights = ran.weights[0, head, -1]
        cells = weights[: model.config.grid_of(fusion) ** 2].topk(count).indices
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
    array = values.detach().numpy().copy()
    array.setflags(write=False)
    return array
