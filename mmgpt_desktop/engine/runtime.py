"""What the decoding loop asks of a runtime, ONNX or PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.messages import RuntimeInfo


@dataclass(frozen=True, eq=False)
class Encoded:
    """A picture as the decoder of one fusion reads it.

    `keys` and `values` are the runtime's own arrays, float32 [image layer, 1, head, places,
    head_dim]: the cells of the fusion's grid and then the names that the encoder found; 0
    without a picture. Where a resampler's latents stand in the cells' place, `reading` float32
    [latent, cell] is what each read from the cells; rows sum to 1.
    """

    fusion: str
    keys: Any
    values: Any
    reading: NDArray[np.float32] | None = None

    def over_cells(self, attention: NDArray[np.float32]) -> NDArray[np.float32]:
        """Attention [..., places] over cells and names [..., T]: a latent's weight goes to the
        cells that it read."""
        if self.reading is None:
            return attention
        latents, names = np.split(attention, [len(self.reading)], axis=-1)
        return np.concatenate([latents @ self.reading, names], axis=-1)


@dataclass(frozen=True, eq=False)
class DecodeResult:
    """One run of the decoder, for its last position.

    `logits` float32 [vocabulary]; `attention` float32 [image layer, head, T] over cells and
    names, or None when it was not asked for; `cache` is the runtime's own and goes into the
    next call.
    """

    logits: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    cache: Any


Picture = TypeVar("Picture", contravariant=True)


class Decoder(Protocol[Picture]):
    """All that the decoding loop needs; a `Picture` is the runtime's own form of what it reads."""

    def decode(
        self,
        token_ids: Sequence[int],
        picture: Picture,
        cache: Any | None,
        /,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult: ...


class Runtime(Protocol):
    """Runs one bundle. One thread at a time; every call may raise `Cancelled`."""

    @property
    def info(self) -> RuntimeInfo: ...

    def prepare(self, fusion: str) -> None:
        """Load what a fusion needs, the first time: the other calls would do it too."""

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        """Encode normalised pixels [1, 3, height, width]; None stands for no picture."""

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        """What each cell read from each, [cell, cell]; None where the fusion has no graph."""

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Encoded,
        cache: Any | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        """Feed `token_ids` after what `cache` holds (None: nothing yet)."""

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Logits [S, vocabulary] of what follows each of `token_ids`, fed after nothing."""

    def close(self) -> None: ...
