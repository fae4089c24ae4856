"""Pictures that a drag or the clipboard offers."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from mmgpt_desktop.errors import AppError, ImageError
from mmgpt_desktop.hub.web_picture import is_web_address
from mmgpt_desktop.imaging.file_kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from mmgpt_desktop.paths import file_here
from mmgpt_desktop.ui.pictures.addresses import is_address
from mmgpt_desktop.ui.pictures.html_pictures import LARGEST, bytes_written, picture_in, too_large

# What an opening dialog offers first; GTK's, which GNOME has, tells IMG.JPG from img.jpg.
_SUFFIXES = (*PICTURE_SUFFIXES, *VIDEO_SUFFIXES)
FILES = " ".join(f"*{form}" for suffix in _SUFFIXES for form in (suffix, suffix.upper()))
MOST_FILES = 100  # at a time
# As they are in the file, in the order of preference: decoding them is left to the worker.
_ENCODED = tuple(
    f"image/{kind}"
    for kind in ("png", "jpeg", "webp", "avif", "heic", "heif", "jxl", "bmp", "gif", "tiff")
)
_COPIED = (  # what file managers have beside or instead of text/uri-list
    "x-special/gnome-copied-files",
    "x-special/mate-copied-files",
    "x-special/nautilus-clipboard",
)
_TO_DO = re.compile(r"(?:x-special/[\w-]+\s+)?(?:copy|cut)\s+")  # and how these begin
_PORTAL = ("application/vnd.portal.filetransfer", "application/vnd.portal.files")
_PROMISED = "application/x-moz-file-promise-url"  # Firefox: the address of a picture in a link
_LONGEST_LIST = 4_000_000  # bytes
_LONGEST_TEXT, _MOST_LINES = 100_000, 1000  # that may be a list of paths
_QUOTED = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)')""")
_ABSOLUTE = re.compile(r"/[^/].*|~/.+|[A-Za-z]:[\\/].+")
_PRINTED = bytes(range(0x21, 0x7F))


@dataclass(frozen=True, eq=False)
class Sources:
    """At most one kind is set: files, a picture's bytes, its pixels, its web address, or why there
    is none. Of the files, those that are not on this computer are `elsewhere`, by their addresses.
    """

    paths: tuple[Path, ...] = ()
    data: bytes = b""
    image: QImage | None = None
    url: str = ""
    elsewhere: tuple[str, ...] = ()
    problem: AppError | None = None

    def __bool__(self) -> bool:
        found = self.paths or self.data or self.image or self.url or self.elsewhere
        return bool(found or self.problem)


def is_silent(mime: QMimeData) -> bool:
    """There is nothing, or on X11 a program owns the clipboard that hangs. Each further question
    to that one costs five seconds, in which the window stands still, and Qt puts dozens."""
    return not mime.formats()


def offers_picture(mime: QMimeData) -> bool:
    """A look at the formats; text is read where there is nothing else."""
    if is_silent(mime):
        return False
    if mime.hasImage() or any(map(mime.hasFormat, (*_ENCODED, *_COPIED, *_PORTAL))):
        return True
    if any(
        is_address(each) or is_web_address(each) or _is_written(each) for each in _addresses(mime)
    ):
        return True
    if mime.text().strip():
        return bool(_in_text(mime))
    return mime.hasHtml() and bool(_in_html(mime))


def is_files(mime: QMimeData) -> bool:
    """What is pasted is to be opened, though it comes with text that could be typed."""
    return bool(_files(_addresses(mime)) or _in_text(mime))


def read_sources(mime: QMimeData, *, by_text: bool = True) -> Sources:
    """Files here first, then the picture itself, then what names it, the link around it last.

    `by_text`: a text that is a file's path stands for the file.
    """
    if is_silent(mime):
        return Sources()
    addresses = _addresses(mime)
    files = _files(addresses)
    if files.paths:
        return files
    for name in _ENCODED:
        if mime.hasFormat(name) and (data := bytes(mime.data(name).data())):
            return Sources(data=data)
    if mime.hasImage():
        image = mime.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Sources(image=image)
    if found := _in_html(mime) or files or (by_text and _in_text(mime)):
        return found
    if any(map(mime.hasFormat, _PORTAL)):
        title = "The other program keeps its files to itself, so they can't be dropped here."
        return Sources(problem=ImageError(title, "Open them here, with Ctrl+O."))
    return _web(addresses) or _web([mime.text().strip()] if by_text else [])


