"""A session with everything in it, for tests."""

from __future__ import annotations

import numpy as np

from mmgpt_desktop.conversation import Conversation, Turn, WordCheck
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    AttentionMap,
    Box,
    CellMaps,
    Check,
    GenerationOutcome,
    PatchGrid,
    Photo,
    RuntimeInfo,
    RuntimeName,
    Sampling,
    Timings,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import Note, plain
from mmgpt_desktop.painted import Drawing, LeftOut, PromptWord
from mmgpt_desktop.session.session_record import Session
from tests.records import MODEL, request_about, steps_of

WORDS = ("A", " red", " ball")


def photo(seed: int = 0) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    pixels.setflags(write=False)
    return Photo(
        pixels,
        f"photo {seed}",
        f"猫 {seed}.png",
        (Note("Only the first of its {count} frames is used.", {"count": 3}),),
    )


def turn(about: Photo | None, question: str = "What is this?") -> Turn:
    images = () if about is None else (about,)
    how = {"sampling": Sampling(seed=3), "fusion": "graph"}
    request = request_about(*images, question=question, job_id=7, **how)
    grid = PatchGrid(4, 4, Box(0, -5, 40, 35.5), 40, 30)
    weights = np.random.default_rng(1).random((len(WORDS), 2, 3, 16)).astype(np.float16)
    maps = np.arange(len(WORDS) * 16, dtype=np.float32).reshape(len(WORDS), 4, 4)
    maps[0, 0, 0] = np.nan
    looked = [AttentionMap(each, grid, 0.25) if about else None for each in weights]
    steps = steps_of(WORDS, looked, job_id=7, first_id=40)
    outcome = GenerationOutcome(
        7,
        "failed",
        Timings(0.1, 0.2, 0.3, 3),
        RuntimeInfo(RuntimeName.ONNX_CPU, "CPUExecutionProvider", plain("It fell back.")),
        AppError("It {verb}.", "Try {again}.", verb="broke", again="{again}"),
        (plain("A {note}."), Note("Left out for length: the first {count} turns.", {"count": 2})),
        0.7,
    )
    check = Check(Method.HEADS, 1, 2, 0.8, 0.1, (0.7, 0.8), 0.6)
    return Turn(
        request,
        steps,
        outcome,
        True,
        MODEL,
        (CellMaps(Method.OCCLUSION, maps, grid),) if about else (),
        AttentionMap(weights[0], grid) if about else None,
        (WordCheck(check, 1, ((0, 1), (1, 2))),),
    )


def drawing() -> Drawing:
    """How the second photo was drawn, and what it changed to leave a word out."""
    words = (PromptWord("red", 2, 5), PromptWord("rose", 6, 10))
    maps = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    left_out = LeftOut("big", np.ones((2, 2), np.float32), 1.5)
    return Drawing("a red rose", 3, "painter", words, maps, left_out)


def session() -> Session:
    one, other = photo(1), photo(2)
    conversations = (
        Conversation(None, [turn(None, "Hello?")]),
        Conversation(one, [turn(one), turn(one, "And this?")]),
        Conversation(other, drawing=drawing()),
    )
    return Session(conversations, 1, "half a quest")
