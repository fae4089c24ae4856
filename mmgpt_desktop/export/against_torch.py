"""An export beside the checkpoint that it was made of: the same answer by both runtimes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs, Prompt
from mmgpt_desktop.engine.checkpoint_runtimes import checkpoint_onnx
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.generate import softmax
from mmgpt_desktop.messages import Message, Photo, RuntimeName
from mmgpt_desktop.note import Note

TOKENS = 16  # of the answer that is compared
_QUESTION = "What is in this picture?"


@dataclass(frozen=True)
class Trial:
    """An answer of a runtime: for each step the logits and the attention, and seconds."""

    logits: Sequence[np.ndarray[Any, Any]]
    attention: Sequence[np.ndarray[Any, Any]]
    image: float
    prefill: float
    decode: float


def comparison_report(checkpoint: Path, graphs: Path) -> list[Note]:
    """Both runtimes are led along PyTorch's greedy answer, about a picture of noise."""
    from mmgpt_desktop.engine.checkpoint_runtimes import checkpoint_torch

    whole = open_checkpoint(checkpoint)
    inputs, prompt = _question(whole)
    slow = checkpoint_torch(whole)
    theirs, answer = _trial(slow, inputs, prompt, None)
    slow.close()
    with tempfile.TemporaryDirectory() as cache:
        quick = checkpoint_onnx(read_checkpoint(graphs), RuntimeName.ONNX_CPU, cache=Path(cache))
        ours, _ = _trial(quick, inputs, prompt, answer)
    pairs = list(zip(theirs.logits, ours.logits, strict=True))
    same = sum(int(one.argmax() == two.argmax()) for one, two in pairs)
    moved = np.mean([0.5 * np.abs(softmax(one) - softmax(two)).sum() for one, two in pairs])
    maps = list(zip(theirs.attention, ours.attention, strict=True))
    shifted = np.mean([np.abs(one - two).sum(axis=-1).mean() / 2 for one, two in maps])
    return [
        Note(
            "The likeliest token is the same in {same} of {steps} steps; {moved:.4f} of the "
            "probability and {shifted:.4f} of the attention moved.",
            {
                "same": same,
                "steps": len(pairs),
                "moved": float(moved),
                "shifted": float(shifted),
            },
        ),
        _speeds("PyTorch", theirs),
        _speeds("ONNX Runtime", ours),
    ]


def _speeds(name: str, trial: Trial) -> Note:
    return Note(
        "{name}: picture {image:.2f} s, question {prefill:.0f} ms, {rate:.0f} tokens a second with "
        "attention.",
        {
            "name": name,
            "image": trial.image,
            "prefill": trial.prefill * 1000,
            "rate": (TOKENS - 1) / trial.decode,
        },
    )


def _question(checkpoint: Checkpoint) -> tuple[ImageInputs, Prompt]:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    family = family_of(checkpoint)
    inputs = family.preprocess(Photo(pixels, "noise", "noise"))
    return inputs, family.build_prompt([Message("user", _QUESTION)], [inputs], TOKENS)


def _trial(
    runtime: Any, inputs: ImageInputs, prompt: Prompt, answer: Sequence[int] | None
) -> tuple[Trial, list[int]]:
    """Fed with `answer`, or else greedily with what it gives. The first run of all warms up."""
    cancel = CancelToken()
    runtime.encode(inputs, cancel)
    times = [time.perf_counter()]
    context = Context(prompt, (inputs,), (runtime.encode(inputs, cancel),))
    times.append(time.perf_counter())
    results, fed, cache, feed = [], list[int](), None, list(prompt.token_ids)
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
