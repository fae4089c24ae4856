"""Files are written whole, or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.writing import beside, not_kept, replacing, sweep, write

UNIX = pytest.mark.skipif(os.name == "nt", reason="modes and links of Unix")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    for data in (b"first", b"second"):
        write(tmp_path / "a.bin", data)
        assert (tmp_path / "a.bin").read_bytes() == data
    assert len(list(tmp_path.iterdir())) == 1


def test_the_users_own_part_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"precious")
    write(tmp_path / "a.bin", b"data")
    assert (tmp_path / "a.bin.part").read_bytes() == b"precious"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), ValueError("broken")])
def test_a_failure_leaves_what_stood_there(tmp_path: Path, failure: Exception) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"precious")
    with pytest.raises(AppError, match="can't be written"):
        _fail(path, failure)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def _fail(path: Path, failure: Exception) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(b"half")
        raise failure


def test_another_failure_leaves_no_litter_either(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), beside(tmp_path / "a.bin"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_before_the_old_file_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"precious")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AppError, match="No space left on device"):
        write(path, b"data")
    assert path.read_bytes() == b"precious"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / ("x" * 255), b"data")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"data"


@UNIX
def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(tmp_path / "elsewhere" / "a.bin")
    write(tmp_path / "link.bin", b"new")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "elsewhere" / "a.bin").read_bytes() == b"new"


@UNIX
def test_who_may_read_a_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640
    write(path, b"secret", private=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_what_was_forgotten_is_swept_away(tmp_path: Path) -> None:
    long_ago = time.time() - 10_000
    for name in ("a.part", ".mmgpt-0123.part", ".settings-x1", "settings.json"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    for name in (".teaching-ab", "teaching"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / ".teaching-cd").mkdir()
    (tmp_path / ".mmgpt-4567.part").touch()  # somebody is writing it
    sweep(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".mmgpt-4567.part", ".teaching-cd", "a.part", "settings.json", "teaching"]
    sweep(tmp_path / "gone")


def test_what_cant_be_kept_says_what_is_forgotten() -> None:
    said = str(not_kept(OSError(30, "Read-only file system")))
    assert "(Read-only file system)" in said
    assert "forgotten" in said
    again = str(not_kept(AppError("The file {n} can't be written.", n="x", reason="it is full")))
    assert "(it is full)" in again
