"""The engine's thread finds out what an answer needed, after what was asked before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    Explanation,
    RuntimeName,
    Verdict,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.worker import EngineThread, Task, engine_maker
from tests.gui.conftest import Start
from tests.gui_fakes import GRID_COLUMNS, GRID_ROWS, FakeEngine, make_photo
from tests.records import request_about
from tests.tiny_bundle import COLUMNS, ROWS, make_tiny_bundle

MakeThread = Callable[[Callable[[], EngineBase]], EngineThread]
CELLS = np.zeros((GRID_ROWS, GRID_COLUMNS), np.float32)
WORD = slice(0, 1)


@pytest.fixture
def make_thread(start: Start) -> MakeThread:
    def make(engine: Callable[[], EngineBase]) -> EngineThread:
        thread = start(EngineThread(engine))
        thread.load()
        return thread

    return make


class Heard:
    """What the thread was asked, and what came back, in order."""

    def __init__(self, thread: EngineThread) -> None:
        self.all: list[object] = []
        self._thread = thread
        thread.ended.connect(self.all.append)

    def ask(self, work: Callable[[EngineBase, Task], object]) -> Task:
        return self._thread.submit(work, self.take, self.all.append, self.all.append)

    def take(self, result: object) -> None:
        if result is not None:
            self.all.append(result)


def occlude(engine: EngineBase, task: Task) -> None:
    engine.explain(WHAT, Method.OCCLUSION, task, task.report)


def rollout(engine: EngineBase, task: Task) -> None:
    engine.explain(WHAT, Method.ROLLOUT, task, task.report)


def relative(engine: EngineBase, task: Task) -> None:
    engine.explain(WHAT, Method.RELATIVE, task, task.report)


def check(engine: EngineBase, task: Task) -> Check:
    return engine.check(WHAT, WORD, CELLS, Method.HEADS, task)


WHAT = Explanation(request_about(make_photo()), token_ids=(40, 41, 42))


def test_the_real_engine_explains_on_its_thread(
    qtbot: QtBot, make_thread: MakeThread, tmp_path: Path
) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    thread = make_thread(engine_maker(bundle, RuntimeName.ONNX_CPU))
    heard = Heard(thread)
    word, cells = slice(1, 3), np.ones((ROWS, COLUMNS), np.float32)
    heard.ask(occlude)
    heard.ask(lambda engine, task: engine.check(WHAT, word, cells, Method.HEADS, task))
    heard.ask(relative)
    qtbot.waitUntil(
        lambda: any(isinstance(found, AttentionMap) for found in heard.all), timeout=20_000
    )
    *maps, checked, neutral = heard.all
    assert [type(each) for each in maps] == [CellMaps] * len(maps)
    assert maps[-1].done == 1  # type: ignore[attr-defined]
    assert maps[-1].weights.shape == (3, ROWS, COLUMNS)  # type: ignore[attr-defined]
    assert isinstance(checked, Check)
    assert (checked.start, checked.stop, checked.verdict) == (1, 3, Verdict.LANGUAGE)
    assert isinstance(neutral, AttentionMap)


def test_what_was_asked_before_is_answered_before(qtbot: QtBot, make_thread: MakeThread) -> None:
    engine = FakeEngine(gated=True)
    thread = make_thread(engine)
    heard = Heard(thread)
    thread.ask(WHAT.request)
    heard.ask(check)
    engine.release(100)
    qtbot.waitUntil(lambda: len(heard.all) == 2)
    assert heard.all[0].kind == "done"  # type: ignore[attr-defined]
    assert isinstance(heard.all[1], Check)


def test_a_cancelled_search_makes_way_for_the_next_question(
    qtbot: QtBot, make_thread: MakeThread
) -> None:
    thread = make_thread(FakeEngine(explain_gated=True))
    heard = Heard(thread)
    running = heard.ask(occlude)
    waiting = heard.ask(check)
    for cancel in (running, waiting):
        cancel.cancel()
    thread.ask(WHAT.request)
    qtbot.waitUntil(lambda: bool(heard.all))
    assert [each.kind for each in heard.all] == ["done"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [RuntimeFailure("It broke."), ZeroDivisionError("bug")])
def test_what_fails_is_told_and_the_thread_goes_on(
    qtbot: QtBot, make_thread: MakeThread, error: Exception
) -> None:
    engine = FakeEngine(explain_error=error)  # type: ignore[arg-type]
    thread = make_thread(engine)
    heard = Heard(thread)
    heard.ask(rollout)
    qtbot.waitUntil(lambda: bool(heard.all))
    engine.explain_error = None
    heard.ask(check)
    qtbot.waitUntil(lambda: len(heard.all) == 2)
    failure, checked = heard.all
    assert isinstance(failure, RuntimeFailure)
    assert str(error) in failure.title
    assert isinstance(checked, Check)


def test_without_a_model_it_is_told_too(qtbot: QtBot, start: Start) -> None:
    heard = Heard(start(EngineThread(FakeEngine())))
    heard.ask(rollout)
    qtbot.waitUntil(lambda: bool(heard.all))
    assert str(heard.all[0]).startswith("No model is loaded")


def test_closing_ends_a_search(qtbot: QtBot) -> None:
    thread = EngineThread(FakeEngine(explain_gated=True))
    thread.start()
    with qtbot.waitSignal(thread.loaded):
        thread.load()
        thread.submit(rollout)
    thread.begin_close()
    assert thread.end_close()
