"""A graphics card that isn't there: CUDA's libraries built anew from `stub_cuda`, and work on them.

ONNX Runtime loads them in CUDA's place and believes that there is a card. Where it puts each node,
what it copies, waits for, allocates, and what becomes of an error is then as on a card; what is
computed means nothing, and how long it takes neither.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIBRARIES = {  # the runtime first: others look for its counters
    "libcudart.so.13": "libcudart.c",
    "libcublasLt.so.13": "libcublasLt.c",
    "libcublas.so.13": "libcublas.c",
    "libcurand.so.10": None,
    "libcudnn.so.9": "libcudnn.c",
    "libcuda.so.1": "libcuda.c",
    "libnvidia-ml.so.1": "libnvidia-ml.c",
}
_CALLING = {"libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9"}  # the runtime


def why_not() -> str | None:
    """Why no stub can be built or used here, as the reason of a skipped test."""
    if not sys.platform.startswith("linux") or not _provider().is_file():
        return "the installed ONNX Runtime has no CUDA provider for Linux"
    if not shutil.which("cc") or not shutil.which("nm"):
        return "there is no C compiler (Debian: gcc and libc6-dev)"
    return None


def _provider() -> Path:
    import onnxruntime

    return Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"


def build(folder: Path, *, without: Collection[str] = ()) -> Path:
    """The libraries, but for those `without`, in `folder` (made if missing), which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _wanted_functions()
    for library in LIBRARIES:
        if library not in without:
            _build_library(library, wanted.get(library, []), folder)
    return folder


def _wanted_functions() -> dict[str, list[str]]:
    """The functions that ONNX Runtime's CUDA provider asks of each library."""
    command = ["nm", "--dynamic", "--undefined-only", str(_provider())]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted: dict[str, list[str]] = {}
    for line in listed.splitlines():
        name, _, library = line.split()[-1].partition("@")
        if name.startswith("cu") and not library:
            library = "libcuda.so.1"  # the one library whose functions have no version
        wanted.setdefault(library, []).append(name)
    return wanted


def _build_library(library: str, wanted: Sequence[str], folder: Path) -> None:
    source = LIBRARIES[library]
    written = (HERE / "stub_cuda" / source).read_text() if source else ""
    empty = [name for name in wanted if f" {name}(" not in written and f"*{name}(" not in written]
    code, versions = folder / f"{library}.c", folder / f"{library}.map"
    code.write_text(written + "".join(f"int {name}(void) {{ return 0; }}\n" for name in empty))
    # The provider asks for functions of a version that is called as the library.
    version = library if library.startswith(("libcudart", "libcublas")) else ""
    versions.write_text(f"{version} {{ global: *; }};\n")
    options = [f"-Wl,-soname,{library}", f"-Wl,--version-script={versions}"]
    if library in _CALLING and (folder / "libcudart.so.13").exists():
        options += [f"-L{folder}", "-l:libcudart.so.13"]
    command = ["cc", "-shared", "-fPIC", "-O1", str(code), "-o", str(folder / library), *options]
    subprocess.run(command, check=True)


def run_on_stub(stub: Path, function: str, *arguments: Any, **environment: str) -> Any:
    """What `function` ("tests.gpu.measures:placement") gives, in a process of its own that has the
    stub for a card.

    Arguments and result go as JSON; `environment` says what fails (`stub_cuda/libcudart.c`).
    Raises CalledProcessError, with what the process said on its standard error shown.
    """
    given = {"LD_LIBRARY_PATH": str(stub), "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "tests.gpu.on_stub", str(stub), function]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | given,
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
