from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QFileOpenEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.hub import web_picture as download
from mmgpt_desktop.ui.application import FilesFromSystem
from mmgpt_desktop.ui.pictures.sources import Sources
from mmgpt_desktop.ui.widgets.notices import Notice
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask
from tests.gui.drops import addresses, drop, files, picture_bytes, write_picture
from tests.gui_fakes import make_image, make_photo


def shown_name(app: App) -> str:
    photo = app.chat.controller.conversation.photo
    return photo.name if photo else ""


def notice(app: App) -> Notice:
    return app.window.notices.current()[-1]


def press(of: Notice, text: str) -> None:
    button = next(b for b in of.findChildren(QPushButton) if b.text() == text)
    button.click()


@pytest.fixture
def web() -> Iterator[Callable[[bytes], str]]:
    """Serves bytes on this computer; gives their address."""
    servers: list[http.server.HTTPServer] = []

    def serve(data: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith(("/file", "/moved")):
                    there = "file:///etc/hostname" if self.path == "/file" else "/picture.png"
                    self.send_response(302)
                    self.send_header("Location", there)
                    self.end_headers()
                    return
                self.send_response(200 if data else 404)
                if self.path != "/endless":
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/a%20picture.png"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", ["plain.png", "with space.png", "emoji 🐈.png", "line\nbreak.png"])
def test_a_dropped_file_is_shown(qtbot: QtBot, app: App, tmp_path: Path, name: str) -> None:
    assert drop(app.window, files(write_picture(tmp_path / name)))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert shown_name(app).startswith(name[:4])
    assert app.window.image.view.isVisible()


def test_several_files_become_thumbnails(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    paths = [write_picture(tmp_path / f"{colour}.png", colour) for colour in ("red", "blue")]
    drop(app.window, files(*paths))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 2)
    thumbnails = app.window.image.thumbnails
    assert thumbnails.isVisible()
    assert thumbnails.count() == 2
    assert shown_name(app) == "blue.png"
    thumbnails.setCurrentRow(0)
    assert shown_name(app) == "red.png"


def test_thumbnails_follow_what_is_removed_and_brought_back(app: App) -> None:
    thumbnails = app.window.image.thumbnails

    def shown() -> list[str]:
        return [thumbnails.item(place).toolTip() for place in range(thumbnails.count())]

    for seed in range(5):
        app.pictures.photos.add(make_photo(seed=seed))
    app.pictures.photos.choose(2)
    assert thumbnails.currentRow() == 2
    app.pictures.photos.remove()
    assert shown() == [f"photo {seed}.png" for seed in (0, 1, 3, 4)]
    assert thumbnails.currentRow() == 2
    app.window.undo.undo()
    assert shown() == [f"photo {seed}.png" for seed in range(5)]
    assert thumbnails.currentRow() == 2


def test_a_clipboard_that_gives_nothing_is_said(app: App) -> None:
    app.pictures.photos.take_mime(None)
    assert notice(app).title.text() == "There is no picture to take."


def test_the_same_picture_is_not_kept_twice(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    path = write_picture(tmp_path / "red.png")
    for _ in range(2):
        with qtbot.waitSignal(app.pictures.photos.chosen):
            app.pictures.photos.open([path])
    assert app.pictures.photos.count == 1


def test_a_dropped_picture_without_a_file_is_shown(qtbot: QtBot, app: App) -> None:
    mime = QMimeData()
    mime.setImageData(make_image())
    assert drop(app.window, mime)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)


def test_encoded_bytes_of_a_browser_are_taken_as_they_are(qtbot: QtBot, app: App) -> None:
    mime = QMimeData()
    mime.setData("image/jpeg", picture_bytes(kind="JPEG"))
    assert drop(app.window, mime)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)


def test_a_browsers_picture_may_be_dropped_on_the_question_too(qtbot: QtBot, app: App) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("http://a.test/p.png")])
    mime.setText("http://a.test/p.png")
    assert drop(app.window.prompt.edit.viewport(), mime)
    assert notice(app).title.text() == "Download this picture?"
    assert app.window.prompt.edit.toPlainText() == ""


