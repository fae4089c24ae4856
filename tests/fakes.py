"""Stand-ins that tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.runtime import DecodeResult, Encoded
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import (
    Box,
    CellMaps,
    Found,
    PatchGrid,
    Photo,
    RuntimeInfo,
    RuntimeName,
)

ENCODED = Encoded("graph", None, None)


class FakeRuntime:
    """Writes `script` token by token after the prompt, then `end`.

    Its cache is the list of all ids fed so far, so a broken hand-over shows. It fails at
    the decode calls named in `fail_at` (counted from 0), and calls `before` at each one.
    """

    def __init__(
        self,
        script: Sequence[int] = (),
        *,
        name: RuntimeName = RuntimeName.ONNX_CPU,
        vocabulary: int = 512,
        assistant: int = 2,
        end: int = 3,
        cells: int = 16,
        fail_at: Sequence[int] = (),
        failure: Exception | None = None,
        before: Callable[[int], None] = lambda call: None,
    ) -> None:
        self.info = RuntimeInfo(name, "FakeProvider")
        self.prepared: list[str] = []
        self.encoded: list[bool] = []  # for each encode: was there a picture
        self.fusions: list[str] = []  # for each decode: the fusion it was for
        self.fed: list[list[int]] = []  # the ids of each decode call
        self.closed = False
        self.breaks = False  # then its arithmetic does: the logits are no numbers
        self._script, self._vocabulary = script, vocabulary
        self._assistant, self._end, self._cells = assistant, end, cells
        self._fail_at, self._before = fail_at, before
        self._failure = failure or RuntimeFailure("The fake runtime broke.")

    def prepare(self, fusion: str) -> None:
        self.prepared.append(fusion)

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        self.encoded.append(pixels is not None)
        return Encoded(fusion, None, None)

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        return np.eye(self._cells, dtype=np.float32)

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Encoded,
        cache: Any | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        cancel.raise_if_cancelled()
        call = len(self.fed)
        self.fed.append(list(token_ids))
        self.fusions.append(encoded.fusion)
        self._before(call)
        if call in self._fail_at:
            raise self._failure
        seen = [*(cache or []), *token_ids]
        weights = np.full((2, 2, self._cells), 1 / self._cells, np.float32) if attention else None
        return DecodeResult(self._logits(seen), weights, seen)

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        """The logits of `decode` from the last prompt's end on; zeros before."""
        cancel.raise_if_cancelled()
        ids = list(token_ids)
        start = len(ids) - ids[::-1].index(self._assistant)
        scores = np.zeros((len(ids), self._vocabulary), np.float32)
        scores[start - 1 :] = [self._logits(ids[:end]) for end in range(start, len(ids) + 1)]
        return scores

    def _logits(self, seen: list[int]) -> NDArray[np.float32]:
        if self.breaks:
            return np.full(self._vocabulary, np.nan, np.float32)
        written = seen[len(seen) - seen[::-1].index(self._assistant) :]
        follow = self._script[len(written)] if len(written) < len(self._script) else self._end
        logits = np.zeros(self._vocabulary, np.float32)
        logits[follow] = 12
        return logits

    def close(self) -> None:
        self.closed = True


class FoundMaps(list[CellMaps]):
    """All that an engine's `explain` found out, given to `take`: maps each time."""

    def take(self, found: Found) -> None:
        assert isinstance(found, CellMaps)
        self.append(found)


def whole_grid(rows: int, columns: int, width: int, height: int) -> PatchGrid:
    """Over all of a photo."""
    return PatchGrid(rows, columns, Box(0, 0, width, height), width, height)


def make_photo(width: int = 8, height: int = 6, value: int = 90, name: str = "fake.png") -> Photo:
    pixels = np.full((height, width, 3), value, np.uint8)
    pixels.setflags(write=False)
    return Photo(pixels, f"{width}x{height}x{value}", name)
