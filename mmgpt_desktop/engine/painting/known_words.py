"""Which words a painter was taught, and how far a prompt is from all of them.

A word weighs what it says, in bits: the rarer in training, the more. One that was never said there
weighs most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.note import Note
from mmgpt_desktop.reading import read_small

MOST_BYTES = 4 << 20
ENOUGH = 0.5
"""Of what a prompt says: with less of it known, it is far from all that was taught."""


_NAMED = 6  # of the words that it does not know


class KnownWords:
    """`counts` says in how many of all training prompts each word stood."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = dict(counts)
        self._most = max(self._counts.values(), default=1)

    @classmethod
    def read(cls, file: Path) -> KnownWords:
        """Lines of a count and a word. Raises OSError, and ValueError for anything else."""
        lines = read_small(file, MOST_BYTES).decode("utf-8").splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return cls({word: max(1, int(count)) for count, word in pairs})

    def write(self, file: Path) -> None:
        ordered = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        lines = [f"{count} {word}" for word, count in ordered]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _count(self, word: str) -> int:
        """Several of what was taught are known, too."""
        plain = word.casefold()
        forms = plain, *(plain.removesuffix(end) for end in ("s", "es") if plain.isascii())
        return max(self._counts.get(each, 0) for each in forms)

    def unknown(self, words: Iterable[str]) -> list[str]:
        return [word for word in words if not self._count(word)]

    def familiar(self, words: Iterable[str]) -> float:
        """The share of what they say that was taught, from 0 to 1; 1 where they say nothing."""
        known = whole = 0.0
        for word in words:
            count = self._count(word)
            bits = math.log2(2 * self._most / max(count, 1))
            whole += bits
            known += bits if count else 0.0
        return known / whole if whole else 1.0


def refuse_unknown(known: KnownWords, words: Sequence[str], *, known_only: bool) -> list[Note]:
    """What is said of words that were never taught. Raises PromptError where they are most of what
    is said, or where one is and `known_only`."""
    strange = list(dict.fromkeys(known.unknown(words)))
    named = ", ".join(strange[:_NAMED])
    if not words:
        title = "The painter knows words alone, and there are none."
        raise PromptError(title, "Describe a picture in a few words.")
    if known.familiar(words) < ENOUGH or (strange and known_only):
        title = "The painter was never taught to draw this."
        hint = "It doesn't know: {words}. Say it in other words, or choose an example."
        raise PromptError(title, hint, words=named)
    said = "The painter was never taught these words: {words}"
    return [Note(said, {"words": named})] if strange else []
