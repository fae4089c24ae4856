"""The organiser's numbers, and the PIN."""

from __future__ import annotations

import csv
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event import numbers as module
from mmgpt_desktop.event.numbers import HEADER, Log
from mmgpt_desktop.event.pin import hash_pin, is_hash, matches
from mmgpt_desktop.event.profile import Numbers
from tests.fakes import make_photo

NOON = datetime(2026, 5, 1, 12, 30)
ONE = datetime(2026, 5, 1, 13, 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "numbers.csv"


def log_at(file: Path, time: datetime = NOON, **kept: bool | Path) -> Log:
    pictures = kept.get("pictures")
    folder = pictures if isinstance(pictures, Path) else None
    return Log(Numbers(file, bool(kept.get("texts")), folder), lambda: time)


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_an_hour_is_a_row(file: Path) -> None:
    log = log_at(file)
    log.visitor()
    log.question(0.4, 2)
    log.question(0.5, 3)
    log.question(2.0, 4)
    log.error("engine")
    assert rows(file) == [
        list(HEADER),
        ["2026-05-01 12:00", "1", "3", "0.50", "3.00", "1", "engine 1"],
    ]


def test_the_next_hour_is_the_next_row(file: Path) -> None:
    times = [NOON, NOON, ONE, ONE]
    log = Log(Numbers(file, False, None), lambda: times.pop(0))
    log.visitor()
    log.question(1, 2)
    log.visitor()
    log.error("camera")
    assert rows(file)[1:] == [
        ["2026-05-01 12:00", "1", "1", "1.00", "2.00", "0", ""],
        ["2026-05-01 13:00", "1", "0", "", "", "1", "camera 1"],
    ]


def test_a_restart_goes_on_counting(file: Path) -> None:
    before = log_at(file)
    before.visitor()
    for first_word in (1, 1, 9):
        before.question(first_word, 10)
    before.error("engine")
    before.error("camera")
    after = log_at(file)
    after.visitor()
    after.question(5, 20)
    after.error("engine")
    name, *counted = rows(file)[1]
    assert name == "2026-05-01 12:00"
    assert counted == ["2", "4", "1.00", "10.00", "3", "camera 1, engine 2"]
    assert len(rows(file)) == 2


def test_many_threads_count_each_once(file: Path) -> None:
    log = log_at(file)
    calls: list[Callable[[], None]] = [
        log.visitor,
        lambda: log.question(0.5, 1),
        lambda: log.error("engine"),
    ]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(call) for call in calls * 40]:
            done.result()
    assert rows(file)[1][1:] == ["40", "40", "0.50", "1.00", "40", "engine 40"]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_full_disk_is_one_warning_and_loses_no_count(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise AppError("The file {name} can't be written ({reason}).", name=path.name, reason="no")

    log = log_at(file)
    log.visitor()
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(module, "write", full)
        log.visitor()
        log.question(1, 2)
        log.error("engine")
    assert len(caplog.records) == 1
    assert "can't be written" in caplog.text
    log.visitor()
    assert rows(file)[1][1:] == ["3", "1", "1.00", "2.00", "1", "engine 1"]


def test_hours_of_a_full_disk_are_written_later(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [NOON, ONE]
    log = Log(Numbers(file, False, None), lambda: times.pop(0))
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    log.visitor()
    assert not file.exists()
    monkeypatch.setattr(Path, "write_bytes", real)
    log.visitor()
    assert [row[:2] for row in rows(file)[1:]] == [
        ["2026-05-01 12:00", "1"],
        ["2026-05-01 13:00", "1"],
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"hour;visitors\n2026-05-01 12:00;7\n",
        b"hour,visitors\n2026-05-01 12:00,7\n",
        (",".join(HEADER) + "\n2026-05-01 12:00,many,0,,,0,\n").encode(),
        (",".join(HEADER) + "\n2026-05-01 12:00,1\n").encode(),
        (",".join(HEADER) + "\n2026-05-01 12:00,1,1,1,1,1,,9\n").encode(),
        b"\xff\xfe\x00",
        b'hour,"a',
    ],
)
def test_what_another_program_made_of_the_file_is_kept(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    log_at(file).visitor()
    assert (file.parent / "numbers-20260501-123000.csv").read_bytes() == data
    assert rows(file)[1:] == [["2026-05-01 12:00", "1", "0", "", "", "0", ""]]


def test_a_folder_that_is_gone_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_at(tmp_path / "gone" / "numbers.csv", texts=True, pictures=tmp_path / "gone")
    log.visitor()
    log.question(1, 2, "What is this?")
    log.picture(make_photo())
    assert "can't be written" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_lost_folder_of_pictures_is_one_warning(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_at(file, pictures=file.parent / "gone")
    for _ in range(3):
        log.picture(make_photo())
        log.visitor()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert rows(file)[1][1] == "3"


def test_nothing_private_is_kept_by_default(file: Path) -> None:
    log = log_at(file)
    log.question(0.5, 1, "Is this Ana?")
    log.error("Ana's photo 1234")
    log.picture(make_photo())
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    text = file.read_text()
    assert "Ana?" not in text
    assert "1234" not in text


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = Log(Numbers(None, False, None))
    log.visitor()
    log.question(1, 2, "What?")
    log.error("engine")
    log.picture(make_photo())
    assert list(tmp_path.iterdir()) == []


def test_texts_are_kept_where_the_profile_says_so(file: Path) -> None:
    log = log_at(file, texts=True)
    log.question(1, 2, 'What is "this", 猫?')
    log.question(1, 2, "=1+1\x1b")
    log.question(1, 2)
    assert rows(file.with_name("numbers-texts.csv")) == [
        ["time", "question"],
        ["2026-05-01 12:30:00", 'What is "this", 猫?'],
        ["2026-05-01 12:30:00", "'=1+1\ufffd"],
    ]


def test_pictures_are_kept_where_the_profile_says_so(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    log = log_at(file, pictures=folder)
    for value in (10, 200):
        log.picture(make_photo(value=value))
    assert len(list(folder.iterdir())) == 2
    for path in folder.iterdir():
        assert path.name.startswith("20260501-123000-")
        with Image.open(path) as picture:
            assert int(np.asarray(picture)[0, 0, 0]) in (10, 200)


def test_a_pin_fits_its_own_hashes_only() -> None:
    one, other = hash_pin("2468"), hash_pin("2468")
    assert one != other
    assert is_hash(one)
    assert matches("2468", one)
    assert matches("2468", other)
    for wrong in ("2469", "", "24680", " 2468", "２４６８"):  # noqa: RUF001
        assert not matches(wrong, one)
    assert "2468" not in one


def test_a_hash_that_would_take_for_ever_is_none() -> None:
    salt, digest = "A" * 22, "A" * 43
    for line in (
        "",
        "2468",
        hash_pin("1")[:-1],
        hash_pin("1") + "\n",
        f"$scrypt$ln=30,r=8,p=1${salt}${digest}",
        f"$scrypt$ln=0,r=8,p=1${salt}${digest}",
        f"$scrypt$ln=14,r=99,p=1${salt}${digest}",
        f"$scrypt$ln=14,r=8,p=9${salt}${digest}",
        f"$scrypt$ln=14,r=8,p=1${salt}$é{digest[1:]}",
    ):
        assert not is_hash(line)
        assert not matches("2468", line)
