"""`mmgpt-desktop export`: a checkpoint as ONNX graphs, with a report on what that gave."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.engine.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.families.base import Context, Laid, Seen
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.generate import softmax
from mmgpt_desktop.engine.head_choice import SCENES
from mmgpt_desktop.engine.public_onnx_models import public_onnx
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.export.bundle import Exported, choose_heads, export
from mmgpt_desktop.export.compare import compare, open_language, table_of
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.messages import Message, Photo, RuntimeName
from mmgpt_desktop.paths import path_said

TOKENS = 16  # of the answer that is compared
_QUESTION = "What is in this picture?"
_MEGA = 1e6


@dataclass(frozen=True)
class Trial:
    """An answer of a runtime: for each step the logits and the attention, and seconds."""

    logits: Sequence[np.ndarray[Any, Any]]
    attention: Sequence[np.ndarray[Any, Any]]
    image: float
    prefill: float
    decode: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=path_said, help="a transformers checkpoint's folder")
    parser.add_argument("out", type=path_said, nargs="?", help="the new folder for the graphs")
    parser.add_argument(
        "--precision",
        type=Precision,
        choices=list(Precision),
        default=Precision.INT8,
        metavar="{" + ",".join(Precision) + "}",
        help="of the language model's weights (int8)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="write nothing: a table of ways to keep the weights, by truth and speed (minutes)",
    )
    parser.add_argument(
        "--no-comparison", action="store_true", help="don't compare with PyTorch afterwards"
    )


def run(options: argparse.Namespace) -> int:
    if options.compare:
        with tempfile.TemporaryDirectory() as folder:
            rows = compare(open_language(options.checkpoint), Path(folder), _say)
        print(table_of(rows))
        return 0
    if options.out is None:
        raise AppError("Name the new folder for the graphs.")
    started = time.perf_counter()
    done = export(options.checkpoint, options.out, options.precision, _tell)
    lines = sizes_report(done)
    try:
        lines.append(choose_heads(done.folder, SCENES, _tell))
        if not options.no_comparison:
            _tell(0.9, "Comparing with PyTorch")
            lines += comparison_report(options.checkpoint, options.out)
    except AppError as failure:
        lines.append(f"The graphs are there, but could not be tried to the end. {failure}")
    _tell(1.0, f"Done in {time.perf_counter() - started:.0f} s")
    print("\n".join(lines))
    return 0


def _tell(fraction: float, what: str) -> None:
    print(f"{fraction:4.0%} {what}", file=sys.stderr, flush=True)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def sizes_report(done: Exported) -> list[str]:
    total = sum(done.sizes.values())
    rows = [f"{size / _MEGA:10.1f} MB  {name}" for name, size in done.sizes.items()]
    whole = f"{total / _MEGA:10.1f} MB  together; the checkpoint's weights take"
    return [*rows, f"{whole} {done.before / _MEGA:.1f} MB"]


def comparison_report(checkpoint: Path, graphs: Path) -> list[str]:
    """Both runtimes are led along PyTorch's greedy answer, about a picture of noise."""
    from mmgpt_desktop.engine.public_torch_models import public_torch

    whole = open_checkpoint(checkpoint)
    seen, laid = _question(whole)
    slow = public_torch(whole)
    theirs, answer = _trial(slow, seen, laid, None)
    slow.close()
    with tempfile.TemporaryDirectory() as cache:
        quick = public_onnx(read_checkpoint(graphs), RuntimeName.ONNX_CPU, cache=Path(cache))
        ours, _ = _trial(quick, seen, laid, answer)
    pairs = list(zip(theirs.logits, ours.logits, strict=True))
    same = sum(int(one.argmax() == two.argmax()) for one, two in pairs)
    moved = np.mean([0.5 * np.abs(softmax(one) - softmax(two)).sum() for one, two in pairs])
    maps = list(zip(theirs.attention, ours.attention, strict=True))
    shifted = np.mean([np.abs(one - two).sum(axis=-1).mean() / 2 for one, two in maps])
    return [
        f"the same likeliest token as PyTorch in {same} of {len(pairs)} steps;"
        f" {moved:.4f} of the probability and {shifted:.4f} of the attention moved",
        _speeds("PyTorch", theirs),
        _speeds("ONNX Runtime", ours),
    ]


def _speeds(name: str, trial: Trial) -> str:
    rate = (TOKENS - 1) / trial.decode
    return (
        f"{name}: image {trial.image:.2f} s, prefill {trial.prefill * 1000:.0f} ms,"
        f" {rate:.0f} tokens/s, the attention of every token on"
    )


def _question(checkpoint: Checkpoint) -> tuple[Seen, Laid]:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    family = family_of(checkpoint)
    seen = family.see(Photo(pixels, "noise", "noise"))
    return seen, family.lay([Message("user", _QUESTION)], [seen], TOKENS)


def _trial(
    runtime: Any, seen: Seen, laid: Laid, answer: Sequence[int] | None
) -> tuple[Trial, list[int]]:
    """Fed with `answer`, or else greedily with what it gives. The first run of all warms up."""
    cancel = CancelToken()
    runtime.encode(seen, cancel)
    times = [time.perf_counter()]
    context = Context(laid, (seen,), (runtime.encode(seen, cancel),))
    times.append(time.perf_counter())
    results, fed, cache, feed = [], list[int](), None, list(laid.token_ids)
    for step in range(TOKENS):
        result = runtime.decode(feed, context, cache, attention=True, cancel=cancel)
        if step == 0:
            times.append(time.perf_counter())
        results.append(result)
        feed, cache = [answer[step] if answer else int(result.logits.argmax())], result.cache
        fed += feed
    times.append(time.perf_counter())
    image, prefill, decode = np.diff(times)
    logits = [result.logits for result in results]
    attention = [result.attention for result in results]
    return Trial(logits, attention, image, prefill, decode), fed
