from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref
from functools import partial
from typing import NoReturn

import numpy as np
import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from mmgpt_desktop.engine.cores import ENGINE_NICENESS
from mmgpt_desktop.errors import AppError, BundleError, Cancelled, ImageError
from mmgpt_desktop.messages import GenerationRequest, Photo
from mmgpt_desktop.ui.widgets.shown_photo import levels_of, photo_from_image
from mmgpt_desktop.ui.worker import EngineThread, Task, TaskThread
from tests.gui.conftest import Start
from tests.gui_fakes import ANSWER, FakeEngine, drain, make_image, make_photo
from tests.records import request_about


class Log:
    """What a thread emitted, in order."""

    def __init__(self, thread: EngineThread) -> None:
        self.steps: list[object] = []
        self.outcomes: list[object] = []
        thread.stepped.connect(self.steps.append)
        thread.ended.connect(self.outcomes.append)


def request(job_id: int = 1) -> GenerationRequest:
    return request_about(job_id=job_id)


def _width(photo: Photo, _task: Task) -> int:
    return photo.width


def nothing(_task: Task) -> None:
    """The shortest work."""


def test_each_request_has_its_steps_and_one_outcome(qtbot: QtBot, start: Start) -> None:
    thread = start(EngineThread(FakeEngine()))
    log = Log(thread)
    thread.load()
    for job_id in (1, 2, 3):
        thread.ask(request(job_id))
    qtbot.waitUntil(lambda: len(log.outcomes) == 3)
    assert [outcome.job_id for outcome in log.outcomes] == [1, 2, 3]  # type: ignore[attr-defined]
    assert len(log.steps) == 3 * len(ANSWER)


def test_a_thread_keeps_nothing_of_what_it_did(qtbot: QtBot, start: Start) -> None:
    """What one visitor brought must be gone when it is thrown away."""
    thread, photo = start(TaskThread("test")), make_photo()
    widths: list[int] = []
    thread.submit(partial(_width, photo), widths.append)
    qtbot.waitUntil(lambda: widths == [160])
    kept = weakref.ref(photo)
    del photo
    qtbot.waitUntil(lambda: thread.idle)
    gc.collect()
    assert kept() is None


def test_the_engine_s_thread_keeps_nothing_of_what_it_was_asked(qtbot: QtBot, start: Start) -> None:
    engine, photo = FakeEngine(), make_photo()
    thread = start(EngineThread(engine))
    thread.load()
    with qtbot.waitSignal(thread.ended):
        thread.ask(request_about(photo))
    kept = weakref.ref(photo)
    engine.requests.clear()
    del photo
    qtbot.waitUntil(lambda: thread.idle)
    gc.collect()
    assert kept() is None


def test_a_thread_is_idle_when_all_that_was_asked_is_over(qtbot: QtBot, start: Start) -> None:
    thread, gate = start(TaskThread("test")), threading.Event()
    assert thread.idle
    thread.submit(lambda _task: gate.wait())
    thread.submit(nothing).cancel()
    assert not thread.idle
    gate.set()
    qtbot.waitUntil(lambda: thread.idle)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have their own priority on Linux")
def test_the_engine_lets_the_window_go_first(qtbot: QtBot, start: Start) -> None:
    niceness: list[int] = []

    def make() -> FakeEngine:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return FakeEngine()

    thread = start(EngineThread(make))
    with qtbot.waitSignal(thread.loaded):
        thread.load()
    assert niceness == [min(19, os.getpriority(os.PRIO_PROCESS, 0) + ENGINE_NICENESS)]


def test_loading_reports_progress_and_the_model(qtbot: QtBot, start: Start) -> None:
    thread = start(EngineThread(FakeEngine()))
    progress: list[float] = []
    thread.load_progress.connect(lambda fraction, _what: progress.append(fraction))
    with qtbot.waitSignal(thread.loaded) as loaded:
        thread.load()
    assert loaded.args[0].name == "fake"
    assert progress == [0.5]


def test_a_failed_load_fails_the_requests_with_its_reason(qtbot: QtBot, start: Start) -> None:
    error = BundleError("The model is damaged.")
    thread = start(EngineThread(FakeEngine(load_error=error)))
    log = Log(thread)
    with qtbot.waitSignal(thread.load_failed) as failed:
        thread.load()
    assert failed.args == [error]
    thread.ask(request())
    qtbot.waitUntil(lambda: bool(log.outcomes))
    assert log.outcomes[0].error is error  # type: ignore[attr-defined]


