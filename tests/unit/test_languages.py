"""Which questions a model can't read, and what is said of them."""

from __future__ import annotations

import pytest

from mmgpt_desktop.errors import LanguageError
from mmgpt_desktop.languages import QUESTIONS, labels, unknown_language

ASKED = [
    "What is this?",
    "Was ist das für ein Tier?",  # languages of one script aren't told apart
    "Zhè shì shénme dòngwù?",  # romanised
    "Đây là con gì?",
    "What does 停车 mean?",
    "Is this 可口可乐?",
    "Is the 猫 asleep?",
    "What is this? 这是什么？",  # noqa: RUF001
    "Where is the Красная площадь?",
    "Is that a π or a Σ?",
    "\uff37\uff48\uff41\uff54 is it?",  # full width
    "\ufffc is a cat. \ufffc is a",
    "2 + 2 = ?",
    "👍👍",
    "",
]
FOREIGN = [
    ("这是什么动物？", "zh"),  # noqa: RUF001
    ("這是什麼動物", "zh"),
    ("狗", "zh"),
    ("这只dog在做什么？", "zh"),  # noqa: RUF001
    ("这张图片里的 bus 是什么颜色？", "zh"),  # noqa: RUF001
    ("iPhone 15 Pro 是什么颜色", "zh"),
    ("これは何ですか？", "ja"),  # noqa: RUF001
    ("犬は何匹いますか", "ja"),
    ("이것은 무엇입니까?", "ko"),
    ("Что это за собака?", "ru"),
    ("ما هذا الحيوان؟", "ar"),
    ("นี่คือสัตว์อะไร", "th"),
    ("यह कौन सा जानवर है?", "hi"),
    ("ይህ ምንድን ነው?", ""),
]


@pytest.mark.parametrize("question", ASKED)
def test_what_is_english_for_the_most_part_is_asked(question: str) -> None:
    assert unknown_language(question, ("en",), "mini") is None


@pytest.mark.parametrize(("question", "language"), FOREIGN)
def test_what_the_model_cant_read_is_said_in_the_questions_language(
    question: str, language: str
) -> None:
    error = unknown_language(question, ("en",), "mini")
    assert isinstance(error, LanguageError)
    assert error.values["language"] == language
    assert "mini" in error.title
    assert unknown_language(error.title_template, ("en",), "mini") is not None or not labels(
        language
    )
    assert QUESTIONS[0] in error.hint, "it says what to ask instead"


@pytest.mark.parametrize(("question", "language"), FOREIGN)
def test_a_model_that_may_know_it_is_asked(question: str, language: str) -> None:
    assert unknown_language(question, (), "mini") is None
    assert unknown_language(question, ("tlh",), "mini") is None
    if language:
        assert unknown_language(question, ("en", language), "mini") is None


def test_a_model_of_another_language_is_not_said_to_know_english() -> None:
    error = unknown_language("What is this?", ("zh",), "mini")
    assert error is not None
    assert "English" not in str(error)


def test_what_is_offered_has_a_label_each() -> None:
    for language in ("ar", "ja", "ko", "ru", "zh"):
        own = labels(language)
        assert own is not None
        assert len(set(own)) == len(QUESTIONS)
    assert labels("en") is None
