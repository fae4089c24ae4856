from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmgpt_desktop.engine.cores import physical_cores


@pytest.fixture(autouse=True)
def all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux tells of siblings")
def test_hyper_threads_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def siblings(path: Path) -> str:
        number = int(path.parts[-3].removeprefix("cpu"))
        return f"{number % 4},{number % 4 + 4}"

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(Path, "read_text", siblings)
    assert physical_cores() == 4


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux tells of siblings")
def test_without_word_of_siblings_each_is_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 5})
    monkeypatch.setattr(Path, "read_text", unknown)
    assert physical_cores() == 3


def test_elsewhere_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert physical_cores() == 1


@pytest.mark.parametrize(
    ("said", "cores"), [("2", 2), ("3,1", 3), ("64", 4), ("0", 4), ("many", 4), ("", 4)]
)
def test_no_more_than_openmp_is_told(
    said: str, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert physical_cores() == cores
