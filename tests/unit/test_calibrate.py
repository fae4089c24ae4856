"""A temperature and a threshold for the certainty of answers."""

from __future__ import annotations

import numpy as np

from mmgpt_desktop.training.calibrate import TEMPERATURES, doubt_below, fit


def test_the_temperature_with_the_smallest_error_is_chosen() -> None:
    right = [True, True, False, False] * 30
    certainty = np.full((120, len(TEMPERATURES)), 0.95)
    certainty[:, TEMPERATURES.index(1.7)] = 0.5
    found = fit(certainty, right)
    assert found.temperature == 1.7
    assert found.questions == 120
    assert found.error < 0.01 < 0.4 < found.error_before


def test_without_answers_nothing_is_changed() -> None:
    found = fit(np.zeros((0, len(TEMPERATURES))), [])
    assert (found.temperature, found.doubt) == (1.0, 0.0)


def test_doubt_lies_where_answers_are_seldom_right() -> None:
    certainty = np.linspace(0, 1, 1001)
    random = np.random.default_rng(0)
    right = random.random(1001) < certainty
    doubt = doubt_below(certainty, list(right))
    below = right[certainty < doubt].mean()
    assert 0.3 < below < 0.37
    assert 0.55 < doubt < 0.8  # below it, the mean certainty is half of it


def test_nothing_is_doubted_where_all_is_right_or_little_is_known() -> None:
    certainty = np.linspace(0, 1, 100)
    assert doubt_below(certainty, [True] * 100) == 0
    assert doubt_below(certainty[:10], [False] * 10) == 0
