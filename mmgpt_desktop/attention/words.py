"""From tokens to words: where one begins, its marks, and what says nothing by itself."""

from __future__ import annotations

import itertools
import math
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from mmgpt_desktop.messages import TokenStep

# The words of these scripts stand without spaces: Line_Break=Complex_Context are those of South
# East Asia. Korean has spaces. The marks are those that are written between such words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Tibetan}\p{Line_Break=Complex_Context}"
_UNSPACED += r"[\p{P}&&[\p{East_Asian_Width=W}\p{East_Asian_Width=F}]]"
_FIRST_UNSPACED = "\u0e00"  # Thai: what lies before has spaces
_LETTERS = "LNS"  # Unicode's letters, numbers and symbols

_MARKS = string.whitespace + "\u00a0\u2029.,;:!?\"'()[]{}*"
_MARKS += "\u2013\u2014\u2018\u2019\u201c\u201d\u2026"  # dashes, quotes, three dots
# And those of scripts without spaces: wide ones, and Khmer's, Myanmar's and Tibetan's stops.
_WIDE = map(chr, (*range(0x3000, 0x3040), 0x30FB, *range(0xFF01, 0xFF66)))
_MARKS += "".join(each for each in _WIDE if unicodedata.category(each)[0] in "PZ")
_MARKS += "\u17d4\u17d5\u104a\u104b\u0f0b\u0f0d\u0f0e"

_LISTED = """
a an and another are as at be been being but by can did do does each for from had has have he her
his if in into is it its may no nor not of off on or our out over she so some than that the their
them then there these they this those to up was we were which while who with will would you your
"""
FUNCTION_WORDS = frozenset(_LISTED.split())
"""English words that say how others belong together, and are in no picture."""

_UNTELLING = """
about above after against all any before behind below beside between both can't could down here hers
him how i image isn't it's just like me my near next one onto other photo picture should there's
through too towards under us very what when where whose why without yes
的 地 得 了 着 过 在 是 有 和 与 或 但 及 把 被 对 从 到 向 上 下 里 中
内 外 旁 前 后 这 那 其 它 他 她 它们 他们 她们 我 你 您 我们 个 只 一 一个 一只 一些
也 都 就 很 不 没 没有 吗 呢 吧 图片 照片 图 图中
は が を に へ と で の も や から まで です ます いる ある この その
"""
SMALL_WORDS = FUNCTION_WORDS | frozenset(_UNTELLING.split())
"""Those, also of Chinese and Japanese, that tell nothing of a picture by themselves, nor does what
every answer may call the picture itself."""


@dataclass(frozen=True)
class Word:
    """Steps `start` to `stop` (exclusive) as one word; texts concatenated give the answer.

    `text` keeps the space before the word. `probability` is the product of its tokens'.
    """

    text: str
    start: int
    stop: int
    probability: float

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.stop

    @property
    def bare(self) -> str:
        """Without the spaces and marks around it."""
        return bare_word(self.text)[1]


def group_words(steps: Sequence[TokenStep]) -> tuple[Word, ...]:
    """A word begins where a token begins with white space or, in scripts without spaces, where
    a token begins at one of Unicode's word boundaries. No token is split."""
    starts = word_starts([step.text for step in steps])
    bounds = itertools.pairwise([*starts, len(steps)])
    return tuple(_word(steps, start, stop) for start, stop in bounds)


def count_words(steps: Sequence[TokenStep]) -> int:
    """Of an answer, whether its script has spaces or not."""
    spaced = "".join(step.text for step in steps).split()
    return max(len(spaced), sum(bool(word.text.strip()) for word in group_words(steps)))


def word_starts(texts: Sequence[str]) -> list[int]:
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


def bare_word(text: str) -> tuple[str, str]:
    """What comes before a word (spaces, opening marks), and the word without its marks.

    A word of marks only stays whole.
    """
    inner = text.strip(_MARKS) or text.strip()
    return text[: text.find(inner)], inner


def is_function_word(text: str) -> bool:
    return bare_word(text)[1].lower() in FUNCTION_WORDS


def is_content_word(text: str) -> bool:
    return any(character.isalpha() for character in text) and not is_function_word(text)
