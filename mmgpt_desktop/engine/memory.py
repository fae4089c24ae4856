"""Is there memory enough for a model? And how it comes back when it was used."""

from __future__ import annotations

import contextlib
import ctypes
import sys

import psutil

from mmgpt_desktop.engine import graphics_card
from mmgpt_desktop.errors import CardFailure, RuntimeFailure

BESIDE = 300_000_000  # bytes that a model at work takes beside its weights, at least
_GIGA = 1e9
_M_MMAP_THRESHOLD, _LARGE = -3, 256 * 1024  # mallopt's name for it, and bytes
_M_ARENA_MAX, _HEAPS = -8, 2  # its name for heaps


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    return int(psutil.virtual_memory().available)


def free_memories() -> tuple[int, int | None]:
    """Bytes that are free in the computer's memory and on its graphics card, if there is one. Not
    for the window's thread, see `graphics_card.find_card`."""
    return free_memory(), graphics_card.free_memory()


def free_with_card() -> int:
    """The same for a model that is to run on the card: bytes that are free there, too."""
    on_card = graphics_card.free_memory()
    return free_memory() if on_card is None else min(on_card, free_memory())


def require_memory(weights: int) -> None:
    """Raises RuntimeFailure if so many bytes of weights won't fit."""
    needed, free = weights + BESIDE, free_memory()
    if needed > free:
        raise RuntimeFailure(
            "There is not enough memory for this model: it needs about {needed} GB, and {free} GB"
            " are free.",
            "Close other programs, or choose a smaller model.",
            needed=gigabytes(needed),
            free=gigabytes(free),
        )


def require_card_memory(weights: int) -> None:
    """Raises CardFailure if so many bytes of weights won't fit into what is free on the card, as
    far as its driver tells."""
    needed, free = weights + BESIDE, graphics_card.free_memory()
    if free is not None and needed > free:
        raise CardFailure(
            "The graphics card has too little memory for this model: it needs about {needed} GB,"
            " and {free} GB are free.",
            "Close other programs that use the card, or choose a smaller model.",
            needed=gigabytes(needed),
            free=gigabytes(free),
        )


def has_room(computer: int, on_card: int) -> bool:
    """Whether so many bytes of weights fit beside what is loaded, and as many as are wanted there
    into the memory of a graphics card if there is one."""
    free = graphics_card.free_memory()
    fits = free is None or on_card + BESIDE <= free
    return fits and computer + BESIDE <= free_memory()


def gigabytes(count: int) -> str:
    """As sentences have it, without the unit."""
    return f"{count / _GIGA:.1f}"


def keep_heaps_small() -> None:
    """Large blocks go back to the system when they are freed, and all threads share two heaps,
    for the whole process. Before the first thread begins.

    glibc raises its threshold for large blocks with each that is freed, up to 32 MB, and then
    keeps holes of photos and weights: 640 MB of a resting window instead of 340 MB. A heap for
    each thread would have holes of its own: they grew for half an hour.
    """
    _c_library("mallopt", _M_MMAP_THRESHOLD, _LARGE)
    _c_library("mallopt", _M_ARENA_MAX, _HEAPS)


def give_memory_back() -> None:
    """Give the system what was freed: some milliseconds, in any thread.

    glibc keeps it: after a switch between two copies of mmgpt-mini that was 330 of 570 MB. Each
    thread has a heap of its own, and a day of use leaves holes in all of them.
    """
    _c_library("malloc_trim", 0)


def _c_library(function: str, *arguments: int) -> None:
    """Call a function that glibc has, and other C libraries may not."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            getattr(ctypes.CDLL(None), function)(*arguments)
