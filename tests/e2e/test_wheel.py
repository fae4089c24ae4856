"""The wheel alone, in an empty environment: it answers, shows icons and knows its licence.

The environment sees the dependencies of this one, but neither the checkout nor an editable
install: a path in a .pth file brings packages, not their own .pth files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = "resources/models/mmgpt-mini/manifest.json"
ICONS = """
import sys
from PySide6.QtGui import QGuiApplication, QIcon
import mmgpt_desktop
from mmgpt_desktop.resources import resource_path
app = QGuiApplication(sys.argv)
icons = sorted(resource_path("icons").glob("*.svg"))
drawn = [path for path in icons if not QIcon(str(path)).pixmap(32, 32).isNull()]
print(mmgpt_desktop.__file__, len(icons), len(drawn), sep="\\n")
"""


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment | {"QT_QPA_PLATFORM": "offscreen"},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, built from the checkout without a network."""
    assert (ROOT / MANIFEST).is_file(), f"There is no model to ship: {MANIFEST} is missing."
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--directory", folder, cwd=ROOT)
    return folder


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel; `home` is a folder away from the checkout."""

    binaries: Path
    home: Path


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("elsewhere")
    venv = home / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=home)
    binaries = venv / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / "python"
    (wheel,) = built.glob("*.whl")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "--disable-pip-version-check",
    ]
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home)
    find_packages = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", find_packages, cwd=home).stdout.strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return Installed(binaries, home)


def test_the_wheel_holds_the_licence_and_the_resources_but_no_docs(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names if "dist-info" in name}
    assert f"mmgpt_desktop/{MANIFEST}" in names
    assert "mmgpt_desktop/resources/samples/samples.json" in names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"mmgpt_desktop"}
    assert not [name for name in names if "/resources/docs/" in name]


def test_the_sdist_holds_what_a_build_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    wanted = {"LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    wanted |= {"pyproject.toml", "installer/run.sh", "tests/e2e/test_wheel.py", MANIFEST}
    assert wanted <= names


@pytest.mark.parametrize("fusion", ["graph", "cross_attention", "concat"])
def test_the_installed_command_answers_a_question(installed: Installed, fusion: str) -> None:
    samples = ROOT / "resources" / "samples"
    done = run(
        installed.binaries / "mmgpt-desktop",
        "ask",
        samples / "coffee.jpg",
        "What is in this picture?",
        "--fusion",
        fusion,
        cwd=installed.home,
    )
    assert done.stdout.strip()


def test_the_installed_package_draws_its_icons(installed: Installed) -> None:
    done = run(installed.binaries / "python", "-c", ICONS, cwd=installed.home)
    place, icons, drawn = done.stdout.splitlines()
    assert Path(place).is_relative_to(installed.home)
    assert int(icons) > 0
    assert drawn == icons


def test_the_installed_command_draws(installed: Installed) -> None:
    out = installed.home / "rose.png"
    run(installed.binaries / "mmgpt-desktop", "draw", "a rose", "--out", out, cwd=installed.home)
    assert out.read_bytes().startswith(b"\x89PNG")
