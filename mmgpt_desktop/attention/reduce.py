"""From the attention of tokens to words, and to one weight for each cell."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.messages import AttentionMap, TokenStep

# The words of these scripts stand without spaces: Line_Break=Complex_Context are those of South
# East Asia. Korean has spaces. The marks are those that are written between such words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Tibetan}\p{Line_Break=Complex_Context}"
_UNSPACED += r"[\p{P}&&[\p{East_Asian_Width=W}\p{East_Asian_Width=F}]]"
_FIRST_UNSPACED = "\u0e00"  # Thai: what lies before has spaces
_LETTERS = "LNS"  # Unicode's letters, numbers and symbols


@dataclass(frozen=True)
class Word:
    """Steps `start` to `stop` (exclusive) as one word; texts concatenated give the answer.

    `text` keeps the space before the word. `probability` is the product of its tokens'.
    """

    text: str
    start: int
    stop: int
    probability: float


@dataclass(frozen=True)
class Shares:
    """Where attention went, as the mean over all layers and heads; photo, names and rest are
    together 1. `copied` is the largest share of a token that was copied from a name.

    `rest` is what a model with cross-attention reads from its null cell, and what one
    without reads from the text.
    """

    photo: float
    names: float
    rest: float
    copied: float = 0.0


def group_words(steps: Sequence[TokenStep]) -> tuple[Word, ...]:
    """A word begins where a token begins with white space or, in scripts without spaces, where
    a token begins at one of Unicode's word boundaries. No token is split."""
    starts = _starts([step.text for step in steps])
    bounds = itertools.pairwise([*starts, len(steps)])
    return tuple(_word(steps, start, stop) for start, stop in bounds)


def count_words(steps: Sequence[TokenStep]) -> int:
    """Of an answer, whether its script has spaces or not."""
    spaced = "".join(step.text for step in steps).split()
    return max(len(spaced), sum(bool(word.text.strip()) for word in group_words(steps)))


def _starts(texts: Sequence[str]) -> list[int]:
    """Which of the tokens begin a word; their texts may be empty in mid-character."""
    boundaries = _boundaries("".join(texts))
    starts: list[int] = []
    inside = said = False  # something visible since the last start, and more than marks
    first = at = 0  # where this token's first character began: the token, and the place in the text
    for place, piece in enumerate(texts):
        spaced = piece[:1].isspace()
        if not starts or (inside and spaced) or (said and at in boundaries and _opens(piece)):
            starts.append(place if spaced else first)
            inside = said = False
        inside = inside or bool(piece.strip())
        said = said or _says(piece)
        at += len(piece)
        first = place + 1 if piece else first
    return starts


def _boundaries(text: str) -> frozenset[int]:
    """Where words meet without a space, as Unicode's UAX 29 has it; none in most languages."""
    if max(text, default="") < _FIRST_UNSPACED:
        return frozenset()
    import regex  # takes its time, and few answers need it

    unspaced = regex.compile(rf"(?<=[{_UNSPACED}]\s*)|(?=[{_UNSPACED}])", regex.V1)
    meeting = {each.start() for each in unspaced.finditer(text)}
    words = regex.finditer(r"\b", text, regex.V1 | regex.WORD)
    return frozenset(meeting.intersection(each.start() for each in words))


def _opens(piece: str) -> bool:
    """Marks alone go with the word before, unless they open the next."""
    return _says(piece) or unicodedata.category((piece or ".")[0]) in ("Ps", "Pi")


def _says(piece: str) -> bool:
    return any(unicodedata.category(character)[0] in _LETTERS for character in piece)


def _word(steps: Sequence[TokenStep], start: int, stop: int) -> Word:
    parts = steps[start:stop]
    probability = math.prod(step.probability for step in parts)
    return Word("".join(step.text for step in parts), start, stop, probability)


def cell_weights(
    maps: Sequence[AttentionMap], heads: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """The mean over maps and (layer, head) pairs, float32 [rows, columns].

    No pairs stand for all of them. Needs one map at least; all share one grid.
    """
    grid = maps[0].grid
    weights = np.stack([each.weights for each in maps]).astype(np.float32)  # [map, layer, head, T]
    if heads:
        layers, places = zip(*heads, strict=True)
        weights = weights[:, layers, places]
    mean = weights.reshape(-1, grid.cells).mean(axis=0)
    return np.asarray(mean.reshape(grid.rows, grid.columns))


def shares(maps: Sequence[AttentionMap]) -> Shares:
    """Needs one map at least."""
    sums = [each.weights.sum(axis=-1, dtype=np.float32).mean() for each in maps]
    photo = float(np.mean(sums))
    names = float(np.mean([each.elsewhere for each in maps]))
    copied = max(each.copied for each in maps)
    return Shares(photo, names, max(0.0, 1 - photo - names), copied)
