"""Whether a model can read a question at all, told by its script (Unicode's, by `regex`).

A model's languages are codes such as "en"; none stand for a model of which nobody said what it
knows, and nothing is held against its questions then. Languages of one script aren't told apart.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from mmgpt_desktop.errors import LanguageError

if TYPE_CHECKING:
    import regex

_SCRIPTS = {
    "ar": ("Arabic",),
    "el": ("Greek",),
    "en": ("Latin",),
    "he": ("Hebrew",),
    "hi": ("Devanagari",),
    "ja": ("Hiragana", "Katakana", "Han"),
    "ko": ("Hangul", "Han"),
    "ru": ("Cyrillic",),
    "th": ("Thai",),
    "zh": ("Han", "Bopomofo"),
}
_SIGNS = ("Hiragana", "Katakana", "Hangul", "Bopomofo")
"""Scripts of one language alone; they tell it where Han characters stand beside them."""
_WITHOUT_SPACES = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
)
_WORD_LETTERS = 2  # of a script without spaces
_RUN = r"\p{L}[\p{L}\p{M}'\u2019-]*"

QUESTIONS = ("What is this?", "What is happening here?")
"""What can be asked instead."""
_LABELS = {
    "ar": ("ما هذا؟", "ماذا يحدث هنا؟"),
    "ja": ("これは何ですか？", "ここで何が起きていますか？"),  # noqa: RUF001
    "ko": ("이것은 무엇인가요?", "무슨 일이 일어나고 있나요?"),
    "ru": ("Что это?", "Что здесь происходит?"),
    "zh": ("这是什么？", "这里在发生什么？"),  # noqa: RUF001
}
_SAID = {
    "ar": ("لا يفهم {model} إلا الإنجليزية.", "اسأل بالإنجليزية، مثلاً: What is this?"),
    "ja": ("{model} は英語しか分かりません。", "英語で質問してください。例：What is this?"),  # noqa: RUF001
    "ko": ("{model}은(는) 영어만 알아들어요.", "영어로 물어보세요. 예: What is this?"),
    "ru": ("{model} понимает только английский.", "Спросите по-английски: What is this?"),
    "zh": ("{model} 只看得懂英语。", "请用英语提问，例如：What is this?"),  # noqa: RUF001
}


def unknown_language(question: str, known: Collection[str], model: str) -> LanguageError | None:
    """What to say of a question that is written for the most part in scripts that no language of
    `known` has; None where it can be asked, so also with some foreign words in it."""
    scripts = scripts_of(known)
    if not scripts:
        return None
    ours, foreign = 0, 0
    for run, is_ours in _runs(question, frozenset(scripts)):
        words = _words(run)
        ours, foreign = (ours + words, foreign) if is_ours else (ours, foreign + words)
    if foreign <= ours:
        return None
    language = language_of(question, scripts)
    if set(known) != {"en"}:
        title = "{model} doesn't understand the language of this question."
        return LanguageError(title, "Ask in another language.", model=model, language=language)
    title, hint = "{model} only understands English.", "Ask in English, such as: What is this?"
    title, hint = _SAID.get(language, (title, hint))
    return LanguageError(title, hint, model=model, language=language)


def scripts_of(languages: Iterable[str]) -> set[str]:
    """None where one of the languages is unknown here: who knows what it is written in?"""
    every = [_SCRIPTS.get(language, ()) for language in languages]
    return {script for scripts in every for script in scripts} if all(every) else set()


def language_of(text: str, besides: Iterable[str] = ()) -> str:
    """A language that the text may be in by its script, leaving aside scripts of `besides`;
    "" for none that is known here."""
    aside = set(besides)
    left = [script for script in _count(text) if script not in aside]
    signs = [script for script in left if script in _SIGNS]
    for script in signs or left:
        for language, scripts in _SCRIPTS.items():
            if script == scripts[0] or (script in scripts and script in _SIGNS):
                return language
    return ""


def labels(language: str) -> tuple[str, ...] | None:
    """`QUESTIONS` in a language; None where nobody translated them."""
    return _LABELS.get(language)


def _count(text: str) -> list[str]:
    """The scripts with letters in the text, the one with most letters first."""
    counts = {
        script: len(_letters(script).findall(text))
        for script in dict.fromkeys(each for scripts in _SCRIPTS.values() for each in scripts)
    }
    return sorted((script for script in counts if counts[script]), key=lambda each: -counts[each])


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> regex.Pattern[str]:
    import regex  # no part of the window's start needs it

    return regex.compile(pattern)


def _letters(*scripts: str) -> regex.Pattern[str]:
    return _compiled("[" + "".join(rf"\p{{{script}}}" for script in scripts) + "]")


def _runs(text: str, scripts: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Letters that stand together and are all of these scripts, or all of others."""
    ours = _letters(*sorted(scripts))
    for found in _compiled(_RUN).finditer(text):
        run, start = found.group(), 0
        kinds = [ours.match(each) is not None for each in run]
        for place in range(1, len(run)):
            letter = run[place].isalpha()
            if letter and kinds[place] != kinds[start]:
                yield run[start:place], kinds[start]
                start = place
        yield run[start:], kinds[start]


def _words(run: str) -> int:
    letters = len(_compiled(_WITHOUT_SPACES).findall(run))
    return math.ceil(letters / _WORD_LETTERS) if letters else 1
