"""A temperature and a threshold for the certainty of answers."""

from __future__ import annotations

import numpy as np
import pytest

from mmgpt_desktop.training.calibrate import DOUBTED, TEMPERATURES, fit, platt

NONE = np.zeros((0, len(TEMPERATURES)))


def test_the_temperature_that_tells_right_from_wrong_is_chosen() -> None:
    right = [True, True, False, False] * 30
    certainty = np.full((120, len(TEMPERATURES)), 0.95)
    certainty[:, TEMPERATURES.index(1.7)] = [0.8 if each else 0.2 for each in right]
    found = fit(certainty, right, NONE)
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
    found = fit(means[:, None].repeat(len(TEMPERATURES), axis=1), right, NONE)
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
    found = fit(NONE, [], NONE).certainty
    assert (found.temperature, found.doubt, found.doubt_long) == (1.0, 0.0, 0.0)


def test_the_least_certain_quarter_of_the_descriptions_is_doubted() -> None:
    certainty = np.full((120, len(TEMPERATURES)), 0.5)
    descriptions = np.linspace(0.2, 0.6, 101)[:, None].repeat(len(TEMPERATURES), axis=1)
    found = fit(certainty, [True, False] * 60, descriptions).certainty
    assert (found.doubt, found.doubt_long) == (DOUBTED, 0.3)
