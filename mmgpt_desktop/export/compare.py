"""How far a quantised decoder is from the truth: its next tokens, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.decoder_session import DecoderSession

CHUNK = 16  # positions fed at once: each gives one row of attention


@dataclass(frozen=True, eq=False)
class Reading:
    """What a decoder said of some texts: its first choice at each position, and the last
    attention row of each chunk, [layer, head, T]."""

    choices: NDArray[np.int64]
    rows: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Difference:
    """`agreement`: the share of positions with the same first choice. `attention`: the share
    of the weight that moved elsewhere, half the summed difference of two rows, on average."""

    agreement: float
    attention: float


def read(
    session: DecoderSession, table: NDArray[np.float32], texts: Sequence[Sequence[int]]
) -> Reading:
    """Feed each text's tokens, whatever the decoder would say; `table` is the embedding."""
    choices, rows = list[NDArray[np.int64]](), list[NDArray[np.float32]]()
    for text in texts:
        session.length = 0
        for start in range(0, len(text), CHUNK):
            embedded = table[list(text[start : start + CHUNK])][None]
            logits, attention = session.feed(embedded, logits_from=0)
            choices.append(logits.argmax(-1))
            if attention is not None:
                rows.append(attention)
    return Reading(np.concatenate(choices), tuple(rows))


def difference(truth: Reading, other: Reading) -> Difference:
    moved = [
        np.abs(one - two).sum(-1).mean() / 2
        for one, two in zip(truth.rows, other.rows, strict=True)
    ]
    agreement = float(np.mean(truth.choices == other.choices))
    return Difference(agreement, float(np.mean(moved)) if moved else 0.0)
