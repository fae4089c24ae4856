"""The card and the code for phones, as large as there is room."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mmgpt_desktop.event.qr import QUIET, modules
from mmgpt_desktop.ui.widgets.theme import Theme


def as_image(sheet: Image.Image) -> QImage:
    """With memory of its own."""
    rgb = QImage.Format.Format_RGB888
    return QImage(sheet.tobytes(), sheet.width, sheet.height, 3 * sheet.width, rgb).copy()


class CardView(QWidget):
    """The card as it will be on paper, with an edge around it; nothing while there is none."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.image, self.small = QImage(), QImage()
        both = QSizePolicy.Policy.Expanding
        self.setSizePolicy(both, both)
        self.setMinimumSize(120, 120)
        theme.changed.connect(self.update)

    def show_card(self, image: QImage | None) -> None:
        self.image, self.small = image or QImage(), QImage()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self.image.isNull():
            return
        ratio = self.devicePixelRatioF()
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        if self.small.size() != size * ratio:
            self.small = self.image.scaled(
                size * ratio,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        place = QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())
        place.moveTop((self.height() - size.height()) // 2)
        painter = QPainter(self)
        painter.drawImage(place, self.small)
        painter.setPen(self._theme.colour("edge"))
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.end()


class CodeView(QWidget):
    """A QR code, dark on white in every theme, its modules whole pixels of the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()

    def show_text(self, text: str) -> None:
        self.image = QImage()
        if text:
            light = ~np.pad(modules(text), QUIET)
            self.image = as_image(Image.fromarray(light).convert("RGB"))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self.image.isNull():
            return
        ratio, count = self.devicePixelRatioF(), self.image.width()
        edge = count * (int(min(self.width(), self.height()) * ratio) // count)
        painter = QPainter(self)
        painter.scale(1 / ratio, 1 / ratio)
        painter.drawImage(QRect(0, 0, edge, edge), self.image)
        painter.end()
