"""Calls one function in a process whose graphics card is the stub: `stub.run_on_stub` starts it."""

from __future__ import annotations

import ctypes
import importlib
import json
import sys
from pathlib import Path

import onnxruntime

from mmgpt_desktop.engine import bundle_engine
from mmgpt_desktop.engine.quicker import Weighed
from tests.gpu.stub import LIBRARIES


def main(stub: Path, function: str) -> None:
    # Before all others: where PyTorch has brought CUDA's true libraries, these are the first of
    # their names, and those stay out.
    for library in LIBRARIES:
        if (stub / library).exists():
            ctypes.CDLL(str(stub / library), mode=ctypes.RTLD_GLOBAL)
    onnxruntime.preload_dlls = lambda *_, **__: None
    setattr(bundle_engine, "weigh", lambda *_: Weighed(1, 2))  # noqa: B010, times mean nothing here
    module, _, name = function.partition(":")
    result = getattr(importlib.import_module(module), name)(*json.load(sys.stdin))
    assert "torch" not in sys.modules, "a PyTorch for CUDA would have met the stub"
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
