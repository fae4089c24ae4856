"""Token activation maps: the picture's cells as if they wrote the answer's words."""

from __future__ import annotations

import torch
from torch import Tensor

from mmgpt_desktop.model.written_answer import WrittenAnswer


def activations(answer: WrittenAnswer) -> Tensor:
    """Token activation maps [token, T] (Li et al. 2025, "Token Activation Map to Visually
    Explain Multimodal LLMs").

    A token's activation at a position is its logit there, or 0 if that is negative. The
    paper's rank Gaussian filter is left out: it is made for hundreds of cells, and on a few
    dozen it spreads one cell over nine.
    """
    with torch.no_grad():
        seen, model = answer.trace(), answer.model
        assert seen.prefix is not None
        ids = torch.tensor(answer.written, device=seen.logits.device)
        logits = torch.cat([model.lm_head(model.norm(seen.prefix)), seen.logits])
        active = logits.clamp(min=0).T  # (V, T + S)
        maps = active[ids, : seen.picture]
        cleaned = seen.logits.new_zeros(len(answer.positions), seen.picture)
        for index, position in enumerate(answer.positions):
            target = position + 1
            nearness = active[ids[target], seen.picture : seen.picture + target]
            nearness = nearness * (ids[:target] != ids[target])  # a word doesn't hide its like
            cleaned[index] = without_context(maps[target], maps[:target], nearness)
            answer.cancel.raise_if_cancelled()
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