def test_an_engine_that_cannot_be_made_is_a_failed_load(qtbot: QtBot, start: Start) -> None:
    def make() -> FakeEngine:
        raise ImportError("no such library")

    thread = start(EngineThread(make))
    with qtbot.waitSignal(thread.load_failed) as failed:
        thread.load()
    assert "no such library" in failed.args[0].title


def test_cancelling_a_load_is_no_error(qtbot: QtBot, start: Start) -> None:
    thread = start(EngineThread(FakeEngine(load_gated=True)))
    with qtbot.waitSignal(thread.load_progress):
        token = thread.load()
    with qtbot.waitSignal(thread.load_failed) as failed:
        token.cancel()
    assert failed.args == [None]


class Switched:
    """A thread whose model answers, and what it says of each switch to another one."""

    def __init__(self, qtbot: QtBot, thread: EngineThread) -> None:
        self.thread, self.log = thread, Log(thread)
        self.made: list[FakeEngine] = []
        self.ends: list[object] = []
        with qtbot.waitSignal(thread.loaded):
            thread.switch(self._make)
        thread.loaded.connect(lambda model, _runtime: self.ends.append(model.name))
        thread.load_failed.connect(self.ends.append)
        thread.gone.connect(lambda: self.ends.append("gone"))

    def _make(self) -> FakeEngine:
        self.made.append(FakeEngine())
        return self.made[-1]


@pytest.fixture
def switched(qtbot: QtBot, start: Start) -> Switched:
    return Switched(qtbot, start(EngineThread(FakeEngine())))


@pytest.mark.parametrize("needs_room", [True, False])
def test_a_model_makes_room_for_the_next_where_both_have_none(
    qtbot: QtBot, switched: Switched, needs_room: bool
) -> None:
    there = FakeEngine(needs_room=needs_room, load_gated=True)
    (before,) = switched.made
    with qtbot.waitSignal(switched.thread.load_progress):
        switched.thread.switch(there)
    assert before.closed is needs_room
    with qtbot.waitSignal(switched.thread.loaded):
        there.load_gate.release()
    assert before.closed
    assert (switched.ends, len(switched.made)) == (["fake"], 1)


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_model_that_made_room_in_vain_answers_again(
    qtbot: QtBot, switched: Switched, cancelled: bool
) -> None:
    error = None if cancelled else BundleError("The model is damaged.")
    there = FakeEngine(needs_room=True, load_gated=True, load_error=error)
    with qtbot.waitSignal(switched.thread.load_progress):
        token = switched.thread.switch(there)
    with qtbot.waitSignal(switched.thread.load_failed):
        token.cancel() if cancelled else there.load_gate.release()
    assert there.closed
    assert switched.ends == [error]
    first, again = switched.made
    assert (first.closed, again.closed) == (True, False)
    with qtbot.waitSignal(switched.thread.ended):
        switched.thread.ask(request())
    assert len(again.requests) == 1


def test_a_model_that_cannot_come_back_is_gone(qtbot: QtBot, start: Start) -> None:
    before = FakeEngine()
    thread = start(EngineThread(before))
    with qtbot.waitSignal(thread.loaded):
        thread.load()
    ends: list[object] = []
    thread.gone.connect(lambda: ends.append("gone"))
    thread.load_failed.connect(ends.append)
    before.load_error = BundleError("It was deleted.")
    error = BundleError("The model is damaged.")
    with qtbot.waitSignal(thread.load_failed):
        thread.switch(FakeEngine(needs_room=True, load_error=error))
    assert ends == ["gone", error]
    with qtbot.waitSignal(thread.ended) as ended:
        thread.ask(request())
    assert ended.args[0].error is error


def test_cancel_ends_an_answer_between_two_steps(qtbot: QtBot, start: Start) -> None:
    engine = FakeEngine(gated=True)
    thread = start(EngineThread(engine))
    log = Log(thread)
    thread.load()
    token = thread.ask(request())
    engine.release(2)
    qtbot.waitUntil(lambda: len(log.steps) == 2)
    token.cancel()
    qtbot.waitUntil(lambda: bool(log.outcomes))
    assert log.outcomes[0].kind == "cancelled"  # type: ignore[attr-defined]
    assert len(log.steps) == 2


