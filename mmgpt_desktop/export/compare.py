"""How far a quantised decoder is from the truth: its next tokens, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.decoder_session import DecoderSession
from mmgpt_desktop.engine.onnx_runtime import make_session
from mmgpt_desktop.export.attention import Attention
from mmgpt_desktop.export.decoder import build_decoder
from mmgpt_desktop.export.graph import FLOAT, GraphWriter
from mmgpt_desktop.export.linear import Floating, Floats
from mmgpt_desktop.export.spec import DecoderSpec
from mmgpt_desktop.export.weights import DecoderWeights

CHUNK = 16  # positions fed at once: each gives one row of attention
ENOUGH, NEAR = 0.95, 0.02  # what a default precision must reach: agreement, attention


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

    @property
    def good_enough(self) -> bool:
        return self.agreement >= ENOUGH and self.attention <= NEAR


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


class _Recorded(Floating):
    """Each layer's input is an output of the graph."""

    def add(
        self, graph: GraphWriter, name: str, value: str, weight: Floats, bias: Floats | None
    ) -> str:
        graph.output(value, f"{name}.input", FLOAT, [1, f"{name}.S", weight.shape[1]])
        return super().add(graph, name, value, weight, bias)


def input_products(
    spec: DecoderSpec,
    weights: DecoderWeights,
    table: Floats,
    texts: Sequence[Sequence[int]],
    folder: Path,
) -> dict[str, Floats]:
    """By layer x.T @ x [K, K], summed over the layer's inputs x, for `least_squares`."""
    path = folder / "recorded.onnx"
    build_decoder(spec, weights, path, _Recorded(), attention=Attention.NONE)
    session = make_session(str(path), folder, cuda=False)
    inputs = [output.name for output in session.get_outputs() if output.name.endswith(".input")]
    found = dict[str, Floats]()
    for text in texts:
        given = session.run(inputs, _feeds(session, table[list(text)][None]))
        for name, x in zip(inputs, given, strict=True):
            layer = name.removesuffix(".input")
            found[layer] = x[0].T @ x[0] + found.get(layer, np.float32(0))
    return found
