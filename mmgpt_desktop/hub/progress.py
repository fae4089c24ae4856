"""How far a download has come. Apart from it, so that a window needs no network library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    ASKING = "asking"  # the server, what there is
    LOADING = "loading"
    WAITING = "waiting"  # for a server that went silent
    CHECKING = "checking"


@dataclass(frozen=True)
class Progress:
    """Bytes of the whole model; `total` is 0 while nobody knows it."""

    phase: Phase
    done: int = 0
    total: int = 0
