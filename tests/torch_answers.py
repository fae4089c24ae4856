"""What PyTorch's runtimes tell of the same photos and words, to be compared between devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.messages import Message
from mmgpt_desktop.methods import TRACED
from mmgpt_desktop.model.configuration import CONCAT
from tests.families.checkpoints import noise_photo
from tests.families.checks import context_of
from tests.not_none import not_none

PROMPT, ANSWER = (1, 40, 41, 42, 2), (43, 44)
CANCEL = CancelToken()


@dataclass(frozen=True)
class Answered:
    """A prompt with two photos and a word after it: logits [step, vocabulary] and attention [step,
    layer, head, token], and the scores of all."""

    logits: NDArray[np.float32]
    looks: NDArray[np.float32]
    scores: NDArray[np.float32]

    def apart(self, other: Answered) -> tuple[float, float]:
        """The largest difference of logits and scores, as a share of how far these lie apart; and
        that of attention."""
        pairs = (self.logits, other.logits), (self.scores, other.scores)
        shares = [float(np.abs(one - two).max() / np.ptp(two)) for one, two in pairs]
        return max(shares), float(np.abs(self.looks - other.looks).max())


def answered(runtime: CheckpointTorch, family: Family) -> Answered:
    photos = [noise_photo(60, 40), noise_photo(30, 31)]
    context = context_of(runtime, family, [Message("user", "What is it?")], photos)
    prompt = context.prompt.token_ids
    first = runtime.decode(prompt, context, None, attention=True, cancel=CANCEL)
    then = runtime.decode([5], context, first.cache, attention=True, cancel=CANCEL)
    results = (first, then)
    return Answered(
        np.stack([each.logits for each in results]),
        np.stack([not_none(each.attention) for each in results]),
        runtime.score([*prompt, 5], context, CANCEL),
    )


def told(runtime: TorchRuntime, bundle: Bundle, fusion: str) -> dict[str, NDArray[Any]]:
    """All that our own model answers and explains."""
    photo, _ = prepare(noise_photo(60, 40), bundle.manifest.image_spec(fusion))
    seen, blind = (runtime.encode(pixels, fusion, CANCEL) for pixels in (photo, None))
    first = runtime.decode(PROMPT, seen, None, attention=True, cancel=CANCEL)
    then = runtime.decode([5], seen, first.cache, attention=True, cancel=CANCEL)
    found = {
        "logits": then.logits,
        "attention": not_none(then.attention),
        "scores": runtime.score(PROMPT, seen, CANCEL),
        "scores without a photo": runtime.score(PROMPT, blind, CANCEL),
    }
    if (edges := runtime.edges(photo, fusion, CANCEL)) is not None:
        found["edges"] = edges
    written = runtime.written(photo, PROMPT, ANSWER, fusion, CANCEL)
    for method in TRACED:
        if fusion == CONCAT or not method.about.prefix_only:
            found[method.value] = runtime.explain(method, written)
    numbers = runtime.attention_numbers(written, token=1, layer=0, head=1)
    return {**found, "head's scores": numbers.scores, "head's output": numbers.output}
