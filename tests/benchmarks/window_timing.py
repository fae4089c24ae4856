"""How soon the window is there, and how late its thread is while the model answers.

python -m tests.benchmarks.window_timing
python -m tests.benchmarks.window_timing --walk   # what each word costs that an arrow key leads to
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer

from mmgpt_desktop.resources import mini_path, resource_path
from mmgpt_desktop.ui.application import make_application, prepare_process
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.waiting import wait_for_model, wait_until
from mmgpt_desktop.ui.worker import engine_maker
from tests.benchmarks.walk import Reciter, walk

_QUESTIONS = ("Describe this picture.", "What is happening here?", "What objects are here?")
_FIRST_PAINT = "--first-paint"


class Lateness(QObject):
    """How late a 1 ms timer of the GUI thread fires, in ms.

    While the thread is blocked the timer can't fire: each tick that it missed counts with
    the lateness it would have had, so that one long block is not one sample among thousands.
    """

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        self._timer.stop()
        late, self.late = self.late, []
        return late

    def _tick(self) -> None:
        now = time.perf_counter()
        late = max(0.0, (now - self._last) * 1000 - 1)
        self.late += [late - missed for missed in range(int(late) + 1)]
        self._last = now


class FirstPaint(QObject):
    """Ends the process once the window has been painted and its event loop runs."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, _say_painted)
        return False


def _say_painted() -> None:
    print("painted", flush=True)
    os._exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the window.")
    parser.add_argument("--bundle", type=Path, default=mini_path())
    parser.add_argument("--photo", type=Path, default=resource_path("samples", "coffee.jpg"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--walk", action="store_true", help="instead: arrow keys through a long answer"
    )
    parser.add_argument(_FIRST_PAINT, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.json"
        if options.first_paint:
            return _paint_once(options.bundle, settings)
        if options.walk:
            _measure_walk(options, settings)
            return 0
        starts = [_time_start(options.bundle) for _ in range(options.repeat)]
        _report("start to first paint, ms", [start * 1000 for start in starts])
        _measure_answers(options, settings)
    return 0


def _time_start(bundle: Path) -> float:
    """Seconds from the command to a painted window whose event loop runs."""
    command = [sys.executable, "-m", "tests.benchmarks.window_timing", _FIRST_PAINT]
    started = time.perf_counter()
    subprocess.run([*command, "--bundle", str(bundle)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _paint_once(bundle: Path, settings: Path) -> int:
    application = make_application()
    app = App(application, engine_maker(bundle, None), settings)
    filter_ = FirstPaint()
    app.window.image.installEventFilter(filter_)
    app.start()
    return application.exec()


def _measure_answers(options: argparse.Namespace, settings: Path) -> None:
    prepare_process()
    app = App(make_application(), engine_maker(options.bundle, None), settings)
    lateness = Lateness()
    try:
        lateness.start()
        app.start()
        wait_for_model(app)
        _report("lateness while the model loads, ms", lateness.stop())
        app.pictures.photos.open([options.photo])
        wait_until(lambda: app.pictures.photos.count == 1)
        late: list[float] = []
        for question in _QUESTIONS * options.repeat:
            lateness.start()
            app.chat.controller.ask(question)
            wait_until(lambda: not app.chat.controller.busy)
            late += lateness.stop()
            app.chat.controller.clear()
        _report("lateness while it answers, ms", late)
    finally:
        app.window.close()


def _measure_walk(options: argparse.Namespace, settings: Path) -> None:
    """Processor time, so that what else the machine does counts little."""
    app = App(make_application(), lambda: Reciter(options.bundle, None), settings)
    app.window.resize(1280, 720)
    try:
        app.start()
        frames = walk(app, options.photo)
        _report("GUI thread for a word, ms", [frame.window for frame in frames])
        _report("whole process for a word, ms", [frame.process for frame in frames])
    finally:
        app.window.close()


def _report(what: str, values: list[float]) -> None:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{what:38} median {statistics.median(ordered):8.2f}  p99 {p99:8.2f}  "
        f"max {ordered[-1]:8.2f}  n {len(ordered)}"
    )


if __name__ == "__main__":
    sys.exit(main())
