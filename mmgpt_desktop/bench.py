"""`mmgpt-desktop bench`: how fast each runtime answers, with and without attention."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.bundle import DECODER, Bundle, open_bundle
from mmgpt_desktop.engine.engine import ORDER, make_runtime
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken, Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.messages import Message, RuntimeName, Sampling

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

    def answer_with(self, runtime: Runtime, attention: bool) -> Speed:
        """The engine's own way, but it never stops early."""
        started, first, cancel = time.perf_counter(), 0.0, CancelToken()
        encoded = runtime.encode(self.pixels, cancel)
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

    def generate_with(self, runtime: TorchRuntime, attention: bool) -> Speed:
        """transformers' `generate`, once for one token and once for all."""
        first = runtime.time_generate(self.pixels, self.prompt, 1, attention=attention)
        total = runtime.time_generate(self.pixels, self.prompt, self.tokens, attention=attention)
        return Speed(first, total)


def run(bundle_path: Path, choice: RuntimeName | None, tokens: int, rounds: int) -> int:
    """Print a table; raises AppError when no runtime works."""
    task = Task.of(open_bundle(bundle_path), tokens)
    rows: list[Row] = []
    for name in [choice] if choice else ORDER:
        try:
            found = _rows_of(name, task)
            _measure(found, rounds)
        except AppError as error:
            print(f"{name}: left out. {error.title}", file=sys.stderr)
        else:
            rows += found
    if not rows:
        raise RuntimeFailure("No runtime works, so there is nothing to measure.")
    print(_table(rows, task.tokens, rounds))
    return 0


def _rows_of(name: RuntimeName, task: Task) -> list[Row]:
    print(f"{name}: loading ...", file=sys.stderr)
    started = time.perf_counter()
    bundle = open_bundle(task.bundle.path)
    bundle.verify(lambda done: None, CancelToken())
    runtime = make_runtime(name, bundle)
    seconds = time.perf_counter() - started
    rows = [Row(f"{name}, attention", lambda: task.answer_with(runtime, True), seconds)]
    if isinstance(runtime, TorchRuntime):
        rows += _torch_rows(runtime, task)
    elif (stripped := _without_attention(bundle.file(DECODER))) is not None:
        plain = OnnxRuntime(bundle, name, decoder=stripped)
        rows.append(Row(f"{name}, no attention", lambda: task.answer_with(plain, False)))
    return rows


def _torch_rows(runtime: TorchRuntime, task: Task) -> list[Row]:
    return [
        Row("torch, no attention", lambda: task.answer_with(runtime, False)),
        Row("transformers generate", lambda: task.generate_with(runtime, False)),
        Row(
            "transformers generate, output_attentions",
            lambda: task.generate_with(runtime, True),
        ),
    ]


def _without_attention(decoder: Path) -> bytes | None:
    """The same graph less the attention output; None without the onnx package."""
    try:
        import onnx
    except ImportError:
        print("no attention: left out, the onnx package is not installed.", file=sys.stderr)
        return None
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
    return "\n".join(lines)
