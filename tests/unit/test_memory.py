"""What was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
# Frees blocks of 30 MB until glibc would keep the next ones, then asks what is left of ten.
LARGE = """
import psutil
from mmgpt_desktop.engine.memory import keep_heaps_small
keep_heaps_small()
size = 30_000_000
for _ in range(3):
    bytearray(size)
blocks = [bytearray(b"x") * size for _ in range(10)]
before = psutil.Process().memory_info().rss
del blocks
print(before - psutil.Process().memory_info().rss)
"""
SMALL = """
import psutil
from mmgpt_desktop.engine.memory import give_memory_back
blocks = [bytearray(10_000) for _ in range(10_000)]
last = bytearray(10_000)
del blocks
before = psutil.Process().memory_info().rss
give_memory_back()
print(before - psutil.Process().memory_info().rss)
"""

# Eight threads at once each take a block: in how many of glibc's heaps (64 MB, aligned) they lie.
HEAPS = """
import ctypes, threading
from mmgpt_desktop.engine.memory import keep_heaps_small
keep_heaps_small()
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
together, places = threading.Barrier(8), []
def take():
    together.wait()
    places.append(malloc(1000) >> 26)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(set(places)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_threads_share_two_heaps() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAPS], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert int(done.stdout) <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
@pytest.mark.parametrize(("code", "given_back"), [(LARGE, 290), (SMALL, 50)])
def test_freed_memory_goes_back(code: str, given_back: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert int(done.stdout) > given_back * MEGABYTE
