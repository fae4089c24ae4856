"""`mmgpt-desktop bench`: how fast each runtime answers by each fusion, with and without
attention; with `--explain`, how long it takes to find out what a word needed."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.engine import ORDER, Engine, make_runtime, model_info
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken, Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.messages import (
    CellMaps,
    Explanation,
    FusionInfo,
    GenerationRequest,
    Message,
    Method,
    Photo,
    RuntimeName,
    Sampling,
)

QUESTION = "What is happening in this picture?"
ATTENTION_OUTPUT = "attention"


@dataclass(frozen=True)
class Speed:
    """Seconds to the first token, and to the last one."""

    first: float
    total: float


@dataclass(eq=False)
class Row:
    """One way to answer, and what was measured of it."""

    label: str
    answer: Callable[[], Speed]
    load_seconds: float | None = None
    speeds: list[Speed] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Task:
    """The same work for all: pixels of the right size, a question, a number of tokens."""

    bundle: Bundle
    pixels: NDArray[np.float32]
    prompt: tuple[int, ...]
    tokens: int

    @classmethod
    def of(cls, bundle: Bundle, tokens: int) -> Task:
        side = bundle.manifest.image.size
        pixels = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
        prompt = MmgptFamily(bundle).prompt([Message("user", QUESTION)], tokens).token_ids
        room = bundle.manifest.decoder.context_length - len(prompt)
        return cls(bundle, pixels, prompt, max(2, min(tokens, room)))

    def answer_with(self, runtime: Runtime, fusion: str, attention: bool) -> Speed:
        """The engine's own way, but it never stops early."""
        started, first, cancel = time.perf_counter(), 0.0, CancelToken()
        encoded = runtime.encode(self.pixels, fusion, cancel)
        answer = Answer(self.prompt, Sampling(max_new_tokens=self.tokens))
        limit = self.bundle.manifest.decoder.context_length
        for _ in decode(
            runtime,
            encoded,
            answer,
            stop_ids=(),
            context_length=limit,
            attention=attention,
            cancel=cancel,
        ):
            first = first or time.perf_counter() - started
        return Speed(first, time.perf_counter() - started)

    def generate_with(self, runtime: TorchRuntime, fusion: str, attention: bool) -> Speed:
        """transformers' `generate`, once for one token and once for all."""
        first, total = (
            runtime.time_generate(self.pixels, fusion, self.prompt, tokens, attention=attention)
            for tokens in (1, self.tokens)
        )
        return Speed(first, total)


def run(
    bundle_path: Path, choice: RuntimeName | None, fusion: str | None, tokens: int, rounds: int
) -> int:
    """Print a table of all fusions, or of one; raises AppError when no runtime works."""
    task = Task.of(open_bundle(bundle_path), tokens)
    model = model_info(task.bundle)
    fusions = [model.fusion_info(fusion)] if fusion else model.fusions
    names = [each.name for each in fusions]
    rows: list[Row] = []
    for name in [choice] if choice else ORDER:
        try:
            found = _rows_of(name, task, names)
            _measure(found, rounds)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
        else:
            rows += found
    if not rows:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    print(_table(rows, task.tokens, rounds))
    return 0


def run_explaining(
    bundle_path: Path, choice: RuntimeName | None, fusion: str | None, tokens: int, rounds: int
) -> int:
    """Print the seconds that occlusion and the check of a word take; raises like `run`."""
    model, lines = model_info(open_bundle(bundle_path)), list[str]()
    fusions = [model.fusion_info(fusion)] if fusion else model.fusions
    for name in [choice] if choice else ORDER:
        try:
            lines += _explained(Engine(bundle_path, name), fusions, tokens, rounds)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
    if not lines:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    print(f"{'':28}  first map s  occlusion s  check s")
    print(*lines, sep="\n")
    print(f"Medians of {rounds} rounds: one word of an answer of at most {tokens} tokens.")
    return 0


