"""What is said of a word follows from its bars, by one rule."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from mmgpt_desktop.attention.maps import LEAST_NEED, brightest, scale_of
from mmgpt_desktop.messages import MUCH, SOME, Check, Verdict
from mmgpt_desktop.methods import Method
from mmgpt_desktop.verdicts import VERDICTS

WHOLE = 0.8
BARS = tuple(WHOLE * part / 12 for part in range(0, 15, 2))  # also likelier than with all of it
GRID = [
    Check(Method.HEADS, 0, 1, WHOLE, hidden, (random, random), WHOLE, blind)
    for hidden, random, blind in itertools.product(BARS, repeat=3)
]
LADDER = [Verdict.LANGUAGE, Verdict.ANYWHERE, Verdict.PARTLY, Verdict.MATTERED]
LITTLE = 1e-9


def rank(check: Check) -> int:
    return LADDER.index(check.verdict)


def kept(bar: float) -> float:
    return bar / WHOLE


def test_a_verdict_gets_no_weaker_where_more_is_lost() -> None:
    for check in GRID:
        less = replace(check, hidden=max(0, check.hidden - 0.05))
        assert rank(less) >= rank(check), (check, less)
        assert check.blind is not None
        blinder = replace(check, blind=max(0, check.blind - 0.05))
        assert rank(blinder) >= rank(check), (check, blinder)
        chance = replace(check, random=tuple(max(0, each - 0.05) for each in check.random))
        assert rank(chance) <= rank(check), (check, chance)


def test_no_verdict_contradicts_a_bar() -> None:
    assert {check.verdict for check in GRID} == set(Verdict)
    for check in GRID:
        assert check.blind is not None
        random, verdict = check.random[0], check.verdict
        if verdict is Verdict.MATTERED:
            assert kept(check.hidden) <= 1 - MUCH + LITTLE
            assert kept(check.blind) <= 1 - MUCH + LITTLE, "it stays when all is hidden"
            assert kept(random) - kept(check.hidden) >= MUCH - LITTLE or kept(random) > 1
        elif verdict is Verdict.PARTLY:
            assert kept(check.hidden) <= 1 - SOME + LITTLE
            assert kept(check.blind) <= 1 - SOME + LITTLE
            assert check.hidden < random
        elif verdict is Verdict.ANYWHERE:
            assert kept(check.blind) <= 1 - SOME + LITTLE, "it says that it needs the picture"
        else:
            assert kept(check.blind) > 1 - SOME - LITTLE, "it is said to stay without it"


@pytest.mark.parametrize(
    ("hidden", "random", "blind", "verdict"),
    [
        (0.1, 0.8, 0.05, Verdict.MATTERED),
        (0.6, 0.75, 0.05, Verdict.PARTLY),
        (0.8, 0.8, 0.8, Verdict.LANGUAGE),
        (0.1, 0.1, 0.1, Verdict.ANYWHERE),
        (0.8, 0.8, 0.1, Verdict.ANYWHERE),
        (0.001, 0.006, 0.01, Verdict.ANYWHERE),  # hardly more is lost than by chance
        (0.4, 0.8, 0.67, Verdict.LANGUAGE),  # 67 of 80 % stay without the whole photo
        (0.4, 0.8, 0.6, Verdict.PARTLY),
        (0.9, 0.9, 0.9, Verdict.LANGUAGE),  # likelier than with the photo
    ],
)
def test_bars_and_their_verdict(
    hidden: float, random: float, blind: float, verdict: Verdict
) -> None:
    check = Check(Method.HEADS, 0, 1, WHOLE, hidden, (random, random), WHOLE, blind)
    assert check.verdict is verdict


@pytest.mark.parametrize(
    ("hidden", "random", "centre", "verdict"),
    [
        (0.1, 0.8, 0.8, Verdict.MATTERED),
        (0.8, 0.8, 0.8, Verdict.LANGUAGE),
        (0.8, 0.8, 0.1, Verdict.ANYWHERE),
        (0.1, 0.1, 0.1, Verdict.ANYWHERE),
    ],
)
def test_where_the_whole_photo_was_not_hidden_the_most_that_was_stands_for_it(
    hidden: float, random: float, centre: float, verdict: Verdict
) -> None:
    assert Check(Method.HEADS, 0, 1, WHOLE, hidden, (random,), centre).verdict is verdict


def test_a_word_of_no_probability_is_no_proof_of_anything() -> None:
    assert Check(Method.HEADS, 0, 1, 0.0, 0.0, (0.0,), 0.0, 0.0).verdict is Verdict.LANGUAGE


def test_each_verdict_has_a_sentence_of_its_own() -> None:
    assert len(set(VERDICTS.values())) == len(Verdict) == len(VERDICTS)


def test_the_map_knows_the_same_least_need_as_the_verdict() -> None:
    cells = np.array([[0.0, 0.06], [0.0, -1.0]], np.float32)
    assert scale_of(Method.OCCLUSION, cells) == (0.0, LEAST_NEED)
    assert 1 - np.exp(-LEAST_NEED) == pytest.approx(SOME)
    assert brightest(Method.OCCLUSION, cells, [0, 1]) == pytest.approx(0.06 / LEAST_NEED)
    assert brightest(Method.OCCLUSION, cells, [1], own=True) == 1
    assert brightest(Method.OCCLUSION, cells, [3]) == 0
    assert brightest(Method.OCCLUSION, cells, []) == 0
    assert brightest(Method.HEADS, np.full((2, 2), np.nan, np.float32), [1]) == 0
