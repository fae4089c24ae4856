"""How well a bundle translates: sentences of dev photos, beside people's translations."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, TokenStep
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.parallel import INTO, Parallel, held_out_parallel

SHOWN = 5


def translations(data: Path, bundle: Path) -> str:
    """Both ways, as the app asks for it: measures over words, in Chinese over characters, and some
    examples. Raises AppError where the data has no such sentences."""
    pairs = held_out_parallel(data)
    if not pairs:
        raise AppError("The data folder has no held-out sentences in both languages.")
    engine = BundleEngine(bundle, RuntimeName.ONNX_CPU)
    engine.load()
    return "\n".join(line for into in INTO for line in _one_way(engine, pairs, into))


def _one_way(engine: BundleEngine, pairs: Sequence[Parallel], into: str) -> Iterator[str]:
    rng = random.Random(0)
    turns = [pair.turn(into, rng) for pair in pairs]
    answers = [_answer(engine, question) for question, _ in turns]
    measures = caption_measures(
        {str(place): [right] for place, (_, right) in enumerate(turns)},
        {str(place): answer for place, answer in enumerate(answers)},
    )
    told = [f"{name} {each(np.ones(len(turns))):.3f}" for name, each in measures.items()]
    yield f"Into {into}, {len(turns)} sentences: {', '.join(told)}."
    for (question, right), answer in list(zip(turns, answers, strict=True))[:SHOWN]:
        yield f"  {question} -> {answer} (people: {right})"


def _answer(engine: BundleEngine, question: str) -> str:
    steps: list[TokenStep] = []
    messages = (Message("user", question),)
    sampling = engine.describe().sampling
    asked = GenerationRequest(1, (), messages, sampling, anyway=True)
    outcome = engine.generate(asked, CancelToken(), steps.append)
    if outcome.error is not None:
        raise outcome.error
    return "".join(step.text for step in steps).strip()
