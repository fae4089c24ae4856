"""What the app says in a model's place, and which counts are doubted."""

from __future__ import annotations

import pytest

from mmgpt_desktop.honesty import Reply, is_many, reply_to
from mmgpt_desktop.question_kinds import BEYOND, SMALL_TALK, QuestionKind


def test_a_model_is_asked_what_it_may_know() -> None:
    assert reply_to("What is this?", BEYOND, picture=True) is None
    assert reply_to("What does the sign say?", (), picture=True) is None
    assert reply_to("What is this?", (), picture=False) is None


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What does the sign say?", "can't read"),
        ("Who is this man?", "nobody by name"),
        ("What will happen next?", "comes next"),
        ("How much does it cost?", "prices"),
        ("What is the capital of France?", "what a picture shows"),
        ("Hello!", "Hello!"),
        ("Translate into Chinese: a dog", "doesn't translate"),
        ("上面写着什么", "看不懂图中的文字"),
        ("他叫什么名字", "不知道图中的人是谁"),
        ("你好", "你好"),
    ],
)
def test_what_it_has_no_answer_to_is_said_in_the_questions_language(
    question: str, said: str
) -> None:
    reply = reply_to(question, BEYOND, picture=True)
    assert reply is not None
    assert said in reply.text


def test_without_a_picture_there_is_nothing_to_look_at() -> None:
    reply = reply_to("What is this?", BEYOND, picture=False)
    assert reply is not None
    assert "no picture" in reply.text
    assert reply.leaves_a_guess
    assert reply_to("What is this?", BEYOND - {QuestionKind.NO_PICTURE}, picture=False) is None


@pytest.mark.parametrize("picture", [True, False])
def test_who_can_translate_is_asked_with_a_picture_or_none(picture: bool) -> None:
    able = BEYOND - {QuestionKind.TRANSLATE}
    assert reply_to("翻译成英文：一只狗。", able, picture=picture) is None  # noqa: RUF001
    assert reply_to("Translate into French: a dog", able, picture=picture) is not None


@pytest.mark.parametrize("kind", sorted(BEYOND))
def test_there_is_a_sentence_for_each_kind_in_both_languages(kind: QuestionKind) -> None:
    english, chinese = Reply(kind), Reply(kind, chinese=True)
    assert english.text.isascii()
    assert english.text.endswith(".")
    assert chinese.text.endswith("。")
    assert "no picture to look at" not in english.text
    assert english.leaves_a_guess == (kind not in SMALL_TALK)


@pytest.mark.parametrize(
    ("question", "answer", "many"),
    [
        ("How many dogs are there?", "2", False),
        ("How many dogs are there?", "5", False),
        ("How many dogs are there?", "6", True),
        ("How many people?", "There are twelve.", True),
        ("How many people?", "A lot.", True),
        ("How many people?", "many", True),
        ("How many people are in the crowd?", "3", True),
        ("有多少人", "十二个", True),
        ("有多少人", "两个", False),
        ("有几只狗", "很多", True),
        ("What number of buses are there?", "9", True),
        ("What is this?", "7 dogs", False),
        ("What colour is it?", "many", False),
    ],
)
def test_small_models_count_to_five(question: str, answer: str, many: bool) -> None:
    assert is_many(question, answer) == many
