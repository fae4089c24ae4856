"""What the thread behind the window needs of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.messages import (
    Check,
    EdgeMap,
    Explanation,
    Found,
    GenerationOutcome,
    GenerationRequest,
    HeadNumbers,
    ModelInfo,
    Photo,
    RuntimeInfo,
    TokenStep,
)
from mmgpt_desktop.methods import Method


class EngineLike(Protocol):
    """`EngineBase` says what each of these promises."""

    @property
    def runtime(self) -> RuntimeInfo: ...

    def load(
        self, progress: Callable[[float, str], None] = ..., cancel: CancelToken = ...
    ) -> ModelInfo: ...

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome: ...

    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None: ...

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        on_found: Callable[[Found], None],
    ) -> None: ...

    def check(
        self,
        explanation: Explanation,
        word: slice,
        cells: NDArray[np.float32],
        method: Method,
        cancel: CancelToken,
    ) -> Check: ...

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers: ...

    def rest(self, cancel: CancelToken) -> None: ...

    def forget(self) -> None: ...

    def close(self) -> None: ...