def _explained(
    engine: Engine, fusions: Sequence[FusionInfo], tokens: int, rounds: int
) -> list[str]:
    engine.load()
    lines = []
    for info in fusions:
        explanation = _answer(engine, info.name, tokens)
        times = [_explain(engine, explanation) for _ in range(rounds + 1)][1:]  # one to warm up
        first, whole, check = (statistics.median(each) for each in zip(*times, strict=True))
        label = f"{engine.runtime.runtime}, {info.name}"
        lines.append(f"{label:28}  {first:>11.2f}  {whole:>11.2f}  {check:>7.2f}")
    engine.close()
    return lines


def _answer(engine: Engine, fusion: str, tokens: int) -> Explanation:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    question, sampling = (Message("user", QUESTION),), Sampling(max_new_tokens=tokens)
    photo = Photo(pixels, "noise", "noise")
    request, ids = GenerationRequest(0, (photo,), question, sampling, fusion=fusion), list[int]()
    engine.generate(request, CancelToken(), lambda step: ids.append(step.token_id))
    return Explanation(request, tuple(ids))


def _explain(engine: Engine, explanation: Explanation) -> tuple[float, float, float]:
    """Seconds to a word's first map, to its last one, and of its check."""
    word, cancel, started = slice(0, 1), CancelToken(), time.perf_counter()
    found = list[tuple[float, CellMaps]]()

    def take(maps: CellMaps) -> None:
        found.append((time.perf_counter() - started, maps))

    engine.occlude(explanation, cancel, take, word)
    searched = time.perf_counter()
    cells = found[-1][1].weights[0]
    engine.check(explanation, word, cells, Method.OCCLUSION, cancel)
    return found[0][0], searched - started, time.perf_counter() - searched


def _rows_of(name: RuntimeName, task: Task, fusions: Sequence[str]) -> list[Row]:
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


def _torch_rows(runtime: TorchRuntime, fusion: str, task: Task) -> list[Row]:
    return [
        Row(f"torch, {fusion}, attention", lambda: task.answer_with(runtime, fusion, True)),
        Row(f"torch, {fusion}, no attention", lambda: task.answer_with(runtime, fusion, False)),
        Row(
            f"transformers generate, {fusion}, output_attentions",
            lambda: task.generate_with(runtime, fusion, True),
        ),
        Row(
            f"transformers generate, {fusion}",
            lambda: task.generate_with(runtime, fusion, False),
        ),
    ]


def _onnx_rows(runtime: Runtime, plain: Runtime | None, fusion: str, task: Task) -> list[Row]:
    name = f"{runtime.info.runtime}, {fusion}"
    rows = [Row(f"{name}, attention", lambda: task.answer_with(runtime, fusion, True))]
    if plain is not None:
        rows.append(Row(f"{name}, no attention", lambda: task.answer_with(plain, fusion, False)))
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


def _measure(rows: list[Row], rounds: int) -> None:
    """Rounds alternate between the rows, so that a busy moment hurts all alike."""
    for row in rows:
        row.answer()  # warm up
    for place in range(rounds):
        print(f"round {place + 1} of {rounds}", file=sys.stderr)
        for row in rows:
            row.speeds.append(row.answer())


def _table(rows: list[Row], tokens: int, rounds: int) -> str:
    width = max(len(row.label) for row in rows)
    lines = [f"{'':{width}}  load s  first token ms  tokens/s"]
    for row in rows:
        load = "-" if row.load_seconds is None else f"{row.load_seconds:.2f}"
        first = statistics.median(speed.first for speed in row.speeds)
        rest = statistics.median(speed.total - speed.first for speed in row.speeds)
        speed = (tokens - 1) / rest
        lines.append(f"{row.label:{width}}  {load:>6}  {first * 1000:>14.0f}  {speed:>8.1f}")
    lines.append(f"Medians of {rounds} answers of {tokens} tokens each, the image encoded anew.")
    lines.append("Loaded is the default fusion; another one's graphs are when it is first asked.")
    return "\n".join(lines)
