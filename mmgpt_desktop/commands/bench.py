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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine import checkpoint_engine
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.bundle_engine import ORDER, make_runtime, model_info
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs, Prompt
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.engine.generate import Answer, Token, decode
from mmgpt_desktop.engine.memory import give_memory_back
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.open_engine import is_checkpoint, open_engine
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.messages import (
    CellMaps,
    Explanation,
    Found,
    GenerationRequest,
    Message,
    Photo,
    RuntimeName,
    Sampling,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import in_columns

QUESTION = "What is happening in this picture?"
ATTENTION_OUTPUT = "attention"


@dataclass(frozen=True)
class Speed:
    """Seconds to the first token, and to the last one."""

    first: float
    total: float


@dataclass(eq=False)
class BenchRow:
    """One way to answer, and what was measured of it."""

    label: str
    answer: Callable[[], Speed]
    load_seconds: float | None = None
    speeds: list[Speed] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class BundleTask:
    """The same work for all: pixels of the right size, a question, a number of tokens."""

    bundle: Bundle
    pixels: NDArray[np.float32]
    prompt: tuple[int, ...]
    tokens: int

    @classmethod
    def of(cls, bundle: Bundle, tokens: int) -> BundleTask:
        side = bundle.manifest.image.size
        pixels = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
        prompt = MmgptFamily(bundle).build_prompt([Message("user", QUESTION)], tokens).token_ids
        room = bundle.manifest.decoder.context_length - len(prompt)
        return cls(bundle, pixels, prompt, max(2, min(tokens, room)))

    def answer_with(self, runtime: Runtime, fusion: str, attention: bool) -> Speed:
        """The engine's own way, but it never stops early."""
        started, cancel = time.perf_counter(), CancelToken()
        encoded = runtime.encode(self.pixels, fusion, cancel)
        limit = self.bundle.manifest.decoder.context_length
        return _written(runtime, encoded, self.prompt, self.tokens, limit, attention, started)

    def generate_with(self, runtime: TorchRuntime, fusion: str, attention: bool) -> Speed:
        """transformers' `generate`, once for one token and once for all."""
        first, total = (
            runtime.time_generate(self.pixels, fusion, self.prompt, tokens, attention=attention)
            for tokens in (1, self.tokens)
        )
        return Speed(first, total)


@dataclass(frozen=True, eq=False)
class CheckpointTask:
    """The same for a public model, about a picture of noise."""

    path: Path
    inputs: ImageInputs
    prompt: Prompt
    tokens: int
    context_length: int

    @classmethod
    def of(cls, path: Path, tokens: int) -> CheckpointTask:
        family = family_of(read_checkpoint(path))
        inputs = family.preprocess(_noise())
        prompt = family.build_prompt([Message("user", QUESTION)], [inputs], tokens)
        room = family.context_length - len(prompt.token_ids)
        return cls(path, inputs, prompt, max(2, min(tokens, room)), family.context_length)

    def answer_with(self, runtime: Any, attention: bool) -> Speed:
        started, cancel = time.perf_counter(), CancelToken()
        context = Context(self.prompt, (self.inputs,), (runtime.encode(self.inputs, cancel),))
        limit, prompt = self.context_length, self.prompt.token_ids
        return _written(runtime, context, prompt, self.tokens, limit, attention, started)

    def rows(self, name: RuntimeName) -> list[BenchRow]:
        print(f"{name}: loading ...", file=sys.stderr)
        started = time.perf_counter()
        runtime = checkpoint_engine.make_runtime(name, read_checkpoint(self.path))
        seconds = time.perf_counter() - started
        return [
            BenchRow(f"{name}, attention", partial(self.answer_with, runtime, True), seconds),
            BenchRow(f"{name}, no attention", partial(self.answer_with, runtime, False)),
        ]


def _written(
    runtime: Any,
    encoded: Any,
    prompt: Sequence[int],
    tokens: int,
    context_length: int,
    attention: bool,
    started: float,
) -> Speed:
    """Seconds since `started`, for so many tokens."""
    first = 0.0
    written: Iterable[Token] = decode(
        runtime,
        encoded,
        Answer(prompt, Sampling(max_new_tokens=tokens)),
        stop_ids=(),
        context_length=context_length,
        attention=attention,
        cancel=CancelToken(),
    )
    for _ in written:
        first = first or time.perf_counter() - started
    return Speed(first, time.perf_counter() - started)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fusion", metavar="NAME", help="only this one of the model's (all)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=5, help="answers of each kind")
    parser.add_argument(
        "--explain", action="store_true", help="instead: what explaining a word costs"
    )
    parser.add_argument(
        "--switches", type=int, metavar="N", help="instead: the memory after each of N switches"
    )
    parser.add_argument(
        "--other", type=path_said, metavar="DIR", help="with --switches: to this model and back"
    )


def run(options: argparse.Namespace) -> int:
    if options.switches is not None:
        models = [options.model, *([options.other] if options.other else [])]
        return run_switching(models, options.runtime, options.tokens, options.switches)
    kind = run_explaining if options.explain else run_answering
    return kind(options.model, options.runtime, options.fusion, options.tokens, options.rounds)


def run_answering(
    path: Path, choice: RuntimeName | None, fusion: str | None, tokens: int, rounds: int
) -> int:
    """Print a table of all fusions, or of one; raises AppError when no runtime works."""
    fusions = _fusions(path, fusion)
    if not fusions:
        task = CheckpointTask.of(path, tokens)
        _run(task.rows, choice, task.tokens, rounds)
    else:
        ours = BundleTask.of(open_bundle(path), tokens)
        _run(lambda name: _rows_of(name, ours, fusions), choice, ours.tokens, rounds)
        print("Loaded is the default fusion; another's graphs are when it is first asked.")
    return 0


def _fusions(path: Path, fusion: str | None) -> list[str]:
    """The one chosen or all of them; none of a public model."""
    if not is_checkpoint(path):
        model = model_info(open_bundle(path))
        return [each.name for each in ([model.fusion_info(fusion)] if fusion else model.fusions)]
    if fusion is not None:
        raise AppError("A public model has no fusions to choose from.", "Leave out --fusion.")
    return []


def _run(
    rows_of: Callable[[RuntimeName], list[BenchRow]],
    choice: RuntimeName | None,
    tokens: int,
    rounds: int,
) -> None:
    rows: list[BenchRow] = []
    for name in [choice] if choice else ORDER:
        try:
            found = rows_of(name)
            _measure(found, rounds)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
        else:
            rows += found
    if not rows:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    print(_table(rows, tokens, rounds))


def run_switching(
    paths: Sequence[Path], choice: RuntimeName | None, tokens: int, switches: int
) -> int:
    """Print the process's memory after each of so many changes between models, or from a model
    to itself; each answers a question. As the window does it: the model before is given up
    when the next one is there."""
    folders, engine = itertools.cycle(paths), None
    process, sizes = psutil.Process(), list[float]()
    for place in range(switches + 1):
        folder = next(folders)
        following = open_engine(folder, choice)
        following.load()
        if engine is not None:
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
    return 0


def run_explaining(
    bundle_path: Path, choice: RuntimeName | None, fusion: str | None, tokens: int, rounds: int
) -> int:
    """Print the seconds that occlusion and the check of a word take; raises as the others do."""
    fusions, rows = _fusions(bundle_path, fusion), list[list[str]]()
    for name in [choice] if choice else ORDER:
        try:
            rows += _explained(open_engine(bundle_path, name), fusions, tokens, rounds)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
    if not rows:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    print(in_columns([["", "first map s", "occlusion s", "check s"], *rows]))
    print(f"Medians of {rounds} rounds: one word of an answer of at most {tokens} tokens.")
    return 0


def _explained(
    engine: EngineBase, fusions: Sequence[str], tokens: int, rounds: int
) -> list[list[str]]:
    engine.load()
    rows, names = list[list[str]](), list[str | None](fusions)
    for fusion in names or [None]:
        explanation = _answer(engine, fusion, tokens)
        times = [_explain(engine, explanation) for _ in range(rounds + 1)][1:]  # one to warm up
        medians = (statistics.median(each) for each in zip(*times, strict=True))
        label = f"{engine.runtime.runtime}" + (f", {fusion}" if fusion else "")
        rows.append([label, *(f"{seconds:.2f}" for seconds in medians)])
    engine.close()
    return rows


def _noise() -> Photo:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    return Photo(pixels, "noise", "noise")


def _answer(engine: EngineBase, fusion: str | None, tokens: int) -> Explanation:
    """Raises AppError."""
    question, sampling = (Message("user", QUESTION),), Sampling(max_new_tokens=tokens)
    request, ids = GenerationRequest(0, (_noise(),), question, sampling, fusion=fusion), list[int]()
    outcome = engine.generate(request, CancelToken(), lambda step: ids.append(step.token_id))
    if outcome.error is not None:
        raise outcome.error
    return Explanation(request, tuple(ids))


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


def _rows_of(name: RuntimeName, task: BundleTask, fusions: Sequence[str]) -> list[BenchRow]:
    print(f"{name}: loading ...", file=sys.stderr)
    started = time.perf_counter()
    bundle = open_bundle(task.bundle.path)
    bundle.verify(lambda done: None, CancelToken())
    runtime = make_runtime(name, bundle)
    seconds = time.perf_counter() - started
    if isinstance(runtime, TorchRuntime):
        rows = [row for fusion in fusions for row in _torch_rows(runtime, fusion, task)]
    else:
        plain = _without_attention(bundle, name, fusions)
        rows = [row for fusion in fusions for row in _onnx_rows(runtime, plain, fusion, task)]
    rows[0].load_seconds = seconds
    return rows


def _torch_rows(runtime: TorchRuntime, fusion: str, task: BundleTask) -> list[BenchRow]:
    return [
        BenchRow(f"torch, {fusion}, attention", lambda: task.answer_with(runtime, fusion, True)),
        BenchRow(
            f"torch, {fusion}, no attention", lambda: task.answer_with(runtime, fusion, False)
        ),
        BenchRow(
            f"transformers generate, {fusion}, output_attentions",
            lambda: task.generate_with(runtime, fusion, True),
        ),
        BenchRow(
            f"transformers generate, {fusion}",
            lambda: task.generate_with(runtime, fusion, False),
        ),
    ]


def _onnx_rows(
    runtime: Runtime, plain: Runtime | None, fusion: str, task: BundleTask
) -> list[BenchRow]:
    name = f"{runtime.info.runtime}, {fusion}"
    rows = [BenchRow(f"{name}, attention", lambda: task.answer_with(runtime, fusion, True))]
    if plain is not None:
        rows.append(
            BenchRow(f"{name}, no attention", lambda: task.answer_with(plain, fusion, False))
        )
    return rows


def _without_attention(
    bundle: Bundle, name: RuntimeName, fusions: Sequence[str]
) -> OnnxRuntime | None:
    """The same graphs less the attention output; None without the onnx package."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        print("no attention: left out, the onnx package is not installed.", file=sys.stderr)
        return None
    files = {bundle.manifest.fusions[fusion].decoder for fusion in fusions}
    graphs = {file: _stripped(bundle.file(file)) for file in files}
    return OnnxRuntime(bundle, name, graphs=graphs)


def _stripped(decoder: Path) -> bytes:
    import onnx

    model = onnx.load(str(decoder), load_external_data=False)
    for output in list(model.graph.output):
        if output.name == ATTENTION_OUTPUT:
            model.graph.output.remove(output)
    return bytes(model.SerializeToString())


def _measure(rows: list[BenchRow], rounds: int) -> None:
    """Rounds alternate between the rows, so that a busy moment hurts all alike."""
    for row in rows:
        row.answer()  # warm up
    for place in range(rounds):
        print(f"round {place + 1} of {rounds}", file=sys.stderr)
        for row in rows:
            row.speeds.append(row.answer())


def _table(rows: list[BenchRow], tokens: int, rounds: int) -> str:
    cells = [["", "load s", "first token ms", "tokens/s"]]
    for row in rows:
        load = "-" if row.load_seconds is None else f"{row.load_seconds:.2f}"
        first = statistics.median(speed.first for speed in row.speeds)
        rest = statistics.median(speed.total - speed.first for speed in row.speeds)
        cells.append([row.label, load, f"{first * 1000:.0f}", f"{(tokens - 1) / rest:.1f}"])
    note = f"Medians of {rounds} answers of {tokens} tokens each, the image encoded anew."
    return f"{in_columns(cells)}\n{note}"
