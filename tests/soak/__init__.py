"""`python -m tests.soak`: hours of use in the real window, and what they did to it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.ui.application import prepare_process
from mmgpt_desktop.ui.window.waiting import wait_for
from tests.soak.course import Course, ShowCourse, WindowCourse
from tests.soak.error_counts import ErrorCounts
from tests.soak.measures import Alarm, Others, Sample, Stalls, take_sample
from tests.soak.report import Report

BROKEN = 2  # the exit code where a limit does not hold
SHORT_MINUTES = 0.2
_REST_EVERY_MINUTES = 5.0
_HUNG_S = 300.0
_NOT_OURS = ("torchinductor_",)  # an empty folder that PyTorch makes once for each user


@dataclass(frozen=True)
class Options:
    """`event`: the show of event mode instead of the ordinary window."""

    minutes: float
    seed: int
    json: Path | None = None
    event: bool = False


def run(options: Options) -> int:
    """Print the report; BROKEN if a limit is. Files are made in a folder that is deleted."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    prepare_process()
    with tempfile.TemporaryDirectory(prefix="mmgpt-soak-") as folder:
        report = soak(Path(folder), options)
    print(report.as_text())
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=2), encoding="utf-8")
    return BROKEN if any(report.broken()) else 0


def soak(folder: Path, options: Options) -> Report:
    """Use a window for some time; what it writes goes below `folder`."""
    temporary = folder / "temporary"
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    errors, stalls, others = ErrorCounts(), Stalls(), Others()
    samples: list[Sample] = []
    try:
        with errors.catching():
            kind = ShowCourse if options.event else WindowCourse
            course = kind(folder, options.seed, errors)
            alarm = Alarm(_HUNG_S)  # its timer needs the application that the course makes
            try:
                course.begin()
                _go(course, options.minutes, stalls, samples)
            except TimeoutError:
                errors.unexpected["the window did not come to rest"] += 1
            except RuntimeError as error:  # the window's own sentence
                raise AppError(str(error)) from error
            finally:
                lateness, in_time = stalls.end(), course.close()
                alarm.end()
    finally:
        tempfile.tempdir = before
    if not samples:
        raise AppError("The window did not come to rest before anything was done.")
    return Report(
        options.seed,
        options.minutes,
        course.hands.done,
        course.answers.counts,
        errors.expected,
        errors.unexpected,
        lateness,
        samples,
        others.share(),
        _left(folder, temporary),
        in_time,
    )


def _go(course: Course, minutes: float, stalls: Stalls, samples: list[Sample]) -> None:
    """Use and rest in turns; what is measured at rest goes to `samples`."""
    course.rest()
    samples.append(take_sample(0.0))
    started = time.monotonic()
    while (passed := (time.monotonic() - started) / 60) < minutes:
        stalls.start()
        course.hands.start()
        wait_for(60 * min(_REST_EVERY_MINUTES, minutes - passed))
        course.hands.stop()
        stalls.pause()
        course.rest()
        samples.append(take_sample((time.monotonic() - started) / 60))
        _tell(samples[-1], course)


def _tell(sample: Sample, course: Course) -> None:
    """How far it is, for whoever waits."""
    done = course.answers.counts.ended["done"]
    print(f"minute {sample.minute:.0f}: {sample.megabytes:.0f} MB, {done} answers", file=sys.stderr)


def _left(folder: Path, temporary: Path) -> list[str]:
    """Temporary files, and files that were not replaced in one step."""
    found = (*temporary.iterdir(), *folder.rglob(".*-*"))
    return sorted(path.name for path in found if not path.name.startswith(_NOT_OURS))
