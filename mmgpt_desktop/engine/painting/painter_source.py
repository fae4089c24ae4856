"""What the paint engine needs of a painter's files, whosever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from mmgpt_desktop.painted import PainterInfo, PaintSettings, PromptWord


@dataclass(frozen=True)
class PaintPrompt:
    """A prompt as a painter reads it: tokens [text], which of them are no padding, and the words
    that it has of them, each with its tokens' places."""

    ids: NDArray[np.int64]
    visible: NDArray[np.bool_]
    words: tuple[PromptWord, ...]
    spans: tuple[slice, ...]
    notes: tuple[Note, ...] = ()


class ToPaint(NamedTuple):
    """A picture for each of the `seeds`."""

    prompt: PaintPrompt
    seeds: Sequence[int]
    settings: PaintSettings

    @property
    def ids(self) -> NDArray[np.int64]:
        """The prompt's tokens, for each picture."""
        return np.stack([self.prompt.ids for _ in self.seeds])

    @property
    def visible(self) -> NDArray[np.bool_]:
        return np.stack([self.prompt.visible for _ in self.seeds])


class PaintedStroke(NamedTuple):
    """`done` of all `strokes` were made. `pixels` uint8 [picture, height, width, 3] are the
    pictures so far, where something new is to be shown; with the last come words' `maps` float32
    [picture, word, row, column]."""

    done: int
    strokes: int
    pixels: NDArray[np.uint8] | None = None
    maps: NDArray[np.float32] | None = None


class PainterSource(Protocol):
    """An opened folder. `size` is that of the weights in bytes, `order` that of the runtimes."""

    @property
    def info(self) -> PainterInfo: ...

    @property
    def size(self) -> int: ...

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

    def strokes(
        self, runtime: PainterRuntime, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        """Draw with such a runtime. Raises RuntimeFailure and Cancelled."""
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
