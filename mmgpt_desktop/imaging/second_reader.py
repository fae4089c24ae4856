"""Qt's reader for TIFF and BMP kinds that Pillow refuses, and for colours of 16 bits, of which
Pillow keeps 8. The engine's only use of Qt: import it when it is needed; it wants no application.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLoggingCategory
from PySide6.QtGui import QImage, QImageReader, QPixelFormat

from mmgpt_desktop.imaging.depth import to_8_bits
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
    return None if image.isNull() else _pillow_image(image)


def _pillow_image(image: QImage) -> Image.Image:
    formats = QImage.Format
    floats = (
        image.pixelFormat().typeInterpretation() == QPixelFormat.TypeInterpretation.FloatingPoint
    )
    if floats:
        values = _array(image.convertToFormat(formats.Format_RGBA32FPx4), np.float32)
    elif image.depth() > 32 or image.format() == formats.Format_Grayscale16:
        values = _array(image.convertToFormat(formats.Format_RGBA64), np.uint16)
    else:
        values = _array(image.convertToFormat(formats.Format_RGBA8888), np.uint8)
    pixels = values[..., :3] if values.dtype == np.uint8 else to_8_bits(values[..., :3])
    shown = Image.fromarray(np.ascontiguousarray(pixels))
    if image.hasAlphaChannel():
        full = 1.0 if floats else np.iinfo(values.dtype).max
        alpha = np.clip(values[..., 3].astype(np.float32) * (255.0 / full), 0, 255)
        shown.putalpha(Image.fromarray(alpha.round().astype(np.uint8)))
    shown.info["icc_profile"] = bytes(image.colorSpace().iccProfile().data())
    return shown


def _array(image: QImage, kind: type[np.generic]) -> NDArray[Any]:
    """[height, width, 4], in memory of its own."""
    rows = np.frombuffer(image.constBits(), kind).reshape(image.height(), -1)
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()