def test_text_may_be_dropped_on_the_question(qtbot: QtBot, app: App) -> None:
    mime = QMimeData()
    mime.setText("What is this?")
    assert drop(app.window.prompt.edit.viewport(), mime)
    assert app.window.prompt.edit.toPlainText() == "What is this?"


def test_text_is_not_taken_as_a_picture(app: App) -> None:
    mime = QMimeData()
    mime.setText("just words")
    assert not drop(app.window, mime)


@pytest.mark.parametrize("place", ["prompt", "answer", "picture"])
def test_ctrl_v_pastes_a_picture_from_anywhere(qtbot: QtBot, app: App, place: str) -> None:
    widget = {
        "prompt": app.window.prompt.edit,
        "answer": app.window.output.view,
        "picture": app.window.image.view,
    }[place]
    QGuiApplication.clipboard().setImage(make_image())
    qtbot.keyClick(widget, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert app.window.prompt.edit.toPlainText() == ""
    assert app.window.focusWidget() is app.window.prompt.edit


def test_pasting_nothing_useful_says_what_to_do(app: App) -> None:
    QGuiApplication.clipboard().setText("words")
    app.pictures.paste()
    assert notice(app).title.text() == "There is no picture to take."


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.png", b"this is no picture"),
        ("cut.jpg", picture_bytes(kind="JPEG")[:400]),
        ("empty.png", b""),
    ],
)
def test_a_bad_file_gets_a_sentence_and_loses_nothing(
    qtbot: QtBot, app: App, tmp_path: Path, name: str, data: bytes
) -> None:
    app.pictures.photos.add(make_photo())
    (tmp_path / name).write_bytes(data)
    app.pictures.photos.open([tmp_path / name, write_picture(tmp_path / "good.png")])
    qtbot.waitUntil(lambda: app.pictures.photos.count == 2)
    assert name in notice(app).title.text()
    assert shown_name(app) == "good.png"


