"""A folder for an export that is being made, beside where it will stand: it is put in place whole.

Nothing of the user's is touched, and what a process left that was killed goes with the next one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

_NAMED = re.compile(r"\.exporting-(\d+)-\w{8}")  # by which process


@contextlib.contextmanager
def work_folder(place: Path) -> Iterator[Path]:
    """A new folder in `place`, gone afterwards with what is still in it. Raises OSError."""
    place.mkdir(parents=True, exist_ok=True)
    sweep_exports(place)
    folder = Path(tempfile.mkdtemp(dir=place, prefix=f".exporting-{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_exports(place: Path) -> None:
    """Remove the folders of processes that have ended."""
    with contextlib.suppress(OSError):
        for folder in place.iterdir():
            named = _NAMED.fullmatch(folder.name)
            if named and not folder.is_symlink() and not psutil.pid_exists(int(named[1])):
                shutil.rmtree(folder, ignore_errors=True)
