"""Writes requirements-{app,bundle,card,cpu,cuda,dev,language}.txt: each package pinned, with its
hashes.

    .venv/bin/python installer/lock.py              (takes newer versions only where it must)
    .venv/bin/python installer/lock.py --upgrade

What is asked for stands in pyproject.toml alone, for which systems in its [tool.uv]; uv
resolves it for all of them at once. The app's pins are a part of the developers', so both fit
one environment; the bundle has the same versions of what it shares with them, and an
environment of its own. CUDA's libraries are files by themselves, for where there is no graphics
card nobody has to fetch them: `card` has those that ONNX Runtime needs, `cuda` what PyTorch's CUDA
build needs besides on Linux. `language` has a file to read and no program, so it stands alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEADER = "# Made by installer/lock.py from pyproject.toml; do not edit.\n"
_CUDA = re.compile(r"(cuda-|nvidia-|triton==)")
# The CPU builds of PyTorch that it hands out itself: PyPI has those with CUDA alone.
_CPU_BUILDS = {
    "torch==2.13.0+cpu": {  # by Python's version
        "3.11": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    },
}


def resolve(requirements: list[str], kept: Path, constraints: str = "", *options: str) -> str:
    """Blocks of one pin each with its hashes; versions that stand in `kept` are preferred."""
    with tempfile.TemporaryDirectory() as folder:
        asked, bounds, found = (
            Path(folder, name) for name in ("asked.in", "bounds.txt", "pins.txt")
        )
        asked.write_text("\n".join(requirements), encoding="utf-8")
        bounds.write_text(constraints, encoding="utf-8")
        if kept.exists() and "--upgrade" not in sys.argv:
            found.write_bytes(kept.read_bytes())
        command: list[str | Path] = [Path(sys.executable).with_name("uv"), "pip", "compile"]
        command += ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
        command += [*options, "--constraint", bounds, "--output-file", found, asked]
        subprocess.run(command, check=True, cwd=ROOT)
        return found.read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """A pin with the lines of its hashes."""
    return re.findall(r"^\S.*\n(?:[ \t]+.*\n)*", text, re.MULTILINE)


def _name(block: str) -> str:
    return block.partition("==")[0]


def cpu_builds(torch: str) -> list[str]:
    """For the pinned version, or nothing."""
    hashes = _CPU_BUILDS.get(f"{torch}+cpu", {}).values()
    lines = "".join(f" \\\n    --hash=sha256:{digest}" for digest in hashes)
    return [f"{torch}+cpu{lines}\n"] if hashes else []


def write(name: str, pins: list[str]) -> Path:
    path = HERE / f"requirements-{name}.txt"
    path.write_text(HEADER + "".join(pins), encoding="utf-8")
    print(f"{path.name}: {len(pins)} pins")
    return path


def main() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    app = [*settings["build-system"]["requires"], *project["dependencies"]]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    everything = resolve(app + extras, HERE / "requirements-dev.txt")
    its = resolve(app, HERE / "requirements-app.txt", constraints=everything)
    # The light edition's ONNX Runtime is the same release, for the CPU.
    runtime = re.findall(r"^onnxruntime-gpu(==\S+)", everything, re.MULTILINE)
    others = [block for block in blocks(everything) if not block.startswith("onnxruntime==")]
    same = "".join([*others, *(f"onnxruntime{pin}\n" for pin in runtime)])
    bundle = resolve(build.requirements(), HERE / "requirements-bundle.txt", constraints=same)
    cuda = [block for block in blocks(its) if _CUDA.match(block)]
    (on_card,) = (line for line in app if line.startswith("onnxruntime-gpu["))
    names = {
        _name(block)
        for block in blocks(resolve([on_card], HERE / "requirements-card.txt", constraints=its))
    }
    card = [block for block in cuda if _name(block) in names]
    (torch,) = re.findall(r"^torch==\S+", its, re.MULTILINE)
    write("cpu", cpu_builds(torch))
    write("card", card)
    write("cuda", [block for block in cuda if block not in card])
    write("app", [block for block in blocks(its) if block not in cuda])
    write("dev", [block for block in blocks(everything) if block not in cuda])
    write("bundle", blocks(bundle))
    wanted = settings["dependency-groups"]["language"]
    write("language", blocks(resolve(wanted, HERE / "requirements-language.txt", "", "--no-deps")))


if __name__ == "__main__":
    main()
