"""What is said below an answer: how sure the model was, and what wrote it how fast."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QT_TRANSLATE_NOOP, QLocale

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.honesty import NOT_ASKED, why_hedged
from mmgpt_desktop.ui.widgets.texts import fusion_label, percent, say, translated

_UNSURE = QT_TRANSLATE_NOOP("AnswerView", "Not sure, {percent}")
_SURENESS = (
    (0.8, QT_TRANSLATE_NOOP("AnswerView", "Sure, {percent}")),
    (0.5, QT_TRANSLATE_NOOP("AnswerView", "Quite sure, {percent}")),
    (0.0, QT_TRANSLATE_NOOP("AnswerView", "Not quite sure, {percent}")),
)
"""From which certainty on an answer is called so."""
_FIRST_WORD = QT_TRANSLATE_NOOP("AnswerView", "First word after {first} ms")
_SPEED = QT_TRANSLATE_NOOP("AnswerView", "{speed} words a second")


def certainty_text(turn: Turn) -> str:
    """In words, with a figure where one was measured, or that nobody asked the model; empty where
    nobody knows."""
    certainty = turn.outcome.certainty if turn.outcome is not None else None
    if turn.reply is not None:
        return say(NOT_ASKED)
    if turn.hedge is not None:
        return say(why_hedged(turn.hedge))
    if certainty is None:
        return ""
    words = (
        _UNSURE if turn.unsure else next(each for least, each in _SURENESS if certainty >= least)
    )
    return _said(words).format(percent=percent(certainty))


def details(turn: Turn, *, fusion: bool) -> Iterator[str]:
    """Which fusion wrote the answer, if that is not said elsewhere, and how fast."""
    assert turn.outcome is not None
    timings = turn.outcome.timings
    if turn.fusion is not None and fusion and turn.reply is None:
        yield fusion_label(turn.fusion)
    if timings.tokens:
        first = QLocale().toString(timings.first_token * 1000, "f", 0)
        yield _said(_FIRST_WORD).format(first=first)
    if turn.words_per_second:
        speed = QLocale().toString(turn.words_per_second, "f", 0)
        yield _said(_SPEED).format(speed=speed)


def _said(text: object) -> str:
    return translated("AnswerView", str(text))
