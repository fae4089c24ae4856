"""Paths as people type and paste them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mmgpt_desktop import cli
from mmgpt_desktop.event.profile import read_profile
from mmgpt_desktop.paths import path_said

NAMES = ("photo.jpg", "two words.jpg", "100%.jpg", "a%20b.jpg", "what?.jpg", "no #1.jpg", "图.jpg")


@pytest.mark.parametrize("name", NAMES)
def test_an_address_of_a_file_is_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for address in (path.as_uri(), path.as_uri().replace("file://", "file://localhost", 1)):
        assert path_said(address) == path
    assert path_said(path.as_uri().replace("file://", f"FILE://{socket.gethostname()}", 1)) == path


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.jpg"
    assert path_said(path.as_uri()) == path


def test_marks_that_nobody_encoded_belong_to_the_name() -> None:
    assert path_said("file:///x/what?.jpg") == Path("/x/what?.jpg")
    assert path_said("file:///x/no #1.jpg") == Path("/x/no #1.jpg")
    assert path_said("file:/x/a.jpg") == Path("/x/a.jpg")


@pytest.mark.parametrize(
    "text", ["file://other.example/a.jpg", "file://[/a.jpg", "file:a.jpg", "http://x/a", "C:x", ""]
)
def test_what_is_no_file_here_stays_as_it_is(text: str) -> None:
    assert path_said(text) == Path(text)


def test_the_home_folder_is_meant_where_no_shell_has_seen_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert path_said("~/photo.jpg") == tmp_path / "photo.jpg"
    assert path_said("~") == tmp_path
    assert path_said("~lock.jpg") == Path("~lock.jpg")


def test_a_file_that_is_called_so_is_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "a.jpg").touch()
    (tmp_path / "file:").mkdir()
    (tmp_path / "file:" / "a.jpg").touch()
    assert path_said("~/a.jpg") == Path("~/a.jpg")
    assert path_said("file:/a.jpg") == Path("file:/a.jpg")


def test_commands_and_profiles_take_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "cards").mkdir()
    stand = tmp_path / "stands" / "stand.toml"
    stand.parent.mkdir()
    stand.write_text('[souvenir]\nfolder = "~/cards"\n', encoding="utf-8")
    assert read_profile(stand).souvenir.folder == tmp_path / "cards"
    (tmp_path / "note.jpg").write_text("no picture")
    assert cli.main(["ask", (tmp_path / "note.jpg").as_uri(), "What?", "--model=~/none"]) == 2
    said = capsys.readouterr().err
    assert "note.jpg" in said
    assert "no file" not in said  # it was found, and is no picture
    (tmp_path / "note.jpg").unlink()
    assert cli.main(["ask", "--no-image", "What?", "--model=~/none"]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
