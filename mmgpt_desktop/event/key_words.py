"""Which words of an answer are worth a map of their own."""

from __future__ import annotations

import re
import unicodedata

from mmgpt_desktop.attention.reduce import Word
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.report.report import Report

FEWEST, MOST = 2, 4
_RANK = {Verdict.MATTERED: 0, Verdict.PARTLY: 1, None: 2, Verdict.ANYWHERE: 3, Verdict.LANGUAGE: 3}
_UNNEEDED = 3
# Articles, pronouns, prepositions, conjunctions and auxiliaries name nothing to be seen, nor does
# what every answer may call the picture itself.
_SMALL_WORDS = re.compile(
    r"a|about|above|after|against|all|an|and|another|any|are|as|at|be|been|before|behind|being|"
    r"below|beside|between|both|but|by|can|can't|could|did|do|does|down|each|for|from|had|has|"
    r"have|he|her|here|hers|him|his|how|i|if|image|in|into|is|isn't|it|it's|its|just|like|me|my|"
    r"near|next|no|not|of|off|on|one|onto|or|other|our|out|over|photo|picture|she|should|so|some|"
    r"than|that|the|their|them|then|there|there's|these|they|this|those|through|to|too|towards|"
    r"under|up|us|very|was|we|were|what|when|where|which|while|who|whose|why|will|with|without|"
    r"would|yes|you|your|"
    r"的|地|得|了|着|过|在|是|有|和|与|或|但|及|把|被|对|从|到|向|上|下|里|中|内|外|旁|前|后|这|那|其|它|他|她|它们|"
    r"他们|她们|我|你|您|我们|个|只|一|一个|一只|一些|也|都|就|很|不|没|没有|吗|呢|吧|图片|照片|图|图中|"
    r"は|が|を|に|へ|と|で|の|も|や|から|まで|です|ます|いる|ある|この|その"
)


def key_words(report: Report) -> tuple[Word, ...]:
    """At most `MOST`, in the answer's order; none where the answer has no letters.

    Content words whose check says that they needed what they looked at come first, then those
    that were not checked; of two alike the one that says more (the model held it for less
    likely). Words that needed no place fill up to `FEWEST` only.
    """
    spoken = [word for word in report.words if any(map(str.isalnum, word.text))]
    content = [word for word in spoken if not _SMALL_WORDS.fullmatch(bare(word).lower())]
    ranked = sorted(content or spoken, key=lambda word: (_rank(report, word), word.probability))
    chosen: dict[str, Word] = {}
    for word in ranked:
        enough = MOST if _rank(report, word) < _UNNEEDED else FEWEST
        if len(chosen) < enough:
            chosen.setdefault(bare(word).lower(), word)
    return tuple(sorted(chosen.values(), key=lambda word: word.start))


def bare(word: Word) -> str:
    """Without the marks around it."""
    inside = [
        place
        for place, letter in enumerate(word.text)
        if letter.isalnum() or unicodedata.category(letter)[0] == "M"  # a vowel of Thai
    ]
    return word.text[inside[0] : inside[-1] + 1] if inside else word.text.strip()


def _rank(report: Report, word: Word) -> int:
    check = report.check(report.maps[0].method, word)
    return _RANK[check.verdict if check else None]
