"""Attention rollout."""

from __future__ import annotations

import torch
from torch import Tensor

from mmgpt_desktop.model.trace import Trace
from mmgpt_desktop.model.written_answer import WrittenAnswer


def rollout(answer: WrittenAnswer) -> Tensor:
    """How much of each picture position is in each token of the answer, [token, T]."""
    with torch.no_grad():
        positions = answer.positions
        return _rolled(answer.trace())[positions.start : positions.stop]


def _rolled(seen: Trace) -> Tensor:
    """How much of each picture position is in each text position, [S, T].

    R <- (A R + R) / 2 for the tokens that read, layer by layer, from R = I; A is the mean over
    the heads (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers"). It takes
    text and picture as one sequence of tokens, in which each attention of the model reads a
    part. It knows how much was read, not whether it was used: values, gates and MLPs are left
    out.
    """
    rolled = torch.eye(seen.tokens, seen.picture, device=seen.logits.device)
    for each in seen.attentions:
        read = each.over_tokens(each.weights[0].mean(dim=0)) @ rolled[each.columns]
        rolled[each.rows] = (rolled[each.rows] + read) / 2
    return rolled[seen.picture :]
