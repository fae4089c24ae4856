"""What takes long to make is made by one of the processes that test, and read by all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of this run, which `make` fills if nobody has. Tests leave it as it is."""
    ours = factory.getbasetemp()
    shared = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            making = shared / f"{name}.making"
            shutil.rmtree(making, ignore_errors=True)  # of one who was ended in the midst
            making.mkdir()
            make(making / name)
            (making / name).rename(folder)
    return folder
