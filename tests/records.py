"""What is recorded of a model, a question and its answer, as small as a test wants it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.honesty import Doubt
from mmgpt_desktop.messages import (
    AttentionMap,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    HeadChoice,
    Message,
    ModelInfo,
    Photo,
    Timings,
    TokenStep,
)
from mmgpt_desktop.note import plain


def fusion_info(
    layers: int = 2,
    heads: int = 3,
    side: int = 4,
    chosen: tuple[tuple[int, int], ...] = ((0, 1), (1, 2)),
    *,
    name: str = "graph",
    why: str = "Chosen for tests.",
) -> FusionInfo:
    return FusionInfo(name, layers, heads, side, side, HeadChoice(chosen, plain(why)))


def model_info(*fusions: FusionInfo, name: str = "fake", doubt: float = 0.3) -> ModelInfo:
    """Of these fusions, the first of which it takes by itself."""
    limits = Doubt(doubt, doubt)
    return ModelInfo(name, "A model for tests.", 512, fusions, fusions[0].name, doubt=limits)


FUSION = fusion_info()
MODEL = model_info(FUSION)


def request_about(
    *photos: Photo, question: str = "What?", job_id: int = 1, **how: Any
) -> GenerationRequest:
    return GenerationRequest(job_id, photos, (Message("user", question),), **how)


def asked(question: str = "What?", job_id: int = 1, photo: Photo | None = None) -> Turn:
    """A turn that has no answer yet."""
    photos = () if photo is None else (photo,)
    return Turn(request_about(*photos, question=question, job_id=job_id))


def steps_of(
    texts: Iterable[str],
    attention: Iterable[AttentionMap | None] = repeat(None),
    *,
    probability: float = 0.5,
    job_id: int = 1,
    first_id: int = 0,
) -> tuple[TokenStep, ...]:
    """A step for each text; the tokens' ids go up from `first_id`."""
    return tuple(
        TokenStep(job_id, place, first_id + place, text, probability, looked)
        for place, (text, looked) in enumerate(zip(texts, attention, strict=False))
    )


def done(job_id: int = 1, **about: Any) -> GenerationOutcome:
    return GenerationOutcome(job_id, "done", about.pop("timings", Timings()), **about)
