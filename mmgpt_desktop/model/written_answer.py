"""A written answer, for methods that let the PyTorch model read it once more.

All are teacher-forced: the answer is read as it was written, and the position before a token is
the one that predicted it. Places in the picture are cells; what comes from the names that the
encoder found has none, and is in no map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.trace import Trace, trace


@dataclass(frozen=True, eq=False)
class WrittenAnswer:
    """The model, and what it is to read: `pixels` [1, 3, H, W] as it takes them."""

    model: MMGPTForConditionalGeneration
    pixels: Tensor
    prompt_ids: Sequence[int]
    token_ids: Sequence[int]
    fusion: str
    cancel: CancelToken

    @property
    def written(self) -> list[int]:
        return [*self.prompt_ids, *self.token_ids]

    @property
    def positions(self) -> range:
        """Those that predicted the answer's tokens."""
        return range(len(self.prompt_ids) - 1, len(self.written) - 1)

    def trace(self) -> Trace:
        """One pass; raises Cancelled after it."""
        ids = self.written[:-1] if self.token_ids else self.written
        seen = trace(self.model, self.pixels, ids, self.fusion)
        self.cancel.raise_if_cancelled()
        return seen
