"""The event as a real process, with the process that keeps it alive."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def shows(supervisor: psutil.Process) -> list[psutil.Process]:
    """The app, while it is there."""
    found = []
    for child in supervisor.children():
        with contextlib.suppress(psutil.Error):  # it may end at any moment
            if "--event-child" in child.cmdline():
                found.append(child)
    return found


def the_show(supervisor: psutil.Process, *, before: int = 0) -> psutil.Process:
    """The one that comes after the process `before`."""
    found: list[psutil.Process] = []

    def there() -> bool:
        found[:] = [each for each in shows(supervisor) if each.pid != before]
        return bool(found)

    wait_for(there)
    return found[0]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[psutil.Popen]:
    profile = tmp_path / "stand.toml"
    profile.write_text('[numbers]\nfile = "numbers.csv"\n', encoding="utf-8")
    supervisor = psutil.Popen(
        [sys.executable, "-m", "mmgpt_desktop", "--event", str(profile)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    yield supervisor
    if supervisor.is_running():
        supervisor.kill()
    supervisor.communicate(timeout=LIMIT_S)  # ends when the app is gone too


def test_a_killed_show_comes_back_and_ends_with_its_supervisor(
    started: psutil.Popen, tmp_path: Path
) -> None:
    first = the_show(started)
    first.kill()
    second = the_show(started, before=first.pid)
    assert "crash 1" in (tmp_path / "numbers.csv").read_text(encoding="utf-8")
    started.terminate()
    _, said = started.communicate(timeout=LIMIT_S)
    assert started.returncode == 143
    assert "The app crashed (exit code -9) and is started again." in said
    assert not second.is_running()


def test_a_show_ends_when_its_supervisor_is_killed(started: psutil.Popen) -> None:
    show = the_show(started)
    started.kill()
    wait_for(lambda: not show.is_running() or show.status() == psutil.STATUS_ZOMBIE)
