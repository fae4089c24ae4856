"""Several pictures within a conversation, for each family that was made for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.messages import (
    PICTURE,
    Explanation,
    GenerationRequest,
    Message,
    Photo,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from tests.fakes import FoundMaps
from tests.families.checkpoints import noise_photo, tiny_smolvlm
from tests.families.tiny import TINY
from tests.families.tiny_idefics import tiny_idefics
from tests.families.tiny_qwen import tiny_qwen2, tiny_qwen3, tiny_qwen25

CAT, DOG, NEW = (noise_photo(48, 32, seed) for seed in (1, 2, 3))
FEW_SHOT = f"{PICTURE}A cat. {PICTURE}A dog. {PICTURE}A"
FAMILIES: dict[str, Callable[[Path], Path]] = {
    "smolvlm": tiny_smolvlm,
    "idefics": tiny_idefics,
    "qwen2": tiny_qwen2,
    "qwen2.5": tiny_qwen25,
    "qwen3": tiny_qwen3,
    "onevision": TINY["llava_onevision"],
}


@pytest.fixture(scope="module", params=FAMILIES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> CheckpointEngine:
    make = FAMILIES[request.param]
    found = CheckpointEngine(make(tmp_path_factory.mktemp("model") / request.param))
    assert found.load().sequences
    return found


def asked(photos: tuple[Photo, ...], *texts: str) -> GenerationRequest:
    """Questions and answers in turn, a question last."""
    messages = tuple(
        Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)
    )
    return GenerationRequest(1, photos, messages, Sampling(max_new_tokens=3))


def answer(engine: CheckpointEngine, request: GenerationRequest) -> list[TokenStep]:
    steps = list[TokenStep]()
    outcome = engine.generate(request, CancelToken(), steps.append)
    assert outcome.kind == "done", outcome.error
    return steps


def test_examples_and_the_picture_in_question_have_a_map_each(engine: CheckpointEngine) -> None:
    steps = answer(engine, asked((CAT, DOG, NEW), FEW_SHOT))
    assert steps
    for step in steps:
        assert step.attention is not None
        maps = (step.attention, *step.attention.others)
        assert len(maps) == 3
        total = sum(each.weights.astype(np.float32).sum(axis=-1) for each in maps)
        assert (total <= 1.01).all()


def test_the_pictures_follow_each_other_as_they_were_named(engine: CheckpointEngine) -> None:
    """Which stands where changes the answer's probabilities, or at least its looks."""
    one = answer(engine, asked((CAT, DOG, NEW), FEW_SHOT))[0]
    other = answer(engine, asked((DOG, CAT, NEW), FEW_SHOT))[0]
    assert one.attention is not None
    assert other.attention is not None
    before, after = one.attention.weights, other.attention.others[0].weights
    assert one.probability != other.probability or not np.array_equal(before, after)


def test_a_picture_that_stands_twice_has_one_map(engine: CheckpointEngine) -> None:
    request = asked((CAT, DOG, CAT), f"{PICTURE}A cat.", "Yes.", f"{PICTURE}Not {PICTURE}?")
    steps = answer(engine, request)
    for step in steps:
        assert step.attention is not None
        maps = (step.attention, *step.attention.others)
        assert len(maps) == len(request.photos) == 2
        assert all(each.weights.shape[-1] == each.grid.cells for each in maps)


def test_hiding_places_hides_them_wherever_the_picture_stands(engine: CheckpointEngine) -> None:
    request = asked((CAT, DOG, CAT), FEW_SHOT)
    token_ids = tuple(step.token_id for step in answer(engine, request))
    found = FoundMaps()
    engine.explain(Explanation(request, token_ids), Method.OCCLUSION, CancelToken(), found.take)
    assert found[-1].done == 1
    assert found[-1].weights.shape[0] == len(token_ids)


def test_pictures_of_turns_that_are_left_out_come_first(engine: CheckpointEngine) -> None:
    """As many turns as don't fit: their pictures are still there, before the first question."""
    question, count = f"{PICTURE}{'why ' * 40}", 12
    photos = tuple(noise_photo(48, 32, seed) for seed in range(count))
    texts = [text for _ in range(count - 1) for text in (question, "So.")]
    images = [engine.family.preprocess(photo) for photo in photos]
    room = max(16, engine.context_length - 700)
    messages = asked(photos, *texts, f"{PICTURE}And this?").messages
    prompt = engine.family.build_prompt(messages, images, room)
    assert prompt.dropped_turns > 0
    assert len(prompt.image_positions) == sum(each.tokens for each in images)
