"""How much of a graphics card's memory mmgpt-mini takes, and that it gives all of it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.stub import run_on_stub

SWITCHES = 5
AT_WORK = 16_000_000  # bytes: the image encoder's maps of a photo, and the cache


@pytest.fixture(scope="module")
def loads(stub: Path) -> list[dict[str, int]]:
    found: list[dict[str, int]] = run_on_stub(stub, "tests.gpu.memory:switches", SWITCHES)
    return found


def test_it_takes_little_beside_its_weights(loads: list[dict[str, int]]) -> None:
    for each in loads:
        assert each["tokens"] == 40
        assert each["weights"] > 100_000_000
        assert each["weights"] <= each["loaded"] <= each["answered"] <= each["most"]
        assert each["most"] <= 1.1 * each["weights"] + AT_WORK


def test_all_is_given_back_at_each_switch(loads: list[dict[str, int]]) -> None:
    assert [each["closed"] for each in loads] == [0] * SWITCHES
    assert len({each["most"] for each in loads}) == 1
