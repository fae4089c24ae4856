"""Which heads a bundle shows."""

from __future__ import annotations

from mmgpt_desktop.training.head_scores import HeadScores


def test_the_best_heads_are_chosen_and_their_score_is_told() -> None:
    heads = HeadScores([[0.1, 0.5], [0.2, 0.4]], 0.05, 77)
    assert heads.best() == [[0, 1], [1, 1], [1, 0]]
    assert "77 things" in str(heads.how())
    assert "50 %, 40 %, 20 %" in str(heads.how())
