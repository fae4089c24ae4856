"""How far a quantised decoder is from the truth: its next tokens, and where it looks.

`python -m tests.benchmarks.precisions CHECKPOINT`: a table of ways to keep the weights (minutes).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.folder.checkpoint import weight_files
from mmgpt_desktop.engine.folder.recognise import model_folder
from mmgpt_desktop.engine.folder.tokenizing import encode, load_tokenizer
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, DecoderSession
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.nodes import Nodes
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.export.against_torch import moved
from mmgpt_desktop.export.decoder_graph import build_decoder, embeddings_of
from mmgpt_desktop.export.decoder_spec import DecoderSpec, read_spec
from mmgpt_desktop.export.export_folder import read_config
from mmgpt_desktop.export.graph_writer import FLOAT, GraphWriter
from mmgpt_desktop.export.linear import (
    BLOCK,
    ByPosition,
    Floating,
    Floats,
    InBlocks,
    Linears,
    Precision,
    linears_for,
)
from mmgpt_desktop.export.quantise import Blocks, Quantiser, round_to_nearest
from mmgpt_desktop.export.weights import DecoderWeights, SafetensorsWeights
from mmgpt_desktop.text import in_columns, safe_name
from tests.benchmarks.weight_ways import ByLayer, DynamicInt8, half_quadratic, least_squares

TEXTS = Path(__file__).parent / "plain-english.json"
CHUNK = 16  # positions fed at once: each gives one row of attention
_INPUT = ".input"
_EIGHT = round_to_nearest(8, BLOCK, symmetric=True)
_PROMPT, _STEPS, _ROUNDS, _LONGEST = 96, 32, 3, 256
ENOUGH, NEAR = 0.95, 0.02  # what a default precision must reach: agreement, attention


@dataclass(frozen=True, eq=False)
class Reading:
    """What a decoder said of some texts: its first choice at each position, and the last
    attention row of each chunk, [layer, head, T], if it looks at words."""

    choices: NDArray[np.int64]
    rows: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Difference:
    """`agreement`: the share of positions with the same first choice. `attention`: the share
    of the weight that moved elsewhere, half the summed difference of two rows, on average;
    None where there are no rows."""

    agreement: float
    attention: float | None

    @property
    def good_enough(self) -> bool:
        return self.agreement >= ENOUGH and (self.attention or 0) <= NEAR


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
    agreement = float(np.mean(truth.choices == other.choices))
    rows = list(zip(truth.rows, other.rows, strict=True))
    return Difference(agreement, moved(rows) if rows else None)


class _Recorded(Floating):
    """Each layer's input is an output of the graph."""

    def add(self, graph: Nodes, name: str, value: str, weight: Floats, bias: Floats | None) -> str:
        assert isinstance(graph, GraphWriter)
        graph.output(value, f"{name}{_INPUT}", FLOAT, [1, f"{name}.S", weight.shape[1]])
        return super().add(graph, name, value, weight, bias)


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A checkpoint's language model, and texts in its tokens."""

    spec: DecoderSpec
    weights: DecoderWeights
    calibration: Sequence[Sequence[int]]
    measured: Sequence[Sequence[int]]

    @cached_property
    def table(self) -> Floats:
        return embeddings_of(self.spec, self.weights)

    @property
    def shown(self) -> bool:
        """Cross-attention has nothing to look at: these are words alone."""
        return not self.spec.cross_before


@dataclass(frozen=True)
class ComparedRow:
    """A line of the table: the file's megabytes, the quickest prompt in milliseconds, the
    tokens a second of the quickest steps."""

    name: str
    difference: Difference
    size: float
    prefill: float
    rate: float


def ways(products: Mapping[str, Floats]) -> dict[str, Linears]:
    """What is compared, the truth first; `products` as `input_products` gives them."""
    eight = linears_for(Precision.INT8)
    four = InBlocks(round_to_nearest(4, BLOCK))
    tuned = InBlocks(_once(least_squares(4, BLOCK, products)))
    ends = ("down_proj", "fc2", "lm_head")
    return {
        "fp32": Floating(),
        "fp16": Floating(half=True),
        "int8, round to nearest": eight,
        "int8, float inputs of down_proj and lm_head": ByLayer(
            dict.fromkeys(ends, InBlocks(_EIGHT, floating=True)), eight
        ),
        "int8, one scale a row and tensor": DynamicInt8(),
        "int8, one scale a row and position (mixed: the prompt)": ByPosition(),
        "int4, round to nearest": four,
        "int4, HQQ": InBlocks(half_quadratic(4, BLOCK)),
        "int4, GPTQ": tuned,
        "int4, GPTQ; int8 down_proj and lm_head": ByLayer(dict.fromkeys(ends, eight), tuned),
        "int4, GPTQ lm_head; int8": ByLayer({"lm_head": tuned}, eight),
    }


def _once(quantiser: Quantiser) -> Quantiser:
    """Each layer but once: it takes minutes for all."""
    found = dict[str, Blocks]()

    def quantise(name: str, weight: Floats) -> Blocks:
        if name not in found:
            found[name] = quantiser(name, weight)
        return found[name]

    return quantise