def test_a_folder_and_a_missing_file_get_a_sentence(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    app.pictures.photos.open([tmp_path, tmp_path / "missing.png"])
    qtbot.waitUntil(lambda: len(app.window.notices.current()) == 2)
    assert app.pictures.photos.count == 0


def test_notes_of_a_picture_are_shown(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "pages.tiff", save_all=True, append_images=frames[1:])
    app.pictures.photos.open([tmp_path / "pages.tiff"])
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert "first of its 2 pages" in app.window.image.notes.text()


def test_removing_can_be_undone(qtbot: QtBot, app: App) -> None:
    for seed in (1, 2, 3):
        app.pictures.photos.add(make_photo(seed=seed))
    app.pictures.photos.choose(1)
    ask(qtbot, app)
    app.window.actions_by_name["remove"].trigger()
    assert (app.pictures.photos.count, shown_name(app)) == (2, "photo 3.png")
    press(notice(app), "Undo")
    assert (app.pictures.photos.count, shown_name(app)) == (3, "photo 2.png")
    assert len(app.chat.controller.conversation.turns) == 1


def test_removing_the_last_picture_shows_what_to_do(app: App) -> None:
    app.pictures.photos.add(make_photo())
    app.pictures.photos.remove()
    assert app.window.image.open_button.isVisible()
    assert app.chat.controller.conversation.photo is None


def test_delete_in_the_thumbnails_removes(qtbot: QtBot, app: App) -> None:
    for seed in (1, 2):
        app.pictures.photos.add(make_photo(seed=seed))
    qtbot.keyClick(app.window.image.thumbnails, Qt.Key.Key_Delete)
    assert app.pictures.photos.count == 1


def test_next_and_previous_go_round(app: App) -> None:
    for seed in (1, 2, 3):
        app.pictures.photos.add(make_photo(seed=seed))
    app.window.actions_by_name["next"].trigger()
    assert shown_name(app) == "photo 1.png"
    app.window.actions_by_name["previous"].trigger()
    assert shown_name(app) == "photo 3.png"


def test_a_web_picture_is_only_offered(qtbot: QtBot, app: App, web: Callable[[bytes], str]) -> None:
    assert drop(app.window, addresses(web(picture_bytes())))
    assert notice(app).title.text() == "Download this picture?"
    assert app.pictures.photos.count == 0
    press(notice(app), "Download")
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert shown_name(app) == "a picture.png"


def test_the_pictures_own_address_goes_before_the_link(app: App) -> None:
    mime = QMimeData()
    mime.setHtml(
        '<a href="http://a.test/page"><img class="x" src="http://a.test/p.png?a=1&amp;b=2"></a>'
    )
    mime.setUrls([QUrl("http://a.test/page")])
    app.pictures.photos.take_mime(mime)
    assert notice(app).hint.text() == "http://a.test/p.png?a=1&b=2"


def test_a_download_that_fails_is_told(qtbot: QtBot, app: App, web: Callable[[bytes], str]) -> None:
    app.pictures.photos.take_mime(addresses(web(b"")))
    press(notice(app), "Download")
    qtbot.waitUntil(
        lambda: any(
            "could not be downloaded" in each.title.text() for each in app.window.notices.current()
        )
    )


def test_a_redirect_to_a_file_is_refused(web: Callable[[bytes], str]) -> None:
    address = web(picture_bytes()).rpartition("/")[0] + "/file"
    with pytest.raises(ImageError, match="could not be downloaded"):
        download.download(address, lambda _: None, CancelToken())


def test_a_redirect_to_another_web_page_is_followed(web: Callable[[bytes], str]) -> None:
    address = web(picture_bytes()).rpartition("/")[0] + "/moved"
    assert download.download(address, lambda _: None, CancelToken()) == picture_bytes()


def test_the_size_may_be_unknown_but_has_a_limit(
    web: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, fractions = web(bytes(2000)).rpartition("/")[0] + "/endless", list[float]()
    assert download.download(address, fractions.append, CancelToken()) == bytes(2000)
    assert set(fractions) == {-1.0}
    monkeypatch.setattr(download, "LARGEST_DOWNLOAD", 1000)
    with pytest.raises(ImageError, match="larger than"):
        download.download(address, fractions.append, CancelToken())


@pytest.mark.parametrize("address", ["http://", "http://[::1", "http://a b.test/p.png"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ImageError, match="could not be downloaded"):
        download.download(address, lambda _: None, CancelToken())


def test_only_web_addresses_are_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Only http"):
        download.download(write_picture(tmp_path / "a.png").as_uri(), lambda _: None, CancelToken())


def test_too_large_a_download_is_refused(
    web: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST_DOWNLOAD", 1000)
    with pytest.raises(ImageError, match="larger than"):
        download.download(web(bytes(2000)), lambda _: None, CancelToken())


def test_a_download_reports_progress_and_can_be_cancelled(web: Callable[[bytes], str]) -> None:
    fractions: list[float] = []
    data = bytes(300_000)
    assert download.download(web(data), fractions.append, CancelToken()) == data
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        download.download(web(data), lambda _: cancel.cancel(), cancel)


def test_a_slow_picture_shows_progress_with_cancel(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(
        "mmgpt_desktop.ui.pictures.photos.open_file",
        lambda _path, _cancel: (gate.wait(10), (make_photo(),))[1],
    )
    app.pictures.photos.open([Path("slow.png")])
    qtbot.waitUntil(lambda: bool(app.window.notices.current()))
    assert notice(app).title.text() == "Opening slow.png…"
    assert notice(app).bar.isVisible()
    press(notice(app), "Cancel")
    gate.set()
    app.pictures.photos.take(Sources(data=picture_bytes()))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    assert shown_name(app) == "Pasted picture"


def test_a_file_that_the_system_hands_over_is_opened(
    qtbot: QtBot, qapp: QApplication, app: App, tmp_path: Path
) -> None:
    handed = FilesFromSystem(qapp)
    handed.opened.connect(app.pictures.photos.open)
    QApplication.sendEvent(qapp, QFileOpenEvent(str(write_picture(tmp_path / "a.png"))))
    QApplication.sendEvent(qapp, QFileOpenEvent(QUrl("https://example.org/a.png")))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    handed.deleteLater()
