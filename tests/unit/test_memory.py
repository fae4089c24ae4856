"""What was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# How many of the pages on which these blocks lie are there: in memory, or put aside.
PAGES = """
import ctypes, mmap
def pages(blocks):
    size = mmap.PAGESIZE
    places = set()
    for block in blocks:
        start = ctypes.addressof(ctypes.c_char.from_buffer(block))
        places.update(range(start // size + 1, (start + len(block)) // size))
    return places
def there(places):
    with open("/proc/self/pagemap", "rb") as table:
        entries = (table.seek(8 * each) and table.read(8) for each in places)
        return sum(int.from_bytes(entry, "little") >> 62 > 0 for entry in entries)
"""
# Frees blocks of 30 MB until glibc would keep the next ones, then asks what is left of ten.
LARGE = """
from mmgpt_desktop.engine.memory import keep_heaps_small
keep_heaps_small()
size = 30_000_000
for _ in range(3):
    bytearray(size)
blocks = [bytearray(b"x") * size for _ in range(10)]
places = pages(blocks)
before = there(places)
del blocks
print(before, there(places))
"""
SMALL = """
from mmgpt_desktop.engine.memory import give_memory_back
blocks = [bytearray(10_000) for _ in range(10_000)]
last = bytearray(10_000)
places = pages(blocks)
del blocks
before = there(places)
give_memory_back()
print(before, there(places))
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
@pytest.mark.parametrize("code", [LARGE, SMALL], ids=["large", "small"])
def test_freed_memory_goes_back(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PAGES + code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    before, after = map(int, done.stdout.split())
    assert before > 10 * after
