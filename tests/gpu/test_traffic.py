"""What crosses the bus for a token of mmgpt-mini on a graphics card."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.resources import mini_path
from tests.gpu.stub import run_on_stub

TOKENS = 40


@pytest.mark.parametrize("fusion", ["concat", "cross_attention", "graph"])
def test_picture_and_cache_stay_on_the_card(stub: Path, fusion: str) -> None:
    given = str(mini_path()), fusion, TOKENS
    _, *steps = run_on_stub(stub, "tests.gpu.measures:traffic", *given)
    assert len(steps) == TOKENS
    for step in steps:
        assert step["uploads"] + step["downloads"] <= 10
        assert step["waits"] <= 2
        assert 50_000 < step["bytes_up"] + step["bytes_down"] <= 100_000, "the logits come down"
        assert step["launches"] > 300
    assert steps[0] == steps[-1], "no growth with the length of the answer"
