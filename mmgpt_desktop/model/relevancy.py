"""Relevancy: attention where it matters, as gradients tell."""

from __future__ import annotations

import torch
from torch import Tensor

from mmgpt_desktop.model.trace import TokenAttention, Trace
from mmgpt_desktop.model.written_answer import WrittenAnswer


def relevancies(answer: WrittenAnswer) -> Tensor:
    """What each token of the answer owes to each picture position, [token, T].

    Not for inference mode: it takes gradients.
    """
    maps = []
    with torch.enable_grad():
        seen = answer.trace()
        for position, token in zip(answer.positions, answer.token_ids, strict=True):
            maps.append(_relevancy(seen, position, token))
            answer.cancel.raise_if_cancelled()
    return torch.stack(maps) if maps else seen.logits.new_zeros(0, seen.picture)


def _relevancy(seen: Trace, position: int, token: int) -> Tensor:
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
        [each.weights for each in seen.attentions],
        retain_graph=True,
        allow_unused=True,  # the last layer of a prefix is read by nothing
    )
    relevant = torch.eye(seen.tokens, seen.picture, device=seen.logits.device)
    for each, gradient in zip(seen.attentions, gradients, strict=True):
        if gradient is None:
            continue
        useful = (gradient * each.weights.detach())[0].clamp(min=0).mean(dim=0)
        relevant[each.rows] += each.over_tokens(useful) @ _source(relevant, each, seen.picture)
    return relevant[seen.picture + position]


def _source(relevant: Tensor, read: TokenAttention, picture: int) -> Tensor:
    """R of the tokens that are read; where text reads the picture alone, it is normalised."""
    source = relevant[read.columns]
    if read.columns.stop > read.rows.start:
        return source
    own = torch.eye(picture, device=source.device)[read.columns]
    others = source - own
    return own + others / others.sum(dim=1, keepdim=True).clamp(min=1e-12)
