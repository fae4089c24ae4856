"""Pictures as a file manager or a browser drops them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QWidget


def picture_bytes(colour: str = "red", kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(stream, kind)
    return stream.getvalue()


def write_picture(path: Path, colour: str = "red") -> Path:
    path.write_bytes(picture_bytes(colour))
    return path


def addresses(*urls: QUrl | str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl(url) for url in urls])
    return mime


def files(*paths: Path) -> QMimeData:
    return addresses(*(QUrl.fromLocalFile(str(path)) for path in paths))


def drop(widget: QWidget, mime: QMimeData) -> bool:
    """What a file manager or a browser does: enter, then drop."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, mime, left, none)
    QGuiApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, mime, left, none)
    QGuiApplication.sendEvent(widget, event)
    return event.isAccepted()
