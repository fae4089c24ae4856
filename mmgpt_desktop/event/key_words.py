"""Which words of an answer are worth a map of their own."""

from __future__ import annotations

from mmgpt_desktop.attention.words import SMALL_WORDS, Word
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.report.report import Report

FEWEST, MOST = 2, 4
_RANK = {Verdict.MATTERED: 0, Verdict.PARTLY: 1, None: 2, Verdict.ANYWHERE: 3, Verdict.LANGUAGE: 3}
_UNNEEDED = 3


def key_words(report: Report) -> tuple[Word, ...]:
    """At most `MOST`, in the answer's order; none where the answer has no letters.

    Content words whose check says that they needed what they looked at come first, then those
    that were not checked; of two alike the one that says more (the model held it for less
    likely). Words that needed no place fill up to `FEWEST` only.
    """
    spoken = [word for word in report.words if any(map(str.isalnum, word.text))]
    content = [word for word in spoken if word.bare.lower() not in SMALL_WORDS]
    ranked = sorted(content or spoken, key=lambda word: (_rank(report, word), word.probability))
    chosen: dict[str, Word] = {}
    for word in ranked:
        enough = MOST if _rank(report, word) < _UNNEEDED else FEWEST
        if len(chosen) < enough:
            chosen.setdefault(word.bare.lower(), word)
    return tuple(sorted(chosen.values(), key=lambda word: word.start))


def _rank(report: Report, word: Word) -> int:
    check = report.check(report.maps[0].method, word)
    return _RANK[check.verdict if check else None]