def _addresses(mime: QMimeData) -> list[str]:
    """As they are written, for QUrl loses the names that are not UTF-8."""
    for name in ("text/uri-list", *_COPIED):
        listed = bytes(mime.data(name).data()).strip(b"\0 \r\n")
        if not _is_written(listed[:20].decode("ascii", "ignore")):
            listed = listed[:_LONGEST_LIST]
        if listed and b"\0" not in listed:
            return _lines(urllib.parse.quote_from_bytes(listed, _PRINTED + b" \r\n"))
    return [bytes(url.toEncoded().data()).decode("ascii") for url in mime.urls()]


def _lines(text: str) -> list[str]:
    """Of a list of addresses; with what a file manager is to do with them before it."""
    begun = _TO_DO.match(text)
    lines = (line.strip() for line in text[begun.end() if begun else 0 :].splitlines())
    return [line.replace(" ", "%20") for line in lines if line and not line.startswith("#")]


def _files(addresses: list[str]) -> Sources:
    found = [(each, file_here(each)) for each in addresses if is_address(each)]
    away = (each for each, path in found if path is None and not is_web_address(each))
    here = (path for _, path in found if path is not None)
    return Sources(paths=tuple(here), elsewhere=tuple(away))


def _in_html(mime: QMimeData) -> Sources:
    """Browsers and writing programs name the picture itself; the address may be a link's."""
    if not mime.hasHtml():
        return Sources()
    addresses = _addresses(mime)
    try:
        if mime.data("text/html").size() > 4 * LARGEST:
            raise too_large()
        named = picture_in(mime.html(), next(filter(is_web_address, addresses), ""))
    except ImageError as error:
        return Sources(problem=error)
    if named is None:
        return Sources()
    if isinstance(named, bytes):
        return Sources(data=named)
    path = file_here(named)
    if path is not None and named.lower().startswith("file:///"):  # on no server
        return Sources(paths=(path,))
    promised = bytes(mime.data(_PROMISED).data()).decode("utf-16-le", "ignore").strip("\0 \r\n")
    address = bytes(QUrl(named).toEncoded().data()).decode("ascii")
    own = [
        named if named.isascii() else address,
        promised,
        *filter(_names_picture, addresses),
    ]
    title = "This picture can't be taken out of its page."
    hint = "Copy the picture there and paste it here, or save it and open the file."
    return _web(own) or Sources(problem=ImageError(title, hint))


def _names_picture(address: str) -> bool:
    path = urllib.parse.urlsplit(address).path
    return f"*.{path.rpartition('.')[2].lower()}" in FILES.split()


def _in_text(mime: QMimeData) -> Sources:
    """Files that were copied as text: as addresses or, if they exist, as paths."""
    text = mime.text().strip() if mime.hasText() else ""
    if _is_written(text):
        return _web([text])
    if len(text) > _LONGEST_TEXT:
        return Sources()
    lines = _lines(text)
    if lines and all(each.lower().startswith("file:/") and is_address(each) for each in lines):
        return _files(lines)
    paths: list[Path] = []
    for line in filter(str.strip, text.splitlines()[: _MOST_LINES + 1]):
        found = _paths(line.strip())
        if not all(map(_is_file, found)) or len(paths) >= _MOST_LINES:
            return Sources()
        paths += found
    return Sources(paths=tuple(paths))


def _paths(line: str) -> list[Path]:
    """Of one line: a path, also with a shell's signs in it, or several in quotation marks."""
    quoted = [first or second for first, second in _QUOTED.findall(line)]
    names = quoted if quoted and not _QUOTED.sub("", line).strip() else [line]
    return [_path(name) if _ABSOLUTE.match(name) else Path() for name in names]


def _path(name: str) -> Path:
    path = Path(name).expanduser()
    return path if _is_file(path) else Path(re.sub(r"\\(.)", r"\1", name)).expanduser()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_written(address: str) -> bool:
    """The picture itself is in the address."""
    return address[:11].lower() == "data:image/"


def _web(addresses: list[str]) -> Sources:
    for address in addresses:
        if _is_written(address):
            try:
                return Sources(data=bytes_written(address))
            except ImageError as error:
                return Sources(problem=error)
        if is_web_address(address) and len(address.split()) == 1:
            return Sources(url=address)
    return Sources()