def test_an_engine_that_raises_still_gives_an_outcome(qtbot: QtBot, start: Start) -> None:
    thread = start(EngineThread(FakeEngine(fail_after=1)))
    log = Log(thread)
    thread.load()
    thread.ask(request())
    qtbot.waitUntil(lambda: bool(log.outcomes))
    outcome = log.outcomes[0]
    assert outcome.kind == "failed"  # type: ignore[attr-defined]
    assert isinstance(outcome.error.__cause__, RuntimeError)  # type: ignore[attr-defined]


def test_closing_in_mid_answer_cancels_what_runs_and_what_waits(qtbot: QtBot, start: Start) -> None:
    engine = FakeEngine(gated=True)
    thread = start(EngineThread(engine))
    log = Log(thread)
    thread.load()
    thread.ask(request(1))
    thread.ask(request(2))
    engine.release()
    qtbot.waitUntil(lambda: len(log.steps) == 1)
    thread.begin_close()
    assert thread.end_close()
    qtbot.waitUntil(lambda: len(log.outcomes) == 2)
    assert {outcome.kind for outcome in log.outcomes} == {"cancelled"}  # type: ignore[attr-defined]
    assert engine.closed


def test_a_job_that_was_cancelled_while_it_waited_does_not_run(qtbot: QtBot, start: Start) -> None:
    thread = start(TaskThread("drawing"))
    ran: list[int] = []
    done: list[int] = []
    started, gate = threading.Event(), threading.Event()

    def first(_task: Task) -> None:
        started.set()
        gate.wait(5)

    def note(number: int, _task: Task) -> int:
        ran.append(number)
        return number

    thread.submit(first)
    started.wait(5)
    tasks = [thread.submit(partial(note, number), done.append) for number in range(1, 10)]
    for task in tasks[:-1]:
        task.cancel()
    gate.set()
    qtbot.waitUntil(lambda: bool(done))
    assert done == ran == [9]


def test_jobs_run_in_order(qtbot: QtBot, start: Start) -> None:
    thread = start(TaskThread("files"))
    done: list[int] = []
    for number in range(5):
        thread.submit(lambda _task, number=number: number, done.append)  # type: ignore[misc]
    qtbot.waitUntil(lambda: len(done) == 5)
    assert done == list(range(5))


def test_a_job_that_fails_says_why_and_the_thread_goes_on(qtbot: QtBot, start: Start) -> None:
    thread = start(TaskThread("files"))

    def fail(_task: Task) -> None:
        raise ImageError("No picture.")

    def break_down(_task: Task) -> None:
        raise KeyError("bug")

    for work, title in ((fail, "No picture."), (break_down, "bug")):
        done: list[object] = []
        errors: list[AppError] = []
        thread.submit(work, done.append, errors.append)
        qtbot.waitUntil(partial(bool, errors))
        assert title in errors[0].title
        assert not done


def test_a_cancelled_job_is_silent(qtbot: QtBot, start: Start) -> None:
    thread = start(TaskThread("files"))
    ended: list[object] = []

    def cancelled(_task: Task) -> None:
        raise Cancelled

    thread.submit(cancelled, ended.append, ended.append)
    drain(qtbot, thread)
    assert not ended


def test_what_is_cancelled_when_it_is_done_is_not_delivered(qtbot: QtBot, start: Start) -> None:
    """Its result is on its way, and nobody wants it any more."""
    thread = start(TaskThread("files"))
    ended: list[object] = []

    def report(task: Task) -> str:
        task.report("half")
        return "all"

    task = thread.submit(report, ended.append, ended.append, ended.append)
    while not thread.idle:  # without the event loop, which would deliver it
        time.sleep(0.001)
    task.cancel()
    drain(qtbot, thread)
    assert not ended


class Owner(QObject):
    """Something of the window that may be destroyed before its answer is there."""

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self._heard = heard

    def take(self, what: str, value: object) -> None:
        assert QThread.currentThread() is self.thread()
        self._heard.append((what, value))


