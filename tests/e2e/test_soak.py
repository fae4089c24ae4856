"""The real windows with the shipped model, used for a while as nobody should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("which", [(), ("--show",)], ids=["window", "show"])
def test_a_short_soak_finds_no_fault(tmp_path: Path, which: tuple[str, ...]) -> None:
    found = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.soak", "--short", "--json", str(found)]
    done = subprocess.run(
        [*command, *which],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(found.read_text(encoding="utf-8"))
    assert report["acts"]
    assert report["errors"]["unexpected"] == {}
    assert report["answers"]["stuck"] == 0
    assert report["temporary_files_left"] == []
    assert report["broken"] == []


def test_everything_works_in_the_real_window(tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    command = [sys.executable, "-m", "mmgpt_desktop", "selftest", "--picture", str(picture)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "Everything works."
    assert picture.stat().st_size > 10_000
