"""The two commands of the README say in a sentence what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")


def run_script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in DISPLAYS}
    return subprocess.run(
        ["bash", str(ROOT / "installer" / "run.sh"), *arguments],
        env=inherited | environment,
        check=False,
        capture_output=True,
        text=True,
    )


@linux_only
def test_without_a_display_the_window_is_refused_in_a_sentence() -> None:
    done = run_script()
    assert done.returncode == 1
    assert done.stderr.startswith("There is no display here, and the window needs one.")
    assert done.stdout == ""


@linux_only
def test_an_old_python_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    python.chmod(0o755)
    done = run_script("doctor", PYTHON=str(python))
    assert done.returncode == 1
    assert "is Python 3.9.2, but 3.11 or newer is needed." in done.stderr


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "installer" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def normalised(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_the_app_pins_are_a_part_of_the_developers_pins() -> None:
    assert pins("requirements-app.txt").items() <= pins("requirements-dev.txt").items()


def test_everything_asked_for_is_pinned() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    wanted = {"app": [*settings["build-system"]["requires"], *project["dependencies"]]}
    extras = project["optional-dependencies"].values()
    wanted["dev"] = [*wanted["app"], *(line for extra in extras for line in extra)]
    for kind, requirements in wanted.items():
        pinned = {normalised(name) for name in pins(f"requirements-{kind}.txt")}
        linux = {normalised(line) for line in requirements if "== 'darwin'" not in line}
        assert linux <= pinned


@pytest.mark.parametrize("name", ["requirements-app.txt", "requirements-dev.txt"])
def test_one_torch_one_onnxruntime_and_no_cuda(name: str) -> None:
    pinned = pins(name)
    assert pinned["torch"].startswith("2.13.")
    assert "onnxruntime-gpu" in pinned
    unwanted = ("nvidia", "cuda", "triton", "timm", "torchvision")
    assert [one for one in pinned if one.startswith(unwanted) or one == "onnxruntime"] == []
