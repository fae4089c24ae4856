"""The two commands of the README say in a sentence what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mmgpt_desktop.cli import COMMANDS
from tests.pins import LINUX, WINDOWS, read_blocks, read_pins, wanted_names

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


def test_the_script_knows_which_commands_open_a_window() -> None:
    script = (ROOT / "installer" / "run.sh").read_text(encoding="utf-8")
    printing = {word for line in re.findall(r"^    (.+)\) return 1", script, re.M)
                for word in line.split(" | ")}  # fmt: skip
    assert COMMANDS.keys() - printing == {"selftest", "event-check"}


@linux_only
def test_an_old_python_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    python.chmod(0o755)
    done = run_script("doctor", PYTHON=str(python))
    assert done.returncode == 1
    assert "is Python 3.9.2, but 3.11 or newer is needed." in done.stderr


def test_the_app_pins_are_a_part_of_the_developers_pins() -> None:
    assert read_pins("app").items() <= read_pins("dev").items()


def test_everything_asked_for_is_pinned() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    wanted = {"app": [*settings["build-system"]["requires"], *project["dependencies"]]}
    extras = project["optional-dependencies"].values()
    wanted["dev"] = [*wanted["app"], *(line for extra in extras for line in extra)]
    for kind, requirements in wanted.items():
        assert wanted_names(requirements) <= read_pins(kind).keys()


@pytest.mark.parametrize("kind", ["app", "bundle", "card", "cpu", "cuda", "dev"])
def test_each_pin_names_the_hashes_of_its_files(kind: str) -> None:
    blocks = read_blocks(kind)
    assert blocks
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_the_cpu_build_of_pytorch_is_of_the_pinned_version() -> None:
    assert read_pins("cpu") == {"torch": read_pins("app")["torch"] + "+cpu"}


@pytest.mark.parametrize("kind", ["app", "dev"])
def test_one_torch_one_onnxruntime_and_cuda_in_a_file_of_its_own(kind: str) -> None:
    pinned = read_pins(kind)
    assert pinned["torch"].startswith("2.13.")
    assert "onnxruntime-gpu" in pinned
    unwanted = ("nvidia", "cuda", "triton", "timm", "torchvision")
    assert [one for one in pinned if one.startswith(unwanted) or one == "onnxruntime"] == []
    assert all(name.startswith(unwanted) for name in (*read_pins("card"), *read_pins("cuda")))


@pytest.mark.parametrize("system", [LINUX, WINDOWS])
def test_a_card_has_all_that_onnx_runtime_wants_of_cuda(system: dict[str, str]) -> None:
    """Whichever build of PyTorch there is."""
    pinned = read_pins("card", system)
    parts = ("cublas", "cuda-nvrtc", "cuda-runtime", "cudnn-cu13", "cufft", "curand")
    assert {f"nvidia-{part}" for part in parts} <= pinned.keys()
    assert "onnxruntime-gpu" in read_pins("app", system)
    assert not pinned.keys() & read_pins("cuda", system).keys()
