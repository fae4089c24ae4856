"""What the paint engine needs of a painter's files, whosever they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.word_maps import prompt_words, token_texts
from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import PainterInfo, PromptWord


@dataclass(frozen=True)
class PaintPrompt:
    """A prompt as a painter reads it: tokens [text], which of them are no padding, and the words
    that it has of them, each with its tokens' places."""

    ids: NDArray[np.int64]
    visible: NDArray[np.bool_]
    words: tuple[PromptWord, ...]
    spans: tuple[slice, ...]
    notes: tuple[Note, ...] = ()


class Codes(NamedTuple):
    """A cell has so many codes `per_cell`, out of a `number`."""

    number: int
    per_cell: int


class PainterSource(Protocol):
    """An opened folder. `size` is that of the weights in bytes, `order` that of the runtimes; maps
    are drawn of the (layer, head) pairs `heads`, or of all where there are none."""

    @property
    def info(self) -> PainterInfo: ...

    @property
    def codes(self) -> Codes: ...

    @property
    def size(self) -> int: ...

    @property
    def heads(self) -> Sequence[tuple[int, int]]: ...

    @property
    def order(self) -> Sequence[RuntimeName]: ...

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        """Check the files and open the tokenizer. Raises BundleError and Cancelled."""
        ...

    def read_prompt(self, prompt: str, *, known_only: bool) -> PaintPrompt:
        """After `prepare`. Raises PromptError."""
        ...

    def runtime(self, name: RuntimeName, *, card: bool) -> PainterRuntime:
        """Raises RuntimeFailure if that one can't be had here."""
        ...


def require_words(prompt: str) -> None:
    """Raises PromptError for nothing."""
    if not prompt.strip():
        title = "Nothing is said of what to draw."
        raise PromptError(title, "Describe a picture in a few words.")


def words_and_spans(
    prompt: str, ends: Sequence[int], first: int = 0
) -> tuple[tuple[PromptWord, ...], tuple[slice, ...]]:
    """The words of a prompt whose tokens end after so many of its characters; the first of these
    tokens is number `first` of all."""
    found = prompt_words(token_texts(prompt, ends))
    words, spans = zip(*found, strict=True) if found else ((), ())
    return tuple(words), tuple(slice(each.start + first, each.stop + first) for each in spans)
