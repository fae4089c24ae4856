"""Beam search, for every runtime: a few answers are followed, the likeliest one is given.

The graphs take one sequence at a time, so the beams run one after another, each with its
own cache.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.generate import (
    Answer,
    Token,
    log_softmax,
    penalised,
    run_decoder,
    softmax,
)
from mmgpt_desktop.engine.runtime import Decoder, DecodeResult, Picture

LENGTH_PENALTY = 0.6


@dataclass(frozen=True, eq=False)
class Beam:
    """An answer that is followed: its tokens, their log probability, what goes in next.

    The last token of one that has ended is the end.
    """

    tokens: tuple[Token, ...]
    log_probability: float
    feed: Sequence[int]
    cache: Any | None = None
    ended: bool = False

    @property
    def score(self) -> float:
        """Log probability over the length penalty of Wu et al. 2016, "Google's Neural
        Machine Translation System": ((5 + length) / 6) ** 0.6, the end token counted.
        """
        return float(self.log_probability / ((5 + len(self.tokens)) / 6) ** LENGTH_PENALTY)


def beam_search(
    runtime: Decoder[Picture],
    encoded: Picture,
    answer: Answer,
    *,
    stop_ids: Collection[int],
    context_length: int,
    attention: bool,
    cancel: CancelToken,
) -> Iterator[Token]:
    """Like `generate.decode`, but nothing is drawn, and all comes at the end.

    `answer.sampling.beams` answers are followed; each that ends makes the search narrower
    (Sutskever et al. 2014). One beam gives the greedy answer.
    """
    full = min(answer.sampling.max_new_tokens, context_length - len(answer.prompt))
    live, ended = [Beam((), 0.0, answer.prompt)], list[Beam]()
    for _ in range(full):
        width = answer.sampling.beams - len(ended)
        grown = list[Beam]()
        for beam in live:
            result = run_decoder(
                runtime, beam.feed, encoded, beam.cache, attention=attention, cancel=cancel
            )
            grown += _grow(beam, result, width, answer, stop_ids)
        kept = heapq.nlargest(width, grown, key=lambda beam: beam.log_probability)
        live = [beam for beam in kept if not beam.ended]
        ended += [beam for beam in kept if beam.ended]
        if not live:
            break
    likeliest = max([*ended, *live], key=lambda beam: beam.score)
    answer.probabilities += [token.probability for token in likeliest.tokens]
    for token in likeliest.tokens[:-1] if likeliest.ended else likeliest.tokens:
        answer.tokens.append(token.token_id)
        yield token


def _grow(
    beam: Beam, result: DecodeResult, width: int, answer: Answer, stop_ids: Collection[int]
) -> Iterator[Beam]:
    """The `width` likeliest ways to go on with a beam."""
    written = [token.token_id for token in beam.tokens]
    penalty = answer.sampling.repetition_penalty
    scores = log_softmax(penalised(result.logits.astype(np.float64), written, penalty))
    shown = softmax(result.logits / answer.calibration)
    for token_id in map(int, np.argsort(-scores, kind="stable")[:width]):
        log_probability = beam.log_probability + float(scores[token_id])
        tokens = (*beam.tokens, Token(token_id, float(shown[token_id]), result.attention))
        if token_id in stop_ids:
            yield Beam(tokens, log_probability, (), ended=True)
        else:
            yield Beam(tokens, log_probability, [token_id], result.cache)