def compare(
    language: LanguageModel, folder: Path, tell: Callable[[str], None]
) -> list[ComparedRow]:
    """One row for each way, built in `folder` one after the other."""
    tell("what goes into each layer")
    products = input_products(language, folder)
    truth, rows = None, list[ComparedRow]()
    for name, linears in ways(products).items():
        tell(name)
        path = folder / "compared.onnx"
        build_decoder(language.spec, language.weights, path, linears, attention=language.shown)
        session = open_session(path, language.spec)
        reading = read(session, language.table, language.measured)
        truth = truth or reading
        size = path.with_name(f"{path.name}.data").stat().st_size / 1e6
        rows.append(ComparedRow(name, difference(truth, reading), size, *_speed(session, language)))
    return rows


def open_session(path: Path, spec: DecoderSpec) -> DecoderSession:
    threads = physical_cores()
    return DecoderSession(path, capacity=_LONGEST, threads=threads, begin=spec.begin)


def _speed(session: DecoderSession, language: LanguageModel) -> tuple[float, float]:
    """Prefill in milliseconds and tokens a second, of the quickest: what else runs slows down
    only some."""
    text = [token for tokens in language.measured for token in tokens][: _PROMPT + _STEPS]
    prompt, steps = language.table[text[:_PROMPT]][None], language.table[text[_PROMPT:]]
    prefill, decode = list[float](), list[float]()
    for _ in range(_ROUNDS):
        session.length = 0
        times = [time.perf_counter()]
        session.feed(prompt)
        times.append(time.perf_counter())
        for step in steps:
            session.feed(step[None, None])
            times.append(time.perf_counter())
        first, *later = np.diff(times)
        prefill.append(float(first))
        decode.append(float(np.quantile(later, 0.1)))
    return 1000 * min(prefill), 1 / min(decode)


def table_of(rows: Sequence[ComparedRow]) -> str:
    cells = [["", "agreement", "attention", "MB", "prefill ms", "tokens/s"]]
    for row in rows:
        found = row.difference
        shifted = "-" if found.attention is None else f"{found.attention:.4f}"
        speeds = f"{row.prefill:.0f}", f"{row.rate:.0f}"
        cells.append([row.name, f"{found.agreement:.3f}", shifted, f"{row.size:.0f}", *speeds])
    lines = [in_columns(cells)]
    rule = f"agreement of {ENOUGH:.0%} at least"
    if rows[0].difference.attention is None:
        lines.append("No attention is compared: it goes from words to photos, and these are words.")
    else:
        rule += f", {NEAR} of the attention moved at most"
    quickest = max((row for row in rows if row.difference.good_enough), key=lambda row: row.rate)
    return "\n".join([*lines, f"The quickest with {rule}: {quickest.name}."])


def input_products(language: LanguageModel, folder: Path) -> dict[str, Floats]:
    """By layer x.T @ x [K, K], summed over the layer's inputs x, for `least_squares`."""
    path = folder / "recorded.onnx"
    build_decoder(language.spec, language.weights, path, _Recorded(), attention=False)
    graph, found = Graph(path, cuda=False), dict[str, Floats]()
    inputs = [name for name in graph.outputs if name.endswith(_INPUT)]
    decoder, begin = DecoderGraph(graph, in_place=False), language.spec.begin
    for text in language.calibration:
        words = language.table[list(text)][None]
        fed = decoder.text_feeds(words, 0, logits_from=0, begin=begin)
        given = graph.run(inputs, {**fed, **decoder.nothing()}, CancelToken())
        for name, x in zip(inputs, given, strict=True):
            layer = name.removesuffix(_INPUT)
            found[layer] = x[0].T @ x[0] + found.get(layer, np.float32(0))
    return found


def open_language(folder: Path) -> LanguageModel:
    """Of a checkpoint's folder: of any family whose language model can be built.

    Raises BundleError.
    """
    folder = model_folder(folder)
    try:
        config = read_config(folder)
        tokenizer = load_tokenizer(folder / "tokenizer.json")
    except AppError:
        raise
    except Exception as error:  # the library's own share no base but this
        title = "The folder {path} holds no model that can be compared."
        raise BundleError(title, path=safe_name(str(folder))) from error
    listed = json.loads(TEXTS.read_text(encoding="utf-8"))
    calibration, measured = (
        [encode(tokenizer, text, special=True) for text in listed[part]]
        for part in ("calibration", "measured")
    )
    spec = read_spec(config.get_text_config(decoder=True).to_dict())
    weights = DecoderWeights(SafetensorsWeights(weight_files(folder)), spec.kind.tensors)
    return LanguageModel(spec, weights, calibration, measured)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Ways to keep weights, by truth and speed.")
    parser.add_argument("checkpoint", type=Path, help="a transformers checkpoint's folder")
    options = parser.parse_args(arguments)
    try:
        language = open_language(options.checkpoint)
        with tempfile.TemporaryDirectory() as folder:
            rows = compare(language, Path(folder), lambda what: print(what, file=sys.stderr))
    except AppError as error:
        print(error, file=sys.stderr)
        return 2
    print(table_of(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
