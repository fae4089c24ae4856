"""A temperature and a threshold for the certainty of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.question_kinds import QuestionKind
from mmgpt_desktop.training.calibrate import (
    DOUBTED,
    LEAST_OF_A_KIND,
    TEMPERATURES,
    Judged,
    fit,
    platt,
)

NONE = np.zeros((0, len(TEMPERATURES)))
COUNT, YESNO, OTHER = QuestionKind.COUNT, QuestionKind.YESNO, QuestionKind.OTHER


def judged(
    levels: NDArray[Any],
    right: Sequence[bool],
    kind: QuestionKind = OTHER,
    *,
    language: str = "en",
    by_people: bool = True,
) -> list[Judged]:
    return [
        Judged(kind, language, by_people, each, bool(hit))
        for each, hit in zip(levels, right, strict=True)
    ]


def planted(
    kind: QuestionKind,
    certainty: float,
    right: float,
    count: int,
    *,
    language: str = "en",
    by_people: bool = True,
) -> list[Judged]:
    """So many answers of one certainty, whatever the temperature, of which this share is right."""
    hits = [place < right * count for place in range(count)]
    levels = np.full((count, len(TEMPERATURES)), certainty)
    return judged(levels, hits, kind, language=language, by_people=by_people)


def test_the_temperature_that_tells_right_from_wrong_is_chosen() -> None:
    right = [True, True, False, False] * 30
    certainty = np.full((120, len(TEMPERATURES)), 0.95)
    certainty[:, TEMPERATURES.index(1.7)] = [0.8 if each else 0.2 for each in right]
    found = fit(judged(certainty, right), NONE)
    assert found.certainty.temperature == 1.7
    assert found.questions == 120
    assert found.error < 0.05 < 0.4 < found.error_before


def test_certainty_becomes_the_chance_to_be_right() -> None:
    random = np.random.default_rng(0)
    means = random.uniform(0.02, 0.98, 4000)
    chance = 1 - 1 / (1 + 0.4 * (means / (1 - means)) ** 1.6)
    right = list(random.uniform(size=4000) < chance)
    power, scale, _ = platt(means, right)
    assert power == pytest.approx(1.6, abs=0.15)
    assert scale == pytest.approx(0.4, abs=0.05)
    found = fit(judged(means[:, None].repeat(len(TEMPERATURES), axis=1), right), NONE)
    assert found.error < 0.03 < found.error_before


def test_hardly_any_certainty_is_no_trouble() -> None:
    means = np.array([1e-9, 1e-8, 2e-9, 1 - 1e-9] * 40)
    power, scale, loss = platt(means, [False, True, False, True] * 40)
    assert 0 <= power < 5
    assert 0 < scale < 1e6
    assert loss < 0.7


def test_few_answers_move_it_little() -> None:
    power, scale, _ = platt(np.array([0.9, 0.9]), [True, True])
    assert 0.5 < power < 2
    assert 0.5 < scale < 2


def test_without_answers_nothing_is_changed() -> None:
    found = fit([], NONE).certainty
    assert (found.temperature, found.doubt, found.doubt_long) == (1.0, 0.0, 0.0)


def test_the_least_certain_quarter_of_the_descriptions_is_doubted() -> None:
    certainty = np.full((120, len(TEMPERATURES)), 0.5)
    descriptions = np.linspace(0.2, 0.6, 101)[:, None].repeat(len(TEMPERATURES), axis=1)
    found = fit(judged(certainty, [True, False] * 60), descriptions).certainty
    assert (found.doubt, found.doubt_long) == (DOUBTED, 0.3)


def test_a_kind_that_is_too_certain_is_lowered() -> None:
    answers = planted(YESNO, 0.9, 0.9, 600) + planted(COUNT, 0.9, 0.3, 120)
    found = fit(answers, NONE)
    assert found.certainty.of(0.9, COUNT) == pytest.approx(0.3, abs=0.05)
    assert found.certainty.of(0.9, YESNO) == pytest.approx(0.9, abs=0.03)
    assert found.certainty.of(0.9) == pytest.approx(0.8, abs=0.03), "all kinds together"
    assert found.error < 0.02
    count = next(each for each in found.kinds if each.kind is COUNT)
    assert (count.questions, count.by_people, count.right) == (120, True, 0.3)
    assert count.before == pytest.approx(0.8, abs=0.03)
    assert "count (en): 30% of 120 right (by people), 80% certain" in found.how()


def test_a_kind_with_few_questions_has_the_certainty_of_all() -> None:
    answers = planted(YESNO, 0.9, 0.9, 300) + planted(COUNT, 0.9, 0.0, LEAST_OF_A_KIND - 1)
    found = fit(answers, NONE).certainty
    assert [each.kind for each in found.kinds] == ["yesno"]
    assert found.of(0.9, COUNT) == found.of(0.9, OTHER) < found.of(0.9, YESNO)


def test_peoples_questions_count_and_made_ones_where_there_are_few() -> None:
    made = planted(COUNT, 0.9, 0.9, 200, by_people=False)
    found = fit(made + planted(COUNT, 0.9, 0.3, 120), NONE)
    assert found.certainty.of(0.9, COUNT) == pytest.approx(0.3, abs=0.05)
    found = fit(made + planted(COUNT, 0.9, 0.3, 10), NONE)
    assert found.certainty.of(0.9, COUNT) == pytest.approx(0.87, abs=0.05)
    assert not found.kinds[0].by_people


def test_a_kind_in_another_language_has_a_certainty_of_its_own() -> None:
    """Chinese questions are made ones, while people's decide in English."""
    answers = [
        *planted(COUNT, 0.9, 0.3, 120),
        *planted(COUNT, 0.9, 0.8, 120, language="zh", by_people=False),
        *planted(YESNO, 0.9, 0.9, 120),
    ]
    found = fit(answers, NONE)
    assert found.certainty.of(0.9, COUNT) == pytest.approx(0.3, abs=0.05)
    assert found.certainty.of(0.9, COUNT, "zh") == pytest.approx(0.8, abs=0.05)
    assert found.certainty.of(0.9, YESNO, "zh") == found.certainty.of(0.9)
    assert found.error < 0.02


def test_the_surest_answers_of_each_kind_are_told_from_the_others() -> None:
    """Within a kind the order stays, and its odds bend as they must."""
    answers = [
        *planted(COUNT, 0.95, 0.6, 100),
        *planted(COUNT, 0.4, 0.1, 100),
        *planted(YESNO, 0.95, 0.95, 100),
        *planted(YESNO, 0.4, 0.6, 100),
    ]
    found = fit(answers, NONE).certainty
    shown = [found.of(mean, kind) for kind in (COUNT, YESNO) for mean in (0.95, 0.4)]
    assert shown == pytest.approx([0.6, 0.1, 0.95, 0.6], abs=0.05)


def test_a_description_is_doubted_by_the_certainty_that_it_has() -> None:
    about = QuestionKind.DESCRIPTION
    descriptions = np.linspace(0.2, 0.6, 101)[:, None].repeat(len(TEMPERATURES), axis=1)
    answers = planted(YESNO, 0.9, 0.9, 100) + planted(about, 0.5, 0.1, 60)
    found = fit(answers, descriptions).certainty
    assert found.doubt_long == pytest.approx(found.of(0.3, about), abs=0.01)
