"""Whether a small model answers quicker on the graphics card or on the processor: tried once on
this computer, and remembered.

A card takes some microseconds to begin each of a decoder's operators, however small they are.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import DataDecoder, Mistake
from mmgpt_desktop.engine.folder.model_files import read_object
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.writing import write_json

TRIED_S = 0.3  # for each of the two
WORDS = 16  # an answer's length
_MOST = 64  # tokens tried


@dataclass(frozen=True)
class Weighed:
    """Seconds of an answer of `WORDS` tokens about a new picture."""

    card: float
    processor: float

    def refuse_slower(self) -> None:
        """Raises RuntimeFailure where the processor is quicker."""
        if self.processor < self.card:
            title = (
                "The processor answers quicker here than the graphics card"
                " ({processor} tokens a second against {card})."
            )
            rates = {name: round(WORDS / seconds) for name, seconds in asdict(self).items()}
            raise RuntimeFailure(title, **rates)


def weigh(memory: Path, facts: Sequence[object], try_both: Callable[[], Weighed]) -> Weighed:
    """What was found when `facts` were the same, else what is found now; kept in the folder
    `memory`. Raises as `try_both`."""
    file = memory / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.json"
    try:
        known: Weighed = DataDecoder().decode(Weighed, read_object(file))
        return known
    except (OSError, AppError, Mistake):  # not there, or no longer readable: it is made again
        found = try_both()
    try:
        memory.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(found))
    except (OSError, AppError):  # next time it is tried again
        pass
    return found


def seconds_of(
    runtime: Runtime, pixels: NDArray[np.float32], question: Sequence[int], fusion: str
) -> float:
    """Of an answer: the second picture's, when all is warm. Raises RuntimeFailure."""
    cancel, ends = CancelToken(), time.perf_counter() + TRIED_S
    runtime.encode(pixels, fusion, cancel)
    started = time.perf_counter()
    encoded = runtime.encode(pixels, fusion, cancel)
    step = runtime.decode(question, encoded, None, attention=True, cancel=cancel)
    first, tokens, cache = time.perf_counter() - started, list[float](), step.cache
    while not tokens or (time.perf_counter() < ends and len(tokens) < _MOST):
        started = time.perf_counter()
        cache = runtime.decode(question[-1:], encoded, cache, attention=True, cancel=cancel).cache
        tokens.append(time.perf_counter() - started)
    return first + (WORDS - 1) * statistics.median(tokens)
