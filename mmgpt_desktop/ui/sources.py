"""Pictures that a drag or the clipboard offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from mmgpt_desktop.download import is_web_address
from mmgpt_desktop.engine.kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES

# What an opening dialog offers first.
FILES = " ".join(f"*{suffix}" for suffix in (*PICTURE_SUFFIXES, *VIDEO_SUFFIXES))
# As they are in the file, in the order of preference: decoding them is left to the worker.
_ENCODED = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/tiff")
_IMAGE_TAG = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Sources:
    """At most one kind is set: files, a picture's bytes, its pixels, or its web address."""

    paths: tuple[Path, ...] = ()
    data: bytes = b""
    image: QImage | None = None
    url: str = ""

    def __bool__(self) -> bool:
        return bool(self.paths or self.data or self.image or self.url)


def offers_picture(mime: QMimeData) -> bool:
    """A cheap look at the formats: nothing is read."""
    if mime.hasImage() or any(mime.hasFormat(name) for name in _ENCODED):
        return True
    return any(url.isLocalFile() or is_web_address(_encoded(url)) for url in mime.urls())


def read_sources(mime: QMimeData) -> Sources:
    """Files first, then the picture itself, then its address."""
    paths = tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())
    if paths:
        return Sources(paths=paths)
    for name in _ENCODED:
        if mime.hasFormat(name) and (data := bytes(mime.data(name).data())):
            return Sources(data=data)
    if mime.hasImage():
        image = mime.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Sources(image=image)
    return Sources(url=_web_address(mime))


def _web_address(mime: QMimeData) -> str:
    """A browser's HTML names the picture itself; its URL may be the link around it."""
    if mime.hasHtml() and (match := _IMAGE_TAG.search(mime.html()[:100_000])):
        address = match.group(1).replace("&amp;", "&")
        if is_web_address(address):
            return address
    addresses = (_encoded(url) for url in mime.urls())
    return next((address for address in addresses if is_web_address(address)), "")


def _encoded(url: QUrl) -> str:
    return bytes(url.toEncoded().data()).decode("ascii")
