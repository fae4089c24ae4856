"""The soak's own parts; a short one of the real window is in tests/e2e."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import ImageError, RuntimeFailure, SessionError
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.session.session_file import is_session
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import Task, TaskThread
from tests.gui_fakes import drain
from tests.soak import measures
from tests.soak.error_counts import ErrorCounts
from tests.soak.guest import Guest
from tests.soak.made_up_files import make_files
from tests.soak.measures import Lateness, Sample, Stall, take_sample
from tests.soak.report import Answers, Report
from tests.soak.visitor import TRIGGERED, Visitor

CALM = Lateness(10.0, 80.0, 60.0, ())


def sample(minute: float, megabytes: float = 400.0, threads: int = 15, files: int = 20) -> Sample:
    return Sample(minute, megabytes, 100.0, threads, files)


def report(*samples: Sample) -> Report:
    answers = Answers(Counter(done=5, cancelled=2), 1.5)
    acts, none = Counter(ask=7), Counter[str]()
    return Report(1, 20.0, acts, answers, none, none, CALM, samples, 0.0, (), True)


GOOD = report(sample(0, 340), sample(5, 380), sample(10, 400), sample(20, 407))


def test_odd_files_open_or_say_what_is_wrong(tmp_path: Path) -> None:
    opened, refused = set[str](), set[str]()
    for path in make_files(tmp_path):
        try:
            if not is_session(path):
                load_photo(path)
                opened.add(path.name)
        except ImageError:
            refused.add(path.name)
    assert {"one pixel.png", "cmyk.jpg", "16 bit.png", "moving.gif", "turned.jpg"} <= opened
    assert "cut short.jpg" in opened  # what there is of it, with a note
    assert {"empty.png", "a text.jpg", "huge.png", "gone.jpg"} <= refused


def test_pages_of_files_are_not_the_process_own(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(64_000_000))
    before = take_sample(0.0)
    pages = np.memmap(tmp_path / "large", np.uint8, "r")
    assert pages[::4096].sum() == 0  # each was read
    after = take_sample(0.0)
    assert after.mapped - before.mapped > after.megabytes - before.megabytes


def test_all_limits_hold() -> None:
    assert list(GOOD.broken()) == []
    assert "All limits hold." in GOOD.as_text()
    assert GOOD.growth == pytest.approx(0.0175)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (replace(GOOD, samples=[*GOOD.samples, sample(30, 420)]), "memory grew by 5.0% after 10"),
        (replace(GOOD, samples=[*GOOD.samples, sample(30, threads=22)]), "7 more threads"),
        (replace(GOOD, samples=[*GOOD.samples, sample(30, files=50)]), "30 more open files"),
        (replace(GOOD, answers=Answers(stuck=1)), "1 answers were stuck"),
        (replace(GOOD, unexpected=Counter(bug=2)), "2 unexpected errors"),
        (replace(GOOD, lateness=replace(CALM, p99=150)), "99th percentile is 150 ms"),
        (replace(GOOD, lateness=replace(CALM, busy_max=1500)), "busy for 1500 ms"),
        (replace(GOOD, left=("x.tmp",)), "1 temporary files were left"),
        (replace(GOOD, ended_in_time=False), "closing the window took too long"),
    ],
)
def test_each_limit_can_break(broken: Report, sentence: str) -> None:
    (said,) = broken.broken()
    assert sentence in said
    assert f"BROKEN: {said}." in broken.as_text()
    assert broken.as_json()["broken"] == [said]


def test_lateness_is_not_judged_where_others_have_the_machine() -> None:
    late = Lateness(500.0, 9_000.0, 60.0, (Stall(9.0, 0.06, "somewhere"),))
    assert list(replace(GOOD, lateness=late, others=0.8).broken()) == []


def test_a_short_soak_says_nothing_of_growth() -> None:
    short = report(sample(0), sample(0.5, 600))
    assert short.growth is None
    assert "too short to tell" in short.as_text()


def test_a_short_soak_finds_faults_and_judges_no_figures() -> None:
    late = replace(CALM, p99=9_000, max=9_000, busy_max=9_000)
    slow = replace(GOOD, minutes=0.4, lateness=late, samples=[sample(0), sample(0.4, 900, 90, 90)])
    assert list(slow.broken()) == []
    assert "No fault; too short for figures." in slow.as_text()
    assert list(replace(slow, unexpected=Counter(bug=1)).broken()) == ["1 unexpected errors"]
    assert len(list(replace(slow, answers=Answers(stuck=1), left=("x.tmp",)).broken())) == 2


def test_a_thread_that_computes_is_found_out(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {"perf_counter": 0.0, "thread_time": 0.0}
    for name in clocks:
        monkeypatch.setattr(time, name, lambda name=name: clocks[name])
    stalls = measures.Stalls()
    stalls.start()
    for passed, busy in ((0.005, 0.0), (0.005, 0.001), (2.005, 1.5), (1.005, 0.1)):
        clocks["perf_counter"] += passed
        clocks["thread_time"] += busy
        stalls.timer.timeout.emit()
    lateness = stalls.end()
    assert lateness.max == pytest.approx(2000)
    assert lateness.busy_max == pytest.approx(1500)
    assert [stall.busy for stall in lateness.worst] == pytest.approx([1.5, 0.1])
    assert 0 < lateness.p99 <= lateness.max


def test_errors_are_told_apart(qtbot: QtBot) -> None:
    counts = ErrorCounts()
    with counts.catching():
        counts.take(ImageError("The file {name} is empty.", name="x"))
        counts.take(SessionError("The session {name} is damaged.", name="y"))
        counts.take(RuntimeFailure("It broke."))
        logging.getLogger("mmgpt_desktop.test").warning("odd")
    assert counts.expected.total() == 2
    assert set(counts.unexpected) == {"RuntimeFailure: It broke.", "mmgpt_desktop.test: odd"}


def test_what_a_thread_fails_with_is_counted(qtbot: QtBot) -> None:
    """Though the window was told, and nobody else."""
    counts, thread = ErrorCounts(), TaskThread("files")

    def fail(_task: Task) -> None:
        raise ImageError("The file {name} is empty.", name="x")

    thread.start()
    with counts.catching():
        thread.submit(fail)
        drain(qtbot, thread)
    assert counts.expected == {"ImageError: The file {name} is empty.": 1}
    assert not counts.unexpected
    thread.begin_close()
    assert thread.end_close()


def test_an_exception_in_a_slot_is_counted(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = ErrorCounts()
    with counts.catching():
        import sys

        sys.excepthook(ValueError, ValueError("bug"), None)
    assert counts.unexpected == {"ValueError('bug')": 1}


def test_the_visitor_knows_how_to_do_all_that_it_draws(app: App, tmp_path: Path) -> None:
    visitor = Visitor(app, make_files(tmp_path), (), tmp_path, 1)
    for hands in (Visitor, Guest):
        assert all(callable(getattr(hands, f"_{name}")) for name in hands.acts)
    assert visitor.openable()
    assert set(TRIGGERED) <= set(app.window.actions_by_name)
    assert "quit" not in TRIGGERED


def test_the_same_seed_draws_the_same(app: App, tmp_path: Path) -> None:
    """Whatever the window makes of it."""
    drawn = []
    for _ in range(2):
        visitor = Visitor(app, make_files(tmp_path), (), tmp_path, 7)
        drawn.append([visitor.random.random() for _ in range(5)])
    assert drawn[0] == drawn[1]


STANDS_STILL = """
import time
from PySide6.QtCore import QCoreApplication
from tests.soak.measures import Alarm
application = QCoreApplication([])
alarm = Alarm(0.5)
time.sleep(60)
"""


def test_a_window_that_stands_still_for_good_ends_and_says_where() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STANDS_STILL], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "line 7 in <module>" in done.stderr
