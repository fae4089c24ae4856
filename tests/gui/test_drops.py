"""What other programs drag into the window, or leave on the clipboard."""

from __future__ import annotations

import base64
import os
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.pictures import html_pictures, photos
from mmgpt_desktop.ui.pictures.sources import offers_picture, read_sources
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import notices
from tests.gui.drops import drop, files, picture_bytes, write_picture
from tests.gui.test_pictures import notice, shown_name
from tests.gui_fakes import make_image, make_photo

LINK = "https://shop.example/page-around-it"
WRITTEN = "data:image/png;base64," + base64.b64encode(picture_bytes()).decode()
posix = pytest.mark.skipif(os.name == "nt", reason="names and pipes of Unix")


def mime(**formats: str | bytes) -> QMimeData:
    """`text_html` is text/html."""
    names = {
        "gnome": "x-special/gnome-copied-files",
        "portal": "application/vnd.portal.filetransfer",
    }
    made = QMimeData()
    for name, data in formats.items():
        kind = names.get(name, name.replace("_", "/").replace("uri/list", "uri-list"))
        made.setData(kind, data.encode() if isinstance(data, str) else data)
    return made


def paste(app: App, pasted: QMimeData) -> str:
    """Into the question; what is typed there then."""
    app.window.prompt.edit.insertFromMimeData(pasted)
    return app.window.prompt.edit.toPlainText()


def test_a_picture_out_of_a_page_is_taken_and_not_the_page(qtbot: QtBot, app: App) -> None:
    dragged = mime(text_html=f'<a href="{LINK}"><img src="{WRITTEN}"></a>', text_plain=LINK)
    dragged.setUrls([QUrl(LINK)])
    assert drop(app.window, dragged)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert notices(app) == []


def test_an_address_out_of_a_page_is_asked_about(app: App) -> None:
    dragged = mime(text_html=f'<a href="{LINK}"><img src=/图.jpg></a>', text_plain=LINK)
    dragged.setUrls([QUrl(LINK)])
    assert drop(app.window, dragged)
    assert notices(app) == ["Download this picture?"]
    assert notice(app).hint.text() == "https://shop.example/%E5%9B%BE.jpg"


@pytest.mark.parametrize("link", [LINK, "https://shop.example/real.jpg"])
def test_a_page_is_never_offered_for_a_picture_that_only_it_has(app: App, link: str) -> None:
    dragged = mime(text_html=f'<a href="{link}"><img src="blob:https://a/1"></a>')
    dragged.setUrls([QUrl(link)])
    assert drop(app.window, dragged)
    asked = "Download this picture?" if link.endswith(".jpg") else "can't be taken out of its page"
    assert asked in notices(app)[0]


def test_firefox_names_the_picture_in_a_link_too(app: App) -> None:
    real = "https://a.example/real.jpg"
    dragged = mime(text_html='<img src="blob:https://a/1">')
    dragged.setData("application/x-moz-file-promise-url", real.encode("utf-16-le"))
    dragged.setUrls([QUrl(LINK)])
    assert read_sources(dragged).url == real


def test_a_chats_picture_file_in_html_is_opened(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    path = write_picture(tmp_path / "from QQ 猫.png")
    app.pictures.photos.take_mime(mime(text_html=f"<meta><img src='{path.as_uri()}'>"))
    qtbot.waitUntil(lambda: shown_name(app) == path.name)


def test_html_reaches_no_server_by_a_file_address() -> None:
    for address in ("file://evil.example/share/a.png", "smb://evil.example/share/a.png"):
        found = read_sources(mime(text_html=f'<img src="{address}">'))
        assert found.problem is not None
        assert not found.paths


def test_pixels_that_come_along_are_taken_before_an_address() -> None:
    copied = mime(text_html='<img src="https://a.example/a.jpg">')
    copied.setImageData(make_image())
    assert read_sources(copied).image is not None
    copied = mime(text_html='<img src="https://a.example/a.jpg">', image_heic=b"bytes")
    assert read_sources(copied).data == b"bytes"


def test_text_with_a_picture_in_it_is_typed_or_dropped_as_text(app: App) -> None:
    selected = mime(text_html=f'What <img src="{WRITTEN}"> is it?', text_plain="What is it?")
    assert paste(app, selected) == "What is it?"
    assert drop(app.window.prompt.edit.viewport(), selected)
    assert not offers_picture(selected)


def test_too_large_a_picture_in_html_is_said(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_pictures, "LARGEST", 64)
    app.pictures.photos.take_mime(mime(text_html=f'<img src="{WRITTEN}">'))
    assert "larger than" in notices(app)[0]


COPIED = {
    "gnome": lambda uri, path: {"gnome": f"copy\n{uri}"},
    "cut": lambda uri, path: {"gnome": f"cut\n{uri}\0", "text_plain": path},
    "nautilus": lambda uri, path: {"text_plain": f"x-special/nautilus-clipboard\ncopy\n{uri}\n"},
    "kde": lambda uri, path: {
        "text_uri-list": f"{uri}\r\n",
        "text_plain": uri,
        "application_x-kde-cutselection": "1",
    },
    "path": lambda uri, path: {"text_plain": path},
    "windows": lambda uri, path: {"text_plain": f'"{path}"\r\n'},
    "quoted": lambda uri, path: {"text_plain": f"'{path}' "},
    "shell": lambda uri, path: {"text_plain": path.replace(" ", "\\ ")},
    "address": lambda uri, path: {"text_plain": uri},
}


@posix
def test_a_copied_file_is_opened_where_questions_are_typed(
    qtbot: QtBot, app: App, tmp_path: Path
) -> None:
    for place, form in enumerate(COPIED):
        path = write_picture(tmp_path / f"a 猫 {form}.png", f"#{10 + place}0000")
        assert paste(app, mime(**COPIED[form](path.as_uri(), str(path)))) == ""
        qtbot.waitUntil(partial(lambda path: shown_name(app) == path.name, path))
    assert notices(app) == []


@posix
@pytest.mark.parametrize("form", ["gnome", "lines", "quoted"])
def test_several_copied_files_are_opened(qtbot: QtBot, app: App, tmp_path: Path, form: str) -> None:
    paths = [write_picture(tmp_path / f"{name} 1.png", name) for name in ("red", "blue")]
    if form == "gnome":
        copied = mime(gnome="\n".join(["copy", *(path.as_uri() for path in paths)]))
    elif form == "lines":
        copied = mime(text_plain="\n".join(map(str, paths)))
    else:
        copied = mime(text_plain=" ".join(f"'{path}'" for path in paths))
    assert paste(app, copied) == ""
    qtbot.waitUntil(lambda: app.pictures.photos.count == 2)


ORDINARY = (
    "Is it a cat and/or a dog?",
    "/imagine a cat",
    "/",
    "/tmp",
    "/no/such/file.png",
    "copy\nthat",
    "C:\\no\\such.png",
    "\\\\server\\share\\a.png",
    "//server/share/a.png",
    "https://a.example/a.png",
    "see file:///tmp/a.png",
    "'quoted'",
    "1/2\n/tmp",
)


def test_an_ordinary_text_stays_text(app: App) -> None:
    for text in ORDINARY:
        app.window.prompt.edit.clear()
        assert paste(app, mime(text_plain=text)) == text
    assert notices(app) == []


def test_a_picture_that_was_copied_as_its_address_is_opened(qtbot: QtBot, app: App) -> None:
    assert paste(app, mime(text_plain=WRITTEN)) == ""
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)