def test_what_comes_back_comes_in_the_gui_thread_and_in_order(qtbot: QtBot, start: Start) -> None:
    thread, heard = start(TaskThread("files")), list[object]()
    owner = Owner(heard)

    def count(task: Task) -> str:
        assert QThread.currentThread() is thread
        for number in range(3):
            task.report(number)
        return "done"

    news = partial(owner.take, "progress")
    thread.submit(count, partial(owner.take, "then"), progress=news)
    drain(qtbot, thread)
    assert heard == [("progress", 0), ("progress", 1), ("progress", 2), ("then", "done")]


def test_nothing_is_delivered_to_what_is_destroyed(qtbot: QtBot, start: Start) -> None:
    thread, gate, heard = start(TaskThread("files")), threading.Event(), list[object]()
    owner = Owner(heard)

    def wait(task: Task) -> None:
        task.report(gate.wait(30))

    take = partial(owner.take, "")
    thread.submit(wait, take, take, take)
    delete(owner)
    gate.set()
    drain(qtbot, thread)
    assert not heard


def test_no_handler_outlives_its_work(qtbot: QtBot, start: Start) -> None:
    """Nor does the thread ever hold the last of what is the window's."""
    thread, owner = start(TaskThread("files")), Owner([])
    kept = weakref.ref(owner)
    thread.submit(nothing, partial(owner.take, "then"))
    thread.submit(nothing, partial(owner.take, "then")).cancel()
    drain(qtbot, thread)
    del owner
    assert kept() is None


@pytest.mark.parametrize("size", [(1, 1), (8000, 20), (3, 4096), (640, 480)])
def test_levels_halve_down_to_a_small_one(size: tuple[int, int]) -> None:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    levels = levels_of(Photo(pixels, "id", "name"))
    edges = [max(level.width(), level.height()) for level in levels]
    assert edges[0] == max(size)
    assert edges == sorted(edges, reverse=True)
    assert edges[-1] <= 256
    assert not any(level.isNull() for level in levels)


def test_the_images_keep_the_photos_colours() -> None:
    photo = make_photo()
    image = levels_of(photo)[0]
    assert image.pixelColor(0, 0) == QColor(*photo.pixels[0, 0].tolist())
    assert image.pixelColor(159, 119) == QColor(220, 30, 30)


def test_pixels_from_the_clipboard_become_a_photo() -> None:
    photo = photo_from_image(make_image(colour="#2266aa"), "pasted")
    assert (photo.width, photo.height) == (40, 30)
    assert tuple(photo.pixels[0, 0]) == (0x22, 0x66, 0xAA)


def test_when_nobody_asks_the_engine_does_what_can_wait(
    qtbot: QtBot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgpt_desktop.ui.worker.QUIET_SECONDS", 0.01)
    engine = FakeEngine()
    engine.rest_gated = True
    thread = start(EngineThread(engine))
    log = Log(thread)
    thread.load()
    qtbot.waitUntil(lambda: engine.rested.acquire(blocking=False))
    thread.ask(request())  # ends the rest at once, which no one ends otherwise
    qtbot.waitUntil(lambda: len(log.outcomes) == 1)
    assert len(log.steps) == len(ANSWER)
    qtbot.waitUntil(lambda: engine.rested.acquire(blocking=False))


class Panic(BaseException):
    """As a library written in Rust raises it: no Exception."""


def panicking(*_: object) -> NoReturn:
    raise Panic("index out of bounds")


def test_a_panic_of_a_library_ends_no_thread(
    qtbot: QtBot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(engine, "generate", panicking)
    thread = start(EngineThread(engine))
    log = Log(thread)
    thread.load()
    thread.ask(request(1))
    thread.ask(request(2))
    qtbot.waitUntil(lambda: len(log.outcomes) == 2)
    assert [outcome.kind for outcome in log.outcomes] == ["failed"] * 2  # type: ignore[attr-defined]
    broken = FakeEngine()
    monkeypatch.setattr(broken, "load", panicking)
    with qtbot.waitSignal(thread.load_failed) as failed:
        thread.switch(broken)
    assert "index out of bounds" in failed.args[0].title
    tasks = start(TaskThread("tasks"))
    errors: list[AppError] = []
    tasks.submit(panicking, failed=errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert "index out of bounds" in errors[0].title
