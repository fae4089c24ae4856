"""The supervisor, with small programs in the app's place.

Each `life` is one start of the app; the last one repeats. Time limits that a test expects to be
kept are long, those that it expects to pass are short.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.supervisor import TimeLimits, supervise

ROOT = Path(__file__).resolve().parents[2]
UNIX = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
PATIENT = TimeLimits(start_s=60, hang_s=60, end_s=60)

APP = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from mmgpt_desktop.event.supervisor import Heartbeat

lives = {lives!r}
started = Path({folder!r}, "starts")
number = len(started.read_text()) if started.exists() else 0
started.write_text("x" * (number + 1))
assert sys.argv[-2] == "--event-child"
fd = int(sys.argv[-1])
exec(lives[min(number, len(lives) - 1)])
"""
BEATING = "heart = Heartbeat(fd)\nwhile True: heart.beat(); time.sleep(0.01)"


class Stage:
    """An app to supervise, and what it was told about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kinds: list[str] = []
        self.pauses: list[float] = []

    def command(self, *lives: str) -> list[str]:
        path = self.folder / "app.py"
        path.write_text(APP.format(root=str(ROOT), lives=lives, folder=str(self.folder)))
        return [sys.executable, str(path), "--event", "p.toml"]

    @property
    def starts(self) -> int:
        return len((self.folder / "starts").read_text())

    def run(
        self,
        *lives: str,
        patience: TimeLimits = PATIENT,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> int:
        return supervise(
            self.command(*lives),
            patience,
            crashed=self.kinds.append,
            clock=clock,
            sleep=self.pauses.append,
        )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_an_app_that_ends_by_itself_is_left_alone(stage: Stage) -> None:
    assert stage.run("Heartbeat(fd).beat()") == 0
    assert (stage.starts, stage.kinds, stage.pauses) == (1, [], [])


def test_a_crash_starts_it_again_at_once(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    lives = "assert '--event-again' not in sys.argv", "assert '--event-again' in sys.argv"
    assert stage.run(f"Heartbeat(fd); {lives[0]}; sys.exit(1)", lives[1]) == 0
    assert (stage.starts, stage.kinds, stage.pauses) == (2, ["crash"], [0])
    assert capfd.readouterr().err == "The app crashed (exit code 1) and is started again.\n"


@UNIX
def test_a_crash_in_native_code_starts_it_again(stage: Stage) -> None:
    assert stage.run("os.kill(os.getpid(), signal.SIGKILL)", "pass") == 0
    assert (stage.starts, stage.kinds) == (2, ["crash"])


def test_an_app_that_stops_beating_is_killed(stage: Stage) -> None:
    impatient = TimeLimits(start_s=60, hang_s=0.2, end_s=60)
    assert stage.run("Heartbeat(fd); time.sleep(600)", "pass", patience=impatient) == 0
    assert (stage.starts, stage.kinds) == (2, ["hang"])


def test_an_app_that_never_beats_is_killed(stage: Stage) -> None:
    """Its second life is too slow too if the computer is, so there may be a third."""
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    impatient = TimeLimits(start_s=3, hang_s=60, end_s=600, crashes=100)
    assert stage.run(deaf, "pass", patience=impatient) == 0
    assert set(stage.kinds) == {"hang"}


def test_an_app_that_beats_is_not_killed(stage: Stage) -> None:
    """It lives for longer than a hang takes."""
    beats = "heart = Heartbeat(fd)\nfor _ in range(40): heart.beat(); time.sleep(0.1)"
    assert stage.run(beats, patience=TimeLimits(start_s=60, hang_s=3, end_s=60)) == 0
    assert (stage.starts, stage.kinds) == (1, [])


def test_crashes_in_a_row_back_off_and_end(stage: Stage) -> None:
    with pytest.raises(AppError, match="crashed 4 times in a row") as caught:
        stage.run("sys.exit(1)", patience=TimeLimits(start_s=60, crashes=4))
    assert "event-check" in str(caught.value)
    assert (stage.starts, stage.pauses) == (4, [0, 1, 3])
    assert stage.kinds == ["crash"] * 4


def test_crashes_of_an_app_that_had_settled_never_end_the_show(stage: Stage) -> None:
    hours = iter(range(0, 3600 * 100, 3600))
    lives = ["sys.exit(1)"] * 5 + ["pass"]
    done = stage.run(*lives, patience=TimeLimits(start_s=60, crashes=2), clock=lambda: next(hours))
    assert done == 0
    assert (stage.starts, stage.pauses) == (6, [0] * 5)


def test_what_the_app_refuses_at_its_first_start_is_final(stage: Stage) -> None:
    assert stage.run("sys.exit(2)") == 2
    assert (stage.starts, stage.kinds) == (1, [])


def test_the_same_refusal_later_is_a_crash(stage: Stage) -> None:
    assert stage.run("Heartbeat(fd); sys.exit(2)", "sys.exit(2)", "pass") == 0
    assert stage.kinds == ["crash", "crash"]


def test_who_left_by_the_pin_is_not_brought_back(stage: Stage) -> None:
    hangs = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if os.name == "posix" else ""
    for end in ("sys.exit(3)", "time.sleep(600)"):
        lives = f"{hangs}Heartbeat(fd).leave(); {end}"
        assert stage.run(lives, patience=TimeLimits(start_s=60, hang_s=60, end_s=0.2)) == 0
    assert (stage.starts, stage.kinds) == (2, [])


def test_a_program_that_is_not_there_is_an_error_and_leaves_nothing_open(stage: Stage) -> None:
    with pytest.raises(FileNotFoundError):
        supervise([str(stage.folder / "gone")], PATIENT)


SUPERVISOR = """
import sys
sys.path.insert(0, {root!r})
from mmgpt_desktop.event.supervisor import TimeLimits, supervise
sys.exit(supervise({command!r}, TimeLimits(start_s=60, hang_s=60, end_s=60)))
"""


def supervised(stage: Stage, life: str) -> subprocess.Popen[str]:
    """A supervisor in a process of its own. Its output ends when the app is gone too."""
    command = stage.command(f"print('up', flush=True)\n{life}")
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR.format(root=str(ROOT), command=command)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@UNIX
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_signals_end_the_app_too(stage: Stage, sent: signal.Signals, code: int) -> None:
    farewell = "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'bye\\n'), os._exit(9)))"
    with supervised(stage, f"{farewell}\nprint('up', flush=True)\n{BEATING}") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(sent)
        out, _ = process.communicate(timeout=60)
        assert (out, process.returncode) == ("bye\n", code)
    assert stage.starts == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_a_killed_supervisor_takes_even_a_hung_app_along(stage: Stage) -> None:
    hung = "Heartbeat(fd); print('up', flush=True); signal.pause()"
    with supervised(stage, hung) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.kill()
        out, _ = process.communicate(timeout=60)  # ends when no process holds the pipe
        assert out == ""


@UNIX
def test_without_the_kernels_help_an_app_ends_at_its_next_beat(stage: Stage) -> None:
    with supervised(stage, f"sys.platform = 'other'\n{BEATING}") as process:
        process.kill()
        out, _ = process.communicate(timeout=60)
        assert out == ""


@UNIX
def test_a_heart_never_waits_for_a_supervisor_that_is_stopped() -> None:
    reader, writer = os.pipe()
    code = (
        "import sys; from mmgpt_desktop.event.supervisor import Heartbeat\n"
        "heart = Heartbeat(int(sys.argv[1]))\n"
        "for _ in range(200_000): heart.beat()"
    )
    command = [sys.executable, "-c", code, str(writer)]
    done = subprocess.run(command, cwd=ROOT, pass_fds=(writer,), timeout=60, check=False)
    os.close(reader)
    os.close(writer)
    assert done.returncode == 0


def test_a_heart_does_not_reach_the_apps_own_children() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        code = (
            "import os, sys; from mmgpt_desktop.event.supervisor import Heartbeat\n"
            "Heartbeat(int(sys.argv[1])); print(os.get_inheritable(int(sys.argv[1])))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(writer)],
            cwd=ROOT,
            pass_fds=(writer,),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout == "False\n"
        assert os.read(reader, 10) == b"."
    finally:
        os.close(reader)
        os.close(writer)
