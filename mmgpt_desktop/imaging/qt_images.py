"""What Qt knows of pictures: its images as Pillow has them, and colour profiles made of numbers.

With `second_reader` the engine's only use of Qt: import it when it is needed; it wants no
application.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColorSpace, QImage, QPixelFormat

from mmgpt_desktop.imaging.depth import to_8_bits


def pillow_image(image: QImage) -> Image.Image:
    """RGB or RGBA of 8 bits in memory of its own, with the profile that the image has."""
    formats, kinds = QImage.Format, QPixelFormat.TypeInterpretation
    if image.pixelFormat().typeInterpretation() == kinds.FloatingPoint:
        shown = _deep(image, formats.Format_RGBA32FPx4, np.float32)
    elif image.depth() > 32 or image.format() == formats.Format_Grayscale16:
        shown = _deep(image, formats.Format_RGBA64, np.uint16)
    else:
        clear = image.hasAlphaChannel()
        image = image.convertToFormat(formats.Format_RGBA8888 if clear else formats.Format_RGB888)
        mode, size = "RGBA" if clear else "RGB", image.size().toTuple()
        shown = Image.frombytes(mode, size, image.constBits(), "raw", mode, image.bytesPerLine())
    shown.info["icc_profile"] = bytes(image.colorSpace().iccProfile().data())
    return shown


def _deep(image: QImage, layout: QImage.Format, kind: type[np.generic]) -> Image.Image:
    """Of more than 8 bits: the colours in the range that is meant, what is transparent in all."""
    converted = image.convertToFormat(layout)
    values = np.frombuffer(converted.constBits(), kind).reshape(image.height(), -1, 4)
    values = values[:, : image.width()]
    shown = Image.fromarray(to_8_bits(values[..., :3]))
    if image.hasAlphaChannel():
        full = 1.0 if kind is np.float32 else 65535.0
        alpha = np.clip(values[..., 3].astype(np.float32) * (255.0 / full), 0, 255)
        shown.putalpha(Image.fromarray(alpha.round().astype(np.uint8)))
    return shown


def icc_profile(points: Sequence[float], curve: NDArray[np.float64]) -> bytes:
    """A profile of one curve (linear light, 0 to 1, of evenly spread values) and of the places x, y
    of red, green, blue and white; empty for colours that there are none of."""
    places = list(zip(points[::2], points[1::2], strict=True))
    if not all(x >= 0 and y > 0 and x + y <= 1 for x, y in places):  # Qt would warn of them
        return b""
    red, green, blue, white = (QPointF(x, y) for x, y in places)
    space = QColorSpace(white, red, green, blue, QColorSpace.TransferFunction.Linear)
    space.setTransferFunction((np.clip(curve, 0, 1) * 65535).round().astype(int).tolist())
    return bytes(space.iccProfile().data())
