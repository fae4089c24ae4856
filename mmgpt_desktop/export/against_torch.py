"""An export beside the checkpoint that it was made of: the same answer by both runtimes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs, Prompt
from mmgpt_desktop.engine.families.registry import checkpoint_onnx, family_of
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.generate import softmax
from mmgpt_desktop.engine.runtime import DecodeResult
from mmgpt_desktop.messages import Message, Photo, RuntimeName
from mmgpt_desktop.note import Note

TOKENS = 16  # of the answer that is compared
_QUESTION = "What is in this picture?"


@dataclass(frozen=True)
class Trial:
    """A runtime's answer, step by step; `seconds` for the picture, the question and each step."""

    results: Sequence[DecodeResult]
    seconds: NDArray[np.float64]

    @property
    def token_ids(self) -> list[int]:
        """The likeliest at each step."""
        return [int(each.logits.argmax()) for each in self.results]

    def speeds(self, name: str) -> Note:
        image, prefill, *steps = self.seconds
        return Note(
            "{name}: picture {image:.2f} s, question {prefill:.0f} ms, {rate:.0f} tokens a second "
            "with attention.",
            {
                "name": name,
                "image": float(image),
                "prefill": float(prefill) * 1000,
                "rate": float(len(steps) / sum(steps)),
            },
        )


def comparison_report(checkpoint: Path, graphs: Path) -> list[Note]:
    """Both runtimes are led along PyTorch's greedy answer, about a picture of noise."""
    from mmgpt_desktop.engine.families.registry import checkpoint_torch

    whole = open_checkpoint(checkpoint)
    inputs, prompt = _question(whole)
    slow = checkpoint_torch(whole, card=False)  # whose half precision would be compared, too
    theirs = _trial(slow, inputs, prompt, None)
    slow.close()
    with tempfile.TemporaryDirectory() as cache:
        quick = checkpoint_onnx(read_checkpoint(graphs), RuntimeName.ONNX_CPU, cache=Path(cache))
        ours = _trial(quick, inputs, prompt, theirs.token_ids)
    pairs = list(zip(theirs.results, ours.results, strict=True))
    chances = [(softmax(one.logits), softmax(two.logits)) for one, two in pairs]
    looks = [(np.asarray(one.attention), np.asarray(two.attention)) for one, two in pairs]
    said = zip(theirs.token_ids, ours.token_ids, strict=True)
    parity = Note(
        "The likeliest token is the same in {same} of {steps} steps; {moved:.4f} of the "
        "probability and {shifted:.4f} of the attention moved.",
        {
            "same": sum(one == two for one, two in said),
            "steps": len(pairs),
            "moved": moved(chances),
            "shifted": moved(looks),
        },
    )
    return [parity, theirs.speeds("PyTorch"), ours.speeds("ONNX Runtime")]


def moved(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """The mean share of the weight that lies elsewhere in the second."""
    return float(np.mean([np.abs(one - two).sum(axis=-1).mean() / 2 for one, two in pairs]))


def _question(checkpoint: Checkpoint) -> tuple[ImageInputs, Prompt]:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    family = family_of(checkpoint)
    inputs = family.preprocess(Photo(pixels, "noise", "noise"))
    return inputs, family.build_prompt([Message("user", _QUESTION)], [inputs], TOKENS)


def _trial(
    runtime: Any, inputs: ImageInputs, prompt: Prompt, answer: Sequence[int] | None
) -> Trial:
    """Fed with `answer`, or else greedily with what it gives. The first run of all warms up."""
    cancel = CancelToken()
    runtime.encode(inputs, cancel)
    times = [time.perf_counter()]
    context = Context(prompt, (inputs,), (runtime.encode(inputs, cancel),))
    times.append(time.perf_counter())
    results, cache, feed = list[DecodeResult](), None, list(prompt.token_ids)
    for step in range(TOKENS):
        result = runtime.decode(feed, context, cache, attention=True, cancel=cancel)
        times.append(time.perf_counter())
        feed = [answer[step] if answer else int(result.logits.argmax())]
        cache = result.cache
        results.append(replace(result, cache=None))
    return Trial(results, np.diff(times))
