"""The stub itself: it fails when it is asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gpu.stub import build, run_on_stub


def opened(stub: Path, **environment: str) -> Any:
    return run_on_stub(stub, "tests.gpu.measures:opened", **environment)


def test_a_card_that_works(stub: Path) -> None:
    found = opened(stub)
    assert found["provider"] == "CUDAExecutionProvider"
    assert found["error"] is None
    assert 0 < found["bytes_held"] <= found["bytes_most"]
    assert found["left"] == 0, "all memory is given back"


@pytest.mark.parametrize("code", ["35", "100", "209"])
def test_no_device_can_be_chosen(stub: Path, code: str) -> None:
    assert f"CUDA failure {code}" in opened(stub, STUB_SET_DEVICE=code)["error"]


def test_memory_ends(stub: Path) -> None:
    found = opened(stub, STUB_MEMORY="1000")
    assert "Failed to allocate memory" in found["error"]
    assert found["bytes_most"] <= 1000


def test_an_error_from_a_call_on(stub: Path) -> None:
    calls = opened(stub)["calls"]
    assert opened(stub, STUB_FAIL="719", STUB_FAIL_FROM=str(calls + 1))["error"] is None
    assert "719" in opened(stub, STUB_FAIL="719", STUB_FAIL_FROM="1")["error"]


def test_a_library_can_be_left_out(stub: Path, tmp_path: Path) -> None:
    found = opened(build(tmp_path / "less", without=["libcublasLt.so.13"]))
    assert found["provider"] == "CPUExecutionProvider"
