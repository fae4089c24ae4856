"""The fuzzer itself: it tells apart what it is there to tell apart, and makes each case again."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mmgpt_desktop.errors import AppError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it forks, and reads /proc")
if sys.platform == "linux":
    from tests.benchmarks import fuzz
    from tests.benchmarks.in_child import Limits, Result, run

LIMITS = Limits(20, 100)


def refuse() -> None:
    raise AppError("No {what}.", what="file")


def fill() -> None:
    bytes(10**10)


def grow() -> None:
    bytearray(b"x" * 150_000_000)


def crash() -> None:
    ctypes.string_at(0)


def wait() -> None:
    time.sleep(60)


@pytest.mark.parametrize(
    ("work", "result", "said"),
    [
        (lambda: None, "opened", ""),
        (refuse, "refused", "No file."),
        (lambda: [][0], "bare error", "IndexError"),
        (fill, "over-memory", "MemoryError"),
        (grow, "over-memory", ""),
        (crash, "crash", "SIGSEGV"),
    ],
)
def test_what_comes_of_a_case_is_told_apart(
    work: Callable[[], None], result: str, said: str
) -> None:
    outcome = run(work, LIMITS)
    assert outcome.result == result
    assert said in outcome.said


def test_what_has_no_end_is_ended() -> None:
    assert run(wait, Limits(0.2, 100)).result is Result.HANG


def test_a_run_is_a_table_and_figures_and_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the kind whose files are quickest to make and to read."""
    file = tmp_path / "figures.json"
    told = []
    for _ in range(2):
        code = fuzz.main(["--seed", "7", "--cases", "3", "--json", str(file), "profile"])
        assert code == 0
        told.append(json.loads(file.read_text(encoding="utf-8"))["kinds"]["profile"])
    assert told[0]["cases"] == told[0]["opened"] + told[0]["refused"] == 3
    assert [each["refused"] for each in told] == [told[0]["refused"]] * 2
    heads, row = capsys.readouterr().out.splitlines()[:2]
    assert heads.split()[:4] == ["kind", "cases", "opened", "refused"]
    assert row.split()[:2] == ["profile", "3"]
