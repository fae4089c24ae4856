"""Qt's reader for TIFF and BMP kinds that Pillow refuses, and for colours of 16 bits, of which
Pillow keeps 8. Import it when it is needed; it wants no application.
"""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLoggingCategory
from PySide6.QtGui import QImageReader

from mmgpt_desktop.imaging.qt_images import pillow_image
from mmgpt_desktop.imaging.readers import check_size

FORMATS = {"TIFF": b"tiff", "BMP": b"bmp", "PNG": b"png", "JPEG": b"jpeg"}
_MOST_BYTES = 400 << 20  # of a file
_MEGABYTES = 512  # of decoded pixels
_QUIET = "qt.imageformats*=false\nqt.gui.imageio*=false"


class _Buffer(QBuffer):
    """A damaged file's decoder asks for places behind its end, and QBuffer would warn of each."""

    def seek(self, pos: int) -> bool:
        return 0 <= pos <= self.size() and super().seek(pos)


def read(stream: BinaryIO, kind: str) -> Image.Image | None:
    """The whole picture, upright; or nothing. Raises Refused and Absurd.

    The format is what the first bytes named: Qt guesses nothing and loads no plug-in but that one.
    """
    stream.seek(0)
    data = stream.read(_MOST_BYTES + 1)
    if kind not in FORMATS or len(data) > _MOST_BYTES:
        return None
    QLoggingCategory.setFilterRules(_QUIET)
    QImageReader.setAllocationLimit(_MEGABYTES)
    buffer = _Buffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(FORMATS[kind]))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    check_size(kind, (reader.size().width(), reader.size().height()), "RGB", len(data))
    image = reader.read()
    del reader  # before the buffer that it reads from
    return None if image.isNull() else pillow_image(image)
