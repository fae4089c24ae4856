"""Writes requirements-{app,dev,bundle}.txt: every package pinned.

    .venv/bin/python installer/lock.py

The pins are for Linux on x86_64. What is asked for stands in pyproject.toml alone; pip
resolves it. The app's pins are a part of the developers', so both fit one environment; the
bundle has the same versions of what it shares with them, and an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import build

HERE = Path(__file__).resolve().parent
HEADER = "# Made by installer/lock.py from pyproject.toml; do not edit.\n"


def resolve(requirements: list[str], constraints: Path | None = None) -> dict[str, str]:
    """What pip would install into an empty environment: name -> public version."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-"]
    if constraints:
        command += ["--constraint", str(constraints)]
    report = subprocess.run([*command, *requirements], check=True, stdout=subprocess.PIPE).stdout
    packages = (item["metadata"] for item in json.loads(report)["install"])
    # The local part (2.13.0+cpu) names one build; a pin must fit every build of the version.
    return {package["name"].lower(): package["version"].split("+")[0] for package in packages}


def write(path: Path, pins: dict[str, str]) -> None:
    lines = (f"{name}=={version}\n" for name, version in sorted(pins.items()))
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{path.name}: {len(pins)} packages")


def main() -> None:
    settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    app = [*settings["build-system"]["requires"], *project["dependencies"]]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    everything = resolve(app + extras)
    write(HERE / "requirements-dev.txt", everything)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        shared = {**everything, "onnxruntime": everything["onnxruntime-gpu"]}
        constraints.write_text(
            "".join(f"{name}=={version}\n" for name, version in shared.items()),
            encoding="utf-8",
        )
        write(HERE / "requirements-app.txt", resolve(app, constraints))
        write(HERE / "requirements-bundle.txt", resolve(build.requirements(), constraints))


if __name__ == "__main__":
    main()
