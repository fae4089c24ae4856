# ruff: noqa: RUF001 - signs that look like others are what is tested here
from __future__ import annotations

import pytest

from mmgpt_desktop.text import plainly_typed, reason_of, safe_name, without_controls


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two words.png", "two words.png"),
        ("dog 🐶 👩‍👧.png", "dog 🐶 👩‍👧.png"),
        ("line\nbreak\t.png", "line�break�.png"),
        ("\x1b[31mred.png", "�[31mred.png"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("broken \udcff byte", "broken � byte"),
    ],
)
def test_names_are_shown_on_one_line(name: str, shown: str) -> None:
    assert safe_name(name) == shown


def test_long_names_are_cut_in_the_middle() -> None:
    shown = safe_name("a" * 300 + ".png")
    assert len(shown) == 81
    assert shown.endswith(".png")


def test_only_newline_and_tab_survive_of_the_controls() -> None:
    assert without_controls("a\r\nb\rc\td\x00\x1b\x7f\x85\ud800e") == "a\nb\nc\tde"


def test_reasons_are_short_and_end_no_sentence() -> None:
    assert reason_of(ValueError("It broke.\nsecond line")) == "It broke"
    assert reason_of(KeyError()) == "KeyError"
    assert reason_of(FileNotFoundError(2, "No such file", "/a/b")) == "No such file"
    assert reason_of(MemoryError()) == "the memory is full"
    assert len(reason_of(ValueError("x" * 999))) == 200


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("What is this？", "What is this?"),
        ("\u3000Ｗｈａｔ\u3000ｉｓ\u3000ｔｈｉｓ？", "What is this?"),
        ("what is this。", "what is this."),
        ("A dog，a cat、or：both？", "A dog, a cat, or: both?"),
        ("What\u2019s on the \u201cbig\u201d table?", 'What\'s on the "big" table?'),
        ("What is \u300athis\u300b？", 'What is "this"?'),
        ("black\u2014or white\u2026", "black-or white..."),
        ("\ufeffWhat\u00a0is\u200b this\u00ad?", "What is this?"),
        ("What is\n\tthis?\u2028", "What is this?"),
        ("What is this?!", "What is this?"),
        ("Really!?？", "Really?"),
        ("Look!", "Look!"),
        ("\u201cWhat is this?\u201d", "What is this?"),
        ("'What is this?'", "What is this?"),
        ('What does "stop" say?', 'What does "stop" say?'),
        ("这是什么？", "这是什么?"),
        ("\u200b", ""),
    ],
)
def test_a_question_is_read_as_a_plain_keyboard_types_it(typed: str, plain: str) -> None:
    assert plainly_typed(typed) == plain
    assert plainly_typed(plain) == plain
