"""The mean of two models' weights."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.training.average import average


@pytest.fixture
def two(tiny_model: MMGPTForConditionalGeneration, tmp_path: Path) -> tuple[Path, Path]:
    other = deepcopy(tiny_model)
    with torch.no_grad():
        other.embedding.weight += 4
    for model, name in ((tiny_model, "one"), (other, "other")):
        model.save_pretrained(tmp_path / name)
    return tmp_path / "one", tmp_path / "other"


def test_shares_are_relative_to_their_sum(
    tiny_model: MMGPTForConditionalGeneration, two: tuple[Path, Path], tmp_path: Path
) -> None:
    one, other = two
    mean = MMGPTForConditionalGeneration.from_pretrained(
        average([(one, 3.0), (other, 1.0)], tmp_path / "mean")
    )
    assert torch.allclose(mean.embedding.weight, tiny_model.embedding.weight + 1, atol=1e-5)
    assert torch.equal(mean.names.tokens, tiny_model.names.tokens)
    assert torch.allclose(mean.cells.fine.weight, tiny_model.cells.fine.weight)


def test_a_mean_with_a_learnt_encoder_has_one(
    tiny_model: MMGPTForConditionalGeneration, two: tuple[Path, Path], tmp_path: Path
) -> None:
    one, other = two
    assert not MMGPTConfig.from_pretrained(
        average([(one, 1), (other, 1)], tmp_path / "plain")
    ).tuned
    learnt = deepcopy(tiny_model)
    learnt.config.tuning = 0.5
    learnt.save_pretrained(other)
    assert MMGPTConfig.from_pretrained(average([(one, 1), (other, 1)], tmp_path / "mean")).tuned


@pytest.mark.parametrize("share", [-0.1, 0.0, float("nan")])
def test_shares_that_mean_nothing_are_refused(
    two: tuple[Path, Path], tmp_path: Path, share: float
) -> None:
    with pytest.raises(AppError, match="shares"):
        average([(two[0], share), (two[1], 0.0)], tmp_path / "mean")
