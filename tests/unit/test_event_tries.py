from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmgpt_desktop.event.pin_tries import Tries

PROFILE = Path("stand.toml")


def test_wrong_pins_are_counted_over_restarts(tmp_path: Path) -> None:
    for wrong in (1, 2, 3):
        Tries(tmp_path / "event", PROFILE).begin()
        assert Tries(tmp_path / "event", PROFILE).wrong == wrong
    Tries(tmp_path / "event", PROFILE).succeed()
    assert Tries(tmp_path / "event", PROFILE).wrong == 0


def test_each_event_counts_for_itself(tmp_path: Path) -> None:
    Tries(tmp_path, PROFILE).begin()
    assert Tries(tmp_path, Path("other.toml")).wrong == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 5000,
        b'{"wrong": -1}',
        b'{"wrong": 1e9}',
    ],
)
def test_a_damaged_count_is_none(tmp_path: Path, content: bytes) -> None:
    Tries(tmp_path, PROFILE).begin()
    next(tmp_path.iterdir()).write_bytes(content)
    assert Tries(tmp_path, PROFILE).wrong == 0


def test_where_it_cant_be_kept_it_lasts_as_long_as_the_program(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tries = Tries(tmp_path / "file" / "event", PROFILE)
    tries.begin()
    tries.begin()
    assert tries.wrong == 2
    assert Tries(tmp_path / "file" / "event", PROFILE).wrong == 0


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_it_is_nobody_elses(tmp_path: Path) -> None:
    Tries(tmp_path / "event", PROFILE).begin()
    (file,) = (tmp_path / "event").iterdir()
    assert file.stat().st_mode & 0o077 == 0
