from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mmgpt_desktop.settings import Settings, load_settings, save_settings

CHANGED = Settings(theme="dark", splitters=("YQ==", "Yg=="), opacity=0.25, smooth=False)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == Settings()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "settings.json"
    save_settings(path, CHANGED)
    assert load_settings(path) == CHANGED


def test_only_changes_are_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, Settings(theme="dark"))
    assert json.loads(path.read_text()) == {"theme": "dark"}
    save_settings(path, Settings())
    assert json.loads(path.read_text()) == {}


def test_a_file_that_notepad_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"theme": "dark"}')
    assert load_settings(path).theme == "dark"
    assert path.exists()


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"\xff\xfe", b"", b"null", DEEP, b'{"speeds": ' + DEEP, b'{"opacity": 1' * 9000],
)
def test_a_damaged_file_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert load_settings(path) == Settings()
    assert (tmp_path / "settings.json.damaged").read_bytes() == content
    assert not path.exists()


def test_unknown_keys_and_wrong_types_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    stored = {"theme": 3, "opacity": True, "smooth": 1, "splitters": [1], "colour": "x"}
    path.write_text(json.dumps({**stored, "language": "zh_CN", "last_folder": None}))
    assert load_settings(path) == replace(Settings(), language="zh_CN")


def test_whole_numbers_serve_as_floats(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"opacity": 1}')
    assert load_settings(path).opacity == 1.0


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-" + "9" * 400, "1e400", "NaN", "-Infinity"])
def test_numbers_beyond_all_sense_are_left_out(tmp_path: Path, number: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(
        f'{{"opacity": {number}, "speeds": {{"a": {number}, "b": 2}}, "theme": "dark"}}'
    )
    assert load_settings(path) == replace(Settings(), theme="dark", speeds={"b": 2.0})


def test_a_number_of_thousands_of_digits_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(f'{{"opacity": {"1" * 10_000}}}')
    assert load_settings(path) == Settings()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.json")
    assert load_settings(tmp_path / "settings.json") == Settings()


def test_a_folder_whose_name_is_no_unicode_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, Settings(last_folder="/caf\udce9"))
    assert load_settings(path).last_folder == "/caf\udce9"


def test_what_a_killed_program_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".settings-abc123").write_text("{")
    (tmp_path / "mine.part").write_text("precious")
    path = tmp_path / "settings.json"
    save_settings(path, CHANGED)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.part", "settings.json"]


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_nobody_else_reads_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, CHANGED)
    assert path.stat().st_mode & 0o077 == 0


def test_an_unreadable_file_is_left_alone(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()
    assert tmp_path.is_dir()


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, CHANGED)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("mmgpt_desktop.settings.json.dump", fail)
    with pytest.raises(OSError, match="disk full"):
        save_settings(path, Settings())
    assert load_settings(path) == CHANGED
    assert [file.name for file in tmp_path.iterdir()] == ["settings.json"]


def test_speeds_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_settings(path, Settings(speeds={"a": 1.5, "b": 2.0}))
    assert load_settings(path).speeds == {"a": 1.5, "b": 2.0}
    path.write_text('{"speeds": {"a": 3, "b": "fast", "c": true}}')
    assert load_settings(path).speeds == {"a": 3.0}
