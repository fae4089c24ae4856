"""`mmgpt-desktop bench`: how fast each runtime answers by each fusion, with and without
attention; with `--explain`, how long it takes to find out what a word needed; with
`--switches`, what memory is left when models change."""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.option_types import number, positive
from mmgpt_desktop.embedded import default_model
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.bundle_engine import ORDER, BundleEngine, model_info
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.memory import give_memory_back
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.open_engine import is_checkpoint, open_engine
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.messages import (
    CellMaps,
    Explanation,
    Found,
    GenerationRequest,
    Message,
    Photo,
    RuntimeName,
    Sampling,
    Timings,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import in_columns

QUESTION = "What is happening in this picture?"
ATTENTION_OUTPUT = "attention"

T = TypeVar("T")


@dataclass(eq=False)
class BenchRow:
    """One way to answer, and what was measured of it."""

    label: str
    answer: Callable[[], Timings]
    load_seconds: float | None = None
    measured: list[Timings] = field(default_factory=list)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fusion", metavar="NAME", help="only this one of the model's (all)")
    parser.add_argument("--tokens", type=number(int, 2), default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=positive, default=5, help="answers of each kind")
    parser.add_argument(
        "--explain", action="store_true", help="instead: what explaining a word costs"
    )
    parser.add_argument(
        "--switches",
        type=positive,
        metavar="N",
        help="instead: the memory after each of N switches",
    )
    parser.add_argument(
        "--other", type=path_said, metavar="DIR", help="with --switches: to this model and back"
    )


def run(options: argparse.Namespace) -> int:
    """Print a table; raises AppError when no runtime works."""
    path: Path = options.model or default_model()
    tokens, rounds = options.tokens, options.rounds
    if options.switches is not None:
        models = [path, *([options.other] if options.other else [])]
        _print_switches(models, options.runtime, tokens, options.switches)
        return 0
    fusions = _fusions(path, options.fusion)
    names = [options.runtime] if options.runtime else ORDER
    if options.explain:
        texts = _of_each(names, lambda name: _explained(path, name, fusions, tokens, rounds))
        print(in_columns([["", "first map s", "occlusion s", "check s"], *texts]))
        print(f"Medians of {rounds} rounds: one word of an answer of at most {tokens} tokens.")
    else:
        rows = _of_each(names, lambda name: _measured(path, name, fusions, tokens, rounds))
        print(_table(rows, rounds))
        if not is_checkpoint(path):
            print("Loaded is the default fusion; another's graphs are when it is first asked.")
    return 0


def _fusions(path: Path, fusion: str | None) -> Sequence[str | None]:
    """The one chosen or all of them; of a public model its own."""
    if not is_checkpoint(path):
        model = model_info(open_bundle(path))
        return [each.name for each in ([model.fusion_info(fusion)] if fusion else model.fusions)]
    if fusion is not None:
        raise AppError("A public model has no fusions to choose from.", "Leave out --fusion.")
    return [None]


def _of_each(names: Sequence[RuntimeName], work: Callable[[RuntimeName], list[T]]) -> list[T]:
    """What every runtime that works gives."""
    rows = list[T]()
    for name in names:
        try:
            rows += work(name)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
    if not rows:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    return rows


# How fast it answers


def _measured(
    path: Path, name: RuntimeName, fusions: Sequence[str | None], tokens: int, rounds: int
) -> list[BenchRow]:
    """Rounds alternate between the rows, so that a busy moment hurts all alike."""
    rows = list(_rows(path, name, fusions, tokens))
    for row in rows:
        row.answer()  # warm up
    for place in range(rounds):
        print(f"round {place + 1} of {rounds}", file=sys.stderr)
        for row in rows:
            row.measured.append(row.answer())
    return rows


def _rows(
    path: Path, name: RuntimeName, fusions: Sequence[str | None], tokens: int
) -> Iterator[BenchRow]:
    print(f"{name}: loading ...", file=sys.stderr)
    engine = open_engine(path, name)
    seconds: float | None = _load(engine)
    plain = engine if not isinstance(engine, BundleEngine) else _without_attention(engine, fusions)
    for fusion in fusions:
        label = _label(name, fusion)
        shown = partial(_answered, engine, fusion, tokens)
        yield BenchRow(f"{label}, attention", shown, seconds)
        seconds = None
        if plain is not None:
            hidden = partial(_answered, plain, fusion, tokens, attention=False)
            yield BenchRow(f"{label}, no attention", hidden)
    if isinstance(engine, BundleEngine) and name is RuntimeName.TORCH:
        yield from _generate_rows(engine.bundle, fusions, tokens)


def _load(engine: EngineBase) -> float:
    """Seconds; what it answers from now on never stops early."""
    started = time.perf_counter()
    engine.load()
    engine.stop_ids = frozenset()
    return time.perf_counter() - started


def _answered(
    engine: EngineBase, fusion: str | None, tokens: int, *, attention: bool = True
) -> Timings:
    engine.forget()  # so that the image is encoded anew
    return _answer(engine, fusion, tokens, attention=attention)[1]


def _without_attention(engine: BundleEngine, fusions: Sequence[str | None]) -> BundleEngine | None:
    """PyTorch as it is, else the same graphs less their output; None without the onnx package."""
    name = engine.runtime.runtime
    if name is RuntimeName.TORCH:
        return engine
    try:
        import onnx  # noqa: F401
    except ImportError:
        print("no attention: left out, the onnx package is not installed.", file=sys.stderr)
        return None
    bundle = engine.bundle
    files = {bundle.manifest.fusions[fusion].decoder for fusion in fusions if fusion}
    graphs = {file: _stripped(bundle.file(file)) for file in files}
    plain = BundleEngine(bundle.path, name, lambda *_: OnnxRuntime(bundle, name, graphs=graphs))
    _load(plain)
    return plain


def _stripped(decoder: Path) -> bytes:
    import onnx

    model = onnx.load(str(decoder), load_external_data=False)
    for output in list(model.graph.output):
        if output.name == ATTENTION_OUTPUT:
            model.graph.output.remove(output)
    return bytes(model.SerializeToString())


def _generate_rows(
    bundle: Bundle, fusions: Sequence[str | None], tokens: int
) -> Iterator[BenchRow]:
    """transformers' `generate`, once for one token and once for all."""
    runtime, pixels = TorchRuntime(bundle), prepare(_noise(), bundle.manifest.image_spec())[0]
    prompt = MmgptFamily(bundle).build_prompt([Message("user", QUESTION)], tokens).token_ids
    tokens = max(2, min(tokens, bundle.manifest.decoder.context_length - len(prompt)))

    def answer(fusion: str, attention: bool) -> Timings:
        first, total = (
            runtime.time_generate(pixels, fusion, prompt, count, attention=attention)
            for count in (1, tokens)
        )
        return Timings(first_token=first, total=total, tokens=tokens)

    for fusion in filter(None, fusions):
        label = f"transformers generate, {fusion}"
        yield BenchRow(f"{label}, output_attentions", partial(answer, fusion, True))
        yield BenchRow(label, partial(answer, fusion, False))


def _table(rows: list[BenchRow], rounds: int) -> str:
    cells = [["", "load s", "first token ms", "tokens/s"]]
    for row in rows:
        load = "-" if row.load_seconds is None else f"{row.load_seconds:.2f}"
        first = statistics.median(each.first_token for each in row.measured)
        speed = statistics.median(each.tokens_per_second for each in row.measured)
        cells.append([row.label, load, f"{first * 1000:.0f}", f"{speed:.1f}"])
    tokens = rows[0].measured[0].tokens
    note = f"Medians of {rounds} answers of {tokens} tokens each, the image encoded anew."
    return f"{in_columns(cells)}\n{note}"


# How long it takes to explain a word


def _explained(
    path: Path, name: RuntimeName, fusions: Sequence[str | None], tokens: int, rounds: int
) -> list[list[str]]:
    """The seconds that occlusion and the check of a word take."""
    engine, rows = open_engine(path, name), list[list[str]]()
    engine.load()
    for fusion in fusions:
        explanation, _ = _answer(engine, fusion, tokens)
        times = [_explain(engine, explanation) for _ in range(rounds + 1)][1:]  # one to warm up
        medians = (statistics.median(each) for each in zip(*times, strict=True))
        rows.append([_label(name, fusion), *(f"{seconds:.2f}" for seconds in medians)])
    engine.close()
    return rows


def _explain(engine: EngineBase, explanation: Explanation) -> tuple[float, float, float]:
    """Seconds to a word's first map, to its last one, and of its check."""
    word, cancel, started = slice(0, 1), CancelToken(), time.perf_counter()
    found = list[tuple[float, Found]]()

    def take(maps: Found) -> None:
        found.append((time.perf_counter() - started, maps))

    engine.explain(explanation, Method.OCCLUSION, cancel, take, word)
    searched = time.perf_counter()
    maps = found[-1][1]
    assert isinstance(maps, CellMaps)
    engine.check(explanation, word, maps.weights[0], Method.OCCLUSION, cancel)
    return found[0][0], searched - started, time.perf_counter() - searched


# What memory is left


def _print_switches(
    paths: Sequence[Path], choice: RuntimeName | None, tokens: int, switches: int
) -> None:
    """The process's memory after each of so many changes between models, or from a model to
    itself; each answers a question. As the window does it: the model before is given up when
    the next one is there, or before that where there is no room for both."""
    folders, engine = itertools.cycle(paths), None
    process, sizes = psutil.Process(), list[float]()
    for place in range(switches + 1):
        following = open_engine(next(folders), choice)
        if engine is None:
            following.load()
        else:
            following.load(make_room=engine.close)
            engine.close()
        engine = following
        del following
        gc.collect()  # a model's parts know each other
        give_memory_back()
        _answer(engine, None, tokens)
        sizes.append(process.memory_info().rss / 1e6)
        print(f"{place:>3} switches  {sizes[-1]:>7.0f} MB  {engine.model.name}", flush=True)
    if engine is not None:
        engine.close()
    print(f"Grown by {sizes[-1] - sizes[1]:.0f} MB between the first switch and the last.")


# What all of them ask


def _label(name: RuntimeName, fusion: str | None) -> str:
    return f"{name}, {fusion}" if fusion else str(name)


def _noise() -> Photo:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    return Photo(pixels, "noise", "noise")


def _answer(
    engine: EngineBase, fusion: str | None, tokens: int, *, attention: bool = True
) -> tuple[Explanation, Timings]:
    """Raises AppError."""
    question, sampling, ids = (
        (Message("user", QUESTION),),
        Sampling(max_new_tokens=tokens),
        list[int](),
    )
    request = GenerationRequest(0, (_noise(),), question, sampling, attention, fusion)
    outcome = engine.generate(request, CancelToken(), lambda step: ids.append(step.token_id))
    if outcome.error is not None:
        raise outcome.error
    return Explanation(request, tuple(ids)), outcome.timings
