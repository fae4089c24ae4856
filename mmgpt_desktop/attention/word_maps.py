"""Which word of a prompt drew which cell: what each cell read of each word."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.words import bare_word, word_starts
from mmgpt_desktop.painted import PromptWord


def token_texts(prompt: str, ends: Sequence[int]) -> list[str]:
    """The prompt taken apart after each token's last character; a token within a character has
    none."""
    starts = [0, *itertools.accumulate(ends, max)][: len(ends)]
    return [prompt[start:end] for start, end in zip(starts, ends, strict=True)]


def prompt_words(texts: Sequence[str]) -> list[tuple[PromptWord, slice]]:
    """The words of a prompt, each with its tokens, by the tokens' texts; marks are none."""
    places = list(itertools.accumulate(map(len, texts), initial=0))
    found = []
    for first, stop in itertools.pairwise([*word_starts(texts), len(texts)]):
        before, bare = bare_word("".join(texts[first:stop]))
        if any(each.isalnum() for each in bare):
            start = places[first] + len(before)
            found.append((PromptWord(bare, start, start + len(bare)), slice(first, stop)))
    return found


def words_at(maps: NDArray[np.float32], row: int, column: int) -> tuple[int, ...]:
    """The words that drew one cell: what it read most, and more than other cells did. Maps are
    [word, row, column]; the word that most of it comes from is first."""
    usual = np.maximum(maps.mean(axis=(1, 2)), 1e-9)
    here = maps[:, row, column] / usual
    order = np.argsort(-here, kind="stable")
    most = float(here.max(initial=0))
    return tuple(int(n) for n in order if here[n] > 1 and here[n] >= _NEARLY * most)


_NEARLY = 0.9


def word_shares(
    attention: NDArray[np.float32], words: Sequence[slice], heads: Sequence[tuple[int, int]] = ()
) -> NDArray[np.float32]:
    """Attention [..., layer, head, text] to [..., word]: of what was read of all words, each one's
    share, the mean over the (layer, head) pairs, or over all of them together. The first cells of
    a picture read more of every word, as there is little else; that says nothing of one word."""
    if heads:
        read = np.stack([attention[..., layer, head, :] for layer, head in heads], axis=-2)
    else:
        read = attention.mean(axis=(-3, -2))[..., None, :]
    if not words:
        return np.zeros((*read.shape[:-2], 0), np.float32)
    shares = np.stack([read[..., each].sum(axis=-1) for each in words], axis=-1)
    shares /= np.maximum(shares.sum(axis=-1, keepdims=True), 1e-9)
    found: NDArray[np.float32] = shares.mean(axis=-2).astype(np.float32)
    return found


def word_maps(shares: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Shares [cell, word] as maps [word, side, side]."""
    return np.ascontiguousarray(shares.T).reshape(-1, side, side)
