"""Addresses of files become the files where a desktop has them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.paths import file_here
from mmgpt_desktop.ui.pictures.addresses import is_address, mounted

posix = pytest.mark.skipif(os.name == "nt", reason="paths of Unix")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where desktops mount, and the trash is."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "run"


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    return path


@posix
@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///a/b%20c.png", "/a/b c.png"),
        ("file:/a/b.png", "/a/b.png"),
        ("FILE://localhost/a/b.png", "/a/b.png"),
        ("file://127.0.0.1/a.png", "/a.png"),
        ("file:///a/%E7%8C%AB#1?.png", "/a/猫#1?.png"),
        ("file:///a/caf%E9.png", os.fsdecode(b"/a/caf\xe9.png")),
        ("file:///a/100%.png", "/a/100%.png"),
    ],
)
def test_a_file_here_has_its_path(address: str, path: str) -> None:
    assert file_here(address) == Path(path)


@posix
def test_this_computers_own_name_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Desk.home.example")
    assert file_here("file://desk/a.png") == Path("/a.png")
    assert file_here("file://desk.HOME.example/a.png") == Path("/a.png")
    assert file_here("file://other/a.png") is None


@pytest.mark.parametrize(
    "text", ["sftp://a/b.png", "mtp:/Phone/a.jpg", "trash:///a", "x-y+z://a/b"]
)
def test_what_is_elsewhere_is_an_address(text: str) -> None:
    assert is_address(text)
    assert file_here(text) is None


@pytest.mark.parametrize(
    "text", ["", "and/or", "mailto:a@b", "tel:1", "javascript:a/b", "/a", "C:/a"]
)
def test_what_is_no_file_is_none(text: str) -> None:
    assert not is_address(text)
    assert file_here(text) is None


@posix
@pytest.mark.parametrize(
    ("address", "mount"),
    [
        ("smb://nas/Photos/2024/a%20b.jpg", "gvfs/smb-share:server=nas,share=photos/2024/a b.jpg"),
        ("smb://me@NAS/photos/a.jpg", "gvfs/smb-share:server=nas,share=photos,user=me/a.jpg"),
        ("sftp://me@box:2222/home/a.jpg", "gvfs/sftp:host=box,port=2222,user=me/home/a.jpg"),
        (
            "davs://c.example/dav/me/a.jpg",
            "gvfs/dav:host=c.example,ssl=true,prefix=%2Fdav/me/a.jpg",
        ),
        ("mtp://Pixel_7_1A/DCIM/a.jpg", "gvfs/mtp:host=Pixel_7_1A/DCIM/a.jpg"),
        ("gphoto2://[usb:001,005]/D/a.jpg", "gvfs/gphoto2:host=%5Busb%3A001%2C005%5D/D/a.jpg"),
        ("google-drive://me@g.example/x/a", "gvfs/google-drive:host=g.example,user=me/x/a"),
        ("smb://nas/photos/a.jpg", "kio-fuse-AbCdEf/smb/nas/photos/a.jpg"),
        ("sftp://me@box/home/a.jpg", "kio-fuse-AbCdEf/sftp/me@box/home/a.jpg"),
    ],
)
def test_what_a_desktop_has_mounted_is_a_file(runtime: Path, address: str, mount: str) -> None:
    path = made(runtime / mount)
    assert mounted(address).samefile(path)


@posix
@pytest.mark.parametrize("address", ["trash:///a%20b.png", "trash:/0-a%20b.png"])
def test_what_was_thrown_away_is_still_there(tmp_path: Path, address: str) -> None:
    path = made(tmp_path / "data" / "Trash" / "files" / "a b.png")
    assert mounted(address).samefile(path)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sftp://me@host/x/a.png", "a.png is not on this computer"),
        ("smb://nas/photos/%E7%8C%AB.png", "猫.png is not on this computer"),
        ("file://other/a.png", "a.png is not on this computer"),
        ("trash:///a.png", "a.png is in the trash"),
        ("mtp://Phone/%00.png", "is not on this computer"),
    ],
)
def test_what_is_out_of_reach_is_said(runtime: Path, address: str, said: str) -> None:
    made(runtime / "gvfs" / "sftp:host=host,user=somebody-else" / "x" / "a.png")
    with pytest.raises(ImageError) as caught:
        mounted(address)
    assert said in str(caught.value)
