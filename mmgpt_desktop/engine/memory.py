"""Is there memory enough for a model? Asked before it is loaded; and given back after it."""

from __future__ import annotations

import ctypes
import sys

import psutil  # type: ignore[import-untyped]

from mmgpt_desktop.errors import RuntimeFailure

BESIDE = 300_000_000  # bytes that a model at work takes beside its weights, at least
_GIGA = 1e9


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    return int(psutil.virtual_memory().available)


def give_back() -> None:
    """What a closed model took, and what loading took on the way, goes back to the system, once
    nothing knows it any more.

    glibc keeps freed memory for itself: after a switch between two copies of mmgpt-mini that
    was 330 of 570 MB.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def require_memory(weights: int) -> None:
    """Raises RuntimeFailure if so many bytes of weights won't fit."""
    needed, free = weights + BESIDE, free_memory()
    if needed > free:
        raise RuntimeFailure(
            "There is not enough memory for this model: it needs about {needed} GB, and {free} GB"
            " are free.",
            "Close other programs, or choose a smaller model.",
            needed=f"{needed / _GIGA:.1f}",
            free=f"{free / _GIGA:.1f}",
        )
