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


def word_maps(
    attention: NDArray[np.float32], words: Sequence[slice], side: int
) -> NDArray[np.float32]:
    """Attention [cell, layer, head, text] to maps [word, side, side]: of each word's tokens
    together, the mean over layers and heads."""
    read = attention.mean(axis=(1, 2))
    maps = [read[:, each].sum(axis=1) for each in words]
    return np.array(maps, np.float32).reshape(len(words), side, side)
