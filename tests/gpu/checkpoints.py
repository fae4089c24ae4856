"""A public model's graphs in a process whose graphics card is the stub: where the decoder's nodes
are, and what is counted for each token of an answer, its attention wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.families.registry import checkpoint_onnx, family_of
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, read_checkpoint
from mmgpt_desktop.messages import Message, RuntimeName
from tests.engine.test_checkpoint_onnx import context_of
from tests.families.checkpoints import noise_photo
from tests.gpu.measures import Card, placed, recording

CUDA, CPU, CANCEL = RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, CancelToken()


def exported(folder: str, tokens: int) -> dict[str, Any]:
    """Of an export of ours."""
    checkpoint = read_checkpoint(Path(folder))
    family = family_of(checkpoint)
    photo = family.preprocess(noise_photo(60, 40))
    prompt = family.build_prompt([Message("user", "What is this?")], [photo], tokens)
    runtime, decoder = _on_card(checkpoint)
    # Encoded by the processor: the stub computes nothing, and some encoders need what they compute.
    features = checkpoint_onnx(checkpoint, CPU, cache=_cache(checkpoint)).encode(photo, CANCEL)
    context = Context(prompt, (photo,), (features,))
    return {"decoder": decoder, "tokens": _counted(runtime, context, tokens)}


def community(folder: str, tokens: int) -> dict[str, Any]:
    """Of `tests.community`, after surgery."""
    checkpoint = read_checkpoint(Path(folder))
    runtime, decoder = _on_card(checkpoint)
    context = context_of(CheckpointOnnx(checkpoint, CPU, cache=_cache(checkpoint)))
    return {"decoder": decoder, "tokens": _counted(runtime, context, tokens)}


def _cache(checkpoint: Checkpoint) -> Path:
    return checkpoint.path / "cache"


def _on_card(checkpoint: Checkpoint) -> tuple[Any, dict[str, Any]]:
    with recording() as sessions:
        runtime = checkpoint_onnx(checkpoint, CUDA, cache=_cache(checkpoint))
        return runtime, placed(*sessions[0])


def _counted(runtime: Any, context: Context, tokens: int) -> list[dict[str, int]]:
    """The prompt's and then each token's."""
    card, past, counted = Card(), None, list[dict[str, int]]()
    feeds: list[Sequence[int]] = [context.prompt.token_ids, *[[7]] * tokens]
    for feed in feeds:
        before = card.counted()
        step = runtime.decode(feed, context, past, attention=True, cancel=CANCEL)
        past = step.cache
        counted.append(card.since(before))
    return counted
