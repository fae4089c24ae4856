"""What becomes of an engine whose graphics card fails, in a process that has the stub for one; each
function gives what JSON can hold."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from tests.fakes import make_photo
from tests.gpu.measures import Card
from tests.tiny_bundle import ROWS

# What the stub computes is all alike, and the likeliest token would be an end.
SAMPLING = Sampling(max_new_tokens=300, temperature=1.0, top_k=0, top_p=1.0, seed=1)
REQUEST = GenerationRequest(1, (make_photo(40, 30),), (Message("user", "A dog?"),), SAMPLING)
EXPLAINED = Explanation(REQUEST, (40, 41, 42))
CELLS = np.zeros((ROWS, ROWS), np.float32)
CRASH = 719  # cudaErrorLaunchFailure
NEVER = 2**63  # calls


def loading(folder: str) -> dict[str, Any]:
    """What answers after loading; whether it does; what the doctor says; what CUDA says if it is
    to be CUDA."""
    engine = open_engine(Path(folder))
    engine.load()
    found = {**_runtime(engine), **_asked(engine, lambda _step: None)}
    engine.close()
    try:
        forced = open_engine(Path(folder), RuntimeName.ONNX_CUDA)
        forced.load()
        forced.close()
    except AppError as error:
        found["forced"] = str(error)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        cli.main(["doctor", "--model", folder])
    return {**found, "doctor": said.getvalue()}


def drivers(folder: str, settings: list[dict[str, str]]) -> list[dict[str, Any]]:
    """`loading` with each of these in the environment: what the stub's driver reads anew."""
    found = []
    for each in settings:
        os.environ.update(each)
        found.append(loading(folder))
        for name in each:
            del os.environ[name]
    return found


def crashing(folder: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """The card crashes in each of these calls, at once and half-way; the call's result is compared
    with the processor's."""
    alone = open_engine(Path(folder), RuntimeName.ONNX_CPU)
    alone.load()
    found = {}
    for name in names:
        call = CALLS[name]
        for later in (0, 1):
            with _on_card(folder) as (engine, card):
                calls = _calls_of(card, engine, call) * later // 2
                _crash(card, after=calls)
                same = _equal(call(engine), call(alone))
                found[f"{name} {later}"] = {**_runtime(engine), "same": same}
    return found


def answering(folder: str) -> dict[str, dict[str, Any]]:
    """The card fails as an answer is wanted: before the first word, after it, for want of memory
    at the picture and in mid-answer."""
    found = {}
    with _on_card(folder) as (engine, card):
        _crash(card)
        found["crash"] = {**_asked(engine, lambda _step: None), **_runtime(engine)}
    with _on_card(folder) as (engine, card):
        found["crash later"] = {**_asked(engine, lambda _step: _crash(card)), **_runtime(engine)}
    with _on_card(folder) as (engine, card):
        _fill(card)
        found["full"] = {**_asked(engine, lambda _step: None), **_runtime(engine)}
    with _on_card(folder) as (engine, card):
        found["full later"] = {**_asked(engine, lambda _step: _fill(card)), **_runtime(engine)}
    return found


def _maps(engine: EngineBase) -> Any:
    found: list[Any] = []
    engine.explain(EXPLAINED, Method.OCCLUSION, CancelToken(), found.append)
    return found[-1].weights


def _edges(engine: EngineBase) -> Any:
    edges = engine.edges(REQUEST.images[0], CancelToken())
    assert edges is not None
    return edges.weights


def _check(engine: EngineBase) -> Any:
    found = engine.check(EXPLAINED, slice(0, 1), CELLS, Method.HEADS, CancelToken())
    return [found.whole, found.hidden, found.blind, *found.random]


CALLS: dict[str, Callable[[EngineBase], Any]] = {
    "edges": _edges,
    "neutral": lambda engine: engine.neutral(REQUEST.images[0]).weights,
    "hidden": lambda engine: engine.hidden(EXPLAINED, CELLS[None] > 0, CancelToken()),
    "check": _check,
    "occlusion": _maps,
}


@contextlib.contextmanager
def _on_card(folder: str) -> Iterator[tuple[EngineBase, Card]]:
    """An engine that the card answers, which is well again afterwards."""
    card, engine = Card(), open_engine(Path(folder))
    engine.load()
    engine.stop_ids = frozenset()  # so that an answer grows beyond the room that its cache had
    assert engine.runtime.runtime is RuntimeName.ONNX_CUDA, engine.runtime
    memory = card["memory"]
    yield engine, card
    card["fail_with"], card["fail_from"], card["memory"] = 0, 1, memory
    engine.close()


def _calls_of(card: Card, engine: EngineBase, call: Callable[[EngineBase], Any]) -> int:
    """How many calls the card has to answer for that."""
    before = card["calls"]
    call(engine)
    return card["calls"] - before


def _crash(card: Card, after: int = 0) -> None:
    card["fail_from"] = card["calls"] + after + 1
    card["fail_with"] = CRASH


def _fill(card: Card) -> None:
    card["memory"] = card["bytes_held"]


def _asked(engine: EngineBase, on_step: Callable[[TokenStep], None]) -> dict[str, Any]:
    steps: list[TokenStep] = []

    def take(step: TokenStep) -> None:
        steps.append(step)
        on_step(step)

    outcome = engine.generate(REQUEST, CancelToken(), take)
    return {
        "kind": outcome.kind,
        "error": str(outcome.error or ""),
        "steps": len(steps),
        "text": "".join(step.text for step in steps),
        "notes": [str(note) for note in outcome.notes],
    }


def _runtime(engine: EngineBase) -> dict[str, str]:
    return {"runtime": str(engine.runtime.runtime), "note": str(engine.runtime.note)}


def _equal(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True))
