"""An engine that breaks or hangs, and a desktop that wants to sleep."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtDBus import QDBusMessage

from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import GenerationOutcome
from mmgpt_desktop.ui.event import awake, event_app
from mmgpt_desktop.ui.event.engine_watchdog import FIRST_LIMIT_MS, FRIENDLY_MS, STEP_LIMIT_MS
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.event.show import LINE_MS
from tests.gui.event_parts import MakeShow, ask, idle, open_sample, turn_round, until
from tests.gui_fakes import FakeEngine
from tests.records import MODEL


class Engines:
    """Makes one engine after the other; the last one stays."""

    def __init__(self, *engines: FakeEngine) -> None:
        self.made = 0
        self._engines = engines

    def __call__(self) -> FakeEngine:
        self.made += 1
        return self._engines[min(self.made, len(self._engines)) - 1]


def begin(show: EventApp) -> None:
    open_sample(show)
    show.stage.ask("What?")


@pytest.mark.parametrize("after", [0, 3])
def test_an_engine_that_breaks_is_started_anew_and_asked_again(
    make_show: MakeShow, after: int
) -> None:
    engines = Engines(FakeEngine(fail_after=after), FakeEngine())
    show = make_show(engines)
    said: list[str] = []
    show.stage.watchdog.restarting.connect(lambda: said.append(show.window.line.text()))
    begin(show)
    until(lambda: said and not show.stage.asker.busy and show.stage.visit.current.turns)
    assert "starting again" in said[0]
    assert engines.made == 2
    assert show.stage.visit.current.turns[0].answer == "A red ball in the corner."
    assert show.stage.page.answer.toPlainText() == "A red ball in the corner."
    assert not show.window.line.isVisible()
    assert show.window.pages.currentWidget() is show.window.answer_page


def test_a_question_that_breaks_it_twice_is_given_up(make_show: MakeShow) -> None:
    engines = Engines(FakeEngine(fail_after=1), FakeEngine(fail_after=1), FakeEngine())
    show = make_show(engines)
    begin(show)
    until(lambda: engines.made == 3 and show.stage.asker.model is not None)
    assert show.window.pages.currentWidget() is show.window.start_page
    ask(show, "What else?")
    assert [turn.question for turn in show.stage.visit.current.turns] == ["What else?"]


def test_a_question_that_broke_it_is_not_asked_about_another_picture(make_show: MakeShow) -> None:
    slow = FakeEngine(load_gated=True)
    show = make_show(Engines(FakeEngine(fail_after=0), slow))
    begin(show)
    until(show.window.line.isVisible)
    show.stage.open(show.stage.samples[1].photo)
    until(lambda: len(show.stage.visit.conversations) == 2)
    slow.load_gate.release()
    until(lambda: show.stage.asker.model is not None)
    turn_round(20)
    assert slow.requests == []
    assert show.window.pages.currentWidget() is show.window.answer_page


def test_nobody_reads_of_trouble_for_longer_than_five_seconds(make_show: MakeShow) -> None:
    slow = FakeEngine(load_gated=True)
    show = make_show(Engines(FakeEngine(fail_after=0), slow))
    begin(show)
    until(show.window.line.isVisible)
    assert FRIENDLY_MS <= 5000
    assert LINE_MS <= 5000
    show.stage.watchdog.friendly.timeout.emit()
    show.window.line_time.timeout.emit()
    assert not show.window.line.isVisible()
    assert show.window.pages.currentWidget() is show.window.start_page
    slow.load_gate.release()
    until(lambda: show.stage.asker.model is not None)
    assert not show.stage.asker.busy


def test_after_a_crash_the_show_says_what_happened(show: EventApp) -> None:
    show.stage.say_sorry()
    line = show.window.line
    assert line.isVisible()
    assert "started again" in line.text()
    assert show.window.line_time.interval() == LINE_MS <= FRIENDLY_MS
    show.window.line_time.timeout.emit()
    assert not line.isVisible()


def test_a_model_that_cannot_be_loaded_is_tried_again(make_show: MakeShow) -> None:
    broken = FakeEngine(load_error=RuntimeFailure("No memory."))
    engines = Engines(broken, broken, FakeEngine())
    show = make_show(engines, wait=False)
    begin(show)
    until(lambda: engines.made == 2)
    until(show.stage.watchdog.retry.isActive)
    show.stage.watchdog.retry.timeout.emit()
    until(lambda: not show.stage.asker.busy and show.stage.visit.current.turns)
    assert show.stage.visit.current.turns[0].answer


def test_a_question_that_waits_for_the_model_is_told_so(make_show: MakeShow) -> None:
    slow = FakeEngine(load_gated=True, load_error=RuntimeFailure("No memory."))
    show = make_show(Engines(slow, FakeEngine()), wait=False)
    begin(show)
    assert "One moment" in show.window.line.text()
    assert show.window.line.isVisible()
    show.stage.watchdog.retry.timeout.disconnect()
    slow.load_gate.release()
    until(lambda: "did not start" in show.window.line.text())
    show.stage.reset()
    begin(show)
    assert "did not start" in show.window.line.text()
    show.stage.watchdog.load()
    until(lambda: not show.stage.asker.busy and show.stage.visit.current.turns)
    assert not show.window.line.isVisible()


def test_a_hanging_answer_is_cancelled_and_asked_again(make_show: MakeShow) -> None:
    hanging = FakeEngine(gated=True)
    show = make_show(Engines(hanging, FakeEngine()))
    begin(show)
    until(lambda: hanging.requests)
    show.stage.watchdog.step_limit.timeout.emit()
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    assert show.stage.visit.current.turns[0].answer
    assert hanging.closed
    assert not show.stage.watchdog.end_limit.isActive()


def test_a_thread_that_cannot_be_ended_ends_the_process(
    make_show: MakeShow, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    show = make_show()
    begin(show)
    idle(show)
    show.stage.watchdog.step_limit.timeout.emit()
    show.stage.watchdog.end_limit.timeout.emit()
    assert codes == [event_app.HUNG]
    assert event_app.HUNG not in (0, 2)


def test_each_word_gives_the_engine_more_time(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    begin(show)
    limit = show.stage.watchdog.step_limit
    assert limit.isActive()
    assert limit.interval() == FIRST_LIMIT_MS  # nobody knows yet how slow it is
    engine.release()
    until(lambda: show.stage.page.answer.toPlainText())
    assert limit.isActive()
    assert limit.interval() >= STEP_LIMIT_MS
    engine.release(10)
    idle(show)
    assert not limit.isActive()


def test_the_end_of_a_cancelled_answer_ends_no_watch_but_its_own(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    ended: list[GenerationOutcome] = []
    show.threads.engine.ended.connect(ended.append)
    begin(show)
    until(lambda: engine.requests)
    show.stage.stop_asking()
    show.stage.ask("What else?")
    until(lambda: ended)
    limit = show.stage.watchdog.step_limit
    assert ended[0].kind == "cancelled"
    assert limit.isActive()
    engine.release(10)
    idle(show)
    assert not limit.isActive()


def test_how_slow_a_model_is_stays_known_when_it_is_loaded_again(make_show: MakeShow) -> None:
    same = FakeEngine(gated=True)
    other = FakeEngine(gated=True, model=replace(MODEL, name="another"))
    show = make_show(Engines(FakeEngine(), same, other))
    begin(show)
    idle(show)
    limits = []
    for engine in (same, other):
        show.stage.watchdog.load()
        until(lambda: show.stage.asker.model is not None)
        show.stage.ask("What else?")
        until(lambda engine=engine: engine.requests)  # type: ignore[misc]
        limits.append(show.stage.watchdog.step_limit.interval())
        engine.release(10)
        idle(show)
    assert STEP_LIMIT_MS <= limits[0] < FIRST_LIMIT_MS
    assert limits[1] == FIRST_LIMIT_MS


def test_a_broken_engine_in_the_attract_loop_goes_on_with_the_next_sample(
    make_show: MakeShow,
) -> None:
    engines = Engines(FakeEngine(fail_after=1), FakeEngine())
    show = make_show(engines)
    show.stage.play()
    until(lambda: show.stage.visit.current.turns and show.stage.visit.current.turns[0].outcome)
    assert engines.made == 2
    assert show.stage.attract.playing


def test_the_system_is_kept_awake_while_the_show_runs(make_show: MakeShow) -> None:
    show = make_show()
    until(lambda: show.awake.started == 1)  # type: ignore[attr-defined]
    show.close()
    assert show.awake.stopped == 1  # type: ignore[attr-defined]


class Holder:
    def __init__(self, command: list[str], **options: Any) -> None:
        self.command, self.options = command, options
        self.stdin, self.waited = self, 0
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def wait(self) -> None:
        self.waited += 1


def test_screen_notifications_and_sleep_are_held_off(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[QDBusMessage] = []
    holders: list[Holder] = []

    def call(message: QDBusMessage) -> QDBusMessage:
        calls.append(message)
        return message.createReply([7])

    def popen(command: list[str], **options: Any) -> Holder:
        holders.append(Holder(command, **options))
        return holders[-1]

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    keeper = awake.Awake(call, popen)
    keeper.start()
    assert [message.member() for message in calls] == ["Inhibit", "Inhibit"]
    assert [message.service() for message in calls] == [
        "org.freedesktop.ScreenSaver",
        "org.freedesktop.Notifications",
    ]
    assert calls[0].arguments() == [awake.PROGRAM, awake.REASON]
    assert "--what=idle:sleep" in holders[0].command
    keeper.stop()
    assert holders[0].closed
    assert holders[0].waited == 1


def test_without_a_bus_the_show_goes_on_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def call(message: QDBusMessage) -> QDBusMessage:
        return message.createErrorReply("org.freedesktop.DBus.Error.Disconnected", "No bus here.")

    monkeypatch.setattr(shutil, "which", lambda _name: None)
    keeper = awake.Awake(call)
    keeper.start()
    keeper.stop()
    turn_round()
    assert "No bus here." in caplog.text
