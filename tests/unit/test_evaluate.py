"""What the table of results counts."""

from __future__ import annotations

from collections import Counter

import pytest

from mmgpt_desktop.training.data import PhotoTexts
from mmgpt_desktop.training.evaluate import (
    Question,
    _caption_scores,
    _right,
    _share,
    draw_questions,
)
from mmgpt_desktop.training.heads import HeadScores


def photo(image: str, **pairs: list[tuple[str, str]]) -> PhotoTexts:
    return PhotoTexts(image, dict(pairs))


def test_captions_are_asked_once_a_photo_and_know_every_reference() -> None:
    photos = [photo("images/flickr8k/a.jpg", caption=[("", "A dog."), ("", "A cat.")])]
    (question,) = draw_questions(photos, 10)
    assert question.answers == ("A dog.", "A cat.")


def test_yes_and_no_come_in_equal_numbers() -> None:
    pairs = [(f"is there a {n}", "yes" if n < 9 else "no") for n in range(12)]
    asked = draw_questions([photo("images/coco/a.jpg", yesno=pairs)], 100)
    assert Counter(question.answers[0] for question in asked) == {"yes": 3, "no": 3}


def test_a_question_with_two_truths_is_not_asked_as_yes_or_no() -> None:
    pairs = [("is the dog black", "yes"), ("is the dog black", "no")]
    assert draw_questions([photo("images/coco/a.jpg", yesno=pairs)], 10) == []


def test_the_same_questions_are_drawn_every_time() -> None:
    pairs = [(f"what is {n}", str(n)) for n in range(50)]
    photos = [photo("images/daquar/a.jpg", vqa=pairs)]
    first = draw_questions(photos, 5)
    assert len(first) == 5
    assert [q.answers for q in draw_questions(photos, 5)] == [q.answers for q in first]


@pytest.mark.parametrize(
    ("given", "right"), [("Living Room.", True), ("living-room", True), ("room", False)]
)
def test_answers_are_compared_by_their_words(given: str, right: bool) -> None:
    question = Question("a.jpg", "scene", "What place is this?", ("living room", "lounge"))
    assert _right(question, given) is right


def test_the_interval_holds_the_share() -> None:
    score = _share([True] * 30 + [False] * 70)
    assert score.low < score.value == 0.3 < score.high
    assert score.high - score.low < 0.25
    assert str(_share([True] * 5)) == "100.0 (100.0-100.0)"


def test_a_perfect_caption_scores_best() -> None:
    asked = [
        Question(f"{n}.jpg", "caption", "?", (f"a {noun} runs over the {place} today",))
        for n, (noun, place) in enumerate([("dog", "grass"), ("man", "beach"), ("boy", "street")])
    ]
    perfect = _caption_scores(asked, {q: q.answers[0] for q in asked})
    wrong = _caption_scores(asked, dict.fromkeys(asked, "a cat sleeps"))
    assert perfect["BLEU-4"] > 0.99
    assert perfect["CIDEr-D"] > 5 > wrong["CIDEr-D"]


def test_the_best_heads_are_chosen_and_their_score_is_told() -> None:
    heads = HeadScores([[0.1, 0.5], [0.2, 0.4]], 0.05, 77)
    assert heads.best() == [[0, 1], [1, 1], [1, 0]]
    assert "77 things" in heads.how()
    assert "50 %, 40 %, 20 %" in heads.how()
