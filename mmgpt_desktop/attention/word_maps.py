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


def word_readings(
    attention: NDArray[np.float32], words: Sequence[slice], heads: Sequence[tuple[int, int]] = ()
) -> NDArray[np.float32]:
    """Attention [..., layer, head, text] to [..., word]: how much was read of each word, the mean
    over the (layer, head) pairs, or over all."""
    mean: NDArray[np.float32] = _of_words(_of_heads(attention, heads), words).mean(axis=-2)
    return mean


def word_shares(
    attention: NDArray[np.float32], words: Sequence[slice], heads: Sequence[tuple[int, int]] = ()
) -> NDArray[np.float32]:
    """The same as each word's share of what was read of all words, the mean over the pairs, or of
    all of them together. The first cells of a picture that grows cell by cell read more of every
    word, as there is little else; that says nothing of one word."""
    read = _of_heads(attention, heads)
    read = _of_words(read if heads else read.mean(axis=-2, keepdims=True), words)
    shares = read / np.maximum(read.sum(axis=-1, keepdims=True), 1e-9)
    mean: NDArray[np.float32] = shares.mean(axis=-2)
    return mean


def _of_heads(
    attention: NDArray[np.float32], heads: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """[..., pair, text]"""
    if heads:
        return np.stack([attention[..., layer, head, :] for layer, head in heads], axis=-2)
    return attention.reshape(*attention.shape[:-3], -1, attention.shape[-1])


def _of_words(read: NDArray[np.float32], words: Sequence[slice]) -> NDArray[np.float32]:
    """[..., text] to [..., word]"""
    if not words:
        return np.zeros((*read.shape[:-1], 0), np.float32)
    return np.stack([read[..., each].sum(axis=-1) for each in words], axis=-1).astype(np.float32)


def word_maps(read: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """What was read, or shares of it, [cell, word] as maps [word, side, side]."""
    return np.ascontiguousarray(read.T).reshape(-1, side, side)
