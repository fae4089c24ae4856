from __future__ import annotations

import pytest

from mmgpt_desktop.text import reason_of, safe_name, without_controls


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
    assert reason_of(MemoryError()) == "the memory is full"
    assert len(reason_of(ValueError("x" * 999))) == 200