def test_a_web_address_is_asked_about_where_pictures_are_pasted(app: App) -> None:
    QGuiApplication.clipboard().setText(" https://a.example/a.png ")
    app.pictures.paste()
    assert notices(app) == ["Download this picture?"]


@posix
def test_names_of_any_bytes_and_computers_are_opened(
    qtbot: QtBot, app: App, tmp_path: Path
) -> None:
    folder = os.fsencode(tmp_path)
    for name, colour in ((b"caf\xe9.png", "red"), (b"\xff #1?.png", "blue")):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(picture_bytes(colour))
    listed = (
        b"# two of them\r\nfile://%b/caf%%E9.png\r\nfile://localhost%b/%%FF%%20%%231%%3F.png\r\n"
    )
    assert drop(app.window, mime(**{"text_uri-list": listed % (folder, folder)}))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 2)
    assert notices(app) == []


@pytest.mark.parametrize("address", ["sftp://me@host/a.png", "smb://nas/x/a.png", "trash:///a.png"])
def test_what_cannot_be_reached_is_said(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert drop(app.window, mime(**{"text_uri-list": f"{address}\r\n"}))
    assert notices(app) == ["Opening a.png…"]  # at once: a server may take its time
    qtbot.waitUntil(lambda: notices(app) != ["Opening a.png…"])
    assert "a.png is" in notices(app)[0]


@posix
def test_what_a_desktop_has_mounted_is_opened(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "gvfs" / "mtp:host=Pixel_7" / "DCIM"
    folder.mkdir(parents=True)
    write_picture(folder / "phone.png")
    drop(app.window, mime(**{"text_uri-list": "mtp://Pixel_7/DCIM/phone.png\r\n"}))
    qtbot.waitUntil(lambda: shown_name(app) == "phone.png")
    assert notices(app) == []


@posix
def test_files_here_and_elsewhere_have_their_outcomes_each(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    here = write_picture(tmp_path / "here.png").as_uri()
    drop(app.window, mime(**{"text_uri-list": f"smb://nas/x/away.png\r\n{here}\r\n"}))
    qtbot.waitUntil(
        lambda: app.pictures.photos.count == 1 and "away.png is not" in notices(app)[-1]
    )


def test_files_that_a_sandbox_keeps_are_said(app: App) -> None:
    assert drop(app.window, mime(portal=b"1234"))
    assert "keeps its files to itself" in notices(app)[0]


@posix
def test_pipes_and_devices_stop_nothing(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    drop(
        app.window,
        files(tmp_path / "pipe.png", Path("/dev/zero"), write_picture(tmp_path / "a.png")),
    )
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert notices(app) == ["pipe.png is not an ordinary file.", "zero is not an ordinary file."]
    assert paste(app, mime(text_plain=str(tmp_path / "pipe.png"))).endswith("pipe.png")


def test_ten_thousand_files_are_too_many_at_a_time(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def open_one(path: Path, _cancel: object) -> tuple[object, ...]:
        opened.append(path)
        return (make_photo(seed=len(opened)),)

    monkeypatch.setattr(photos, "open_file", open_one)
    drop(app.window, files(*(Path(f"/a/{number}.png") for number in range(10_000))))
    assert notices(app) == ["Only the first 100 of 10000 files are opened."]
    qtbot.waitUntil(lambda: app.pictures.photos.count == len(opened) == 100)
