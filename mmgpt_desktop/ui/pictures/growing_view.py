"""Pictures while they are drawn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.controls import WaitBar
from mmgpt_desktop.ui.widgets.photo_view import PictureArea
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.theme import SMALL, Theme


class GrowingPictures(PictureArea):
    """One, or some side by side, as large as there is room; grey where nothing is drawn yet."""

    _pictures: tuple[QImage, ...] = ()
    _count = 1

    def begin(self, count: int) -> None:
        """So many, of which nothing is to be seen yet."""
        self._pictures, self._count = (), count
        self.update()

    def show_pixels(self, pixels: NDArray[np.uint8]) -> None:
        """What there is of them: uint8 [picture, height, width, 3]."""
        rgb = QImage.Format.Format_RGB888
        self._pictures = tuple(
            QImage(each.tobytes(), each.shape[1], each.shape[0], 3 * each.shape[1], rgb).copy()
            for each in pixels
        )
        self.update()

    @property
    def pictures(self) -> tuple[QImage, ...]:
        return self._pictures

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for number in range(self._count):
            place = self._place(number)
            if number < len(self._pictures):
                painter.drawImage(place, self._pictures[number])
            else:
                painter.fillRect(place, self._theme.colour("field"))
        self.paint_focus(painter)

    def _place(self, number: int) -> QRectF:
        """A square of a grid that is as even as the room lets it be."""
        wide = self.width() >= self.height()
        long = self._count if self._count < 4 else 2
        columns = long if wide else math.ceil(self._count / long)
        rows = math.ceil(self._count / columns)
        side = min(
            (self.width() - (columns - 1) * SMALL) / columns,
            (self.height() - (rows - 1) * SMALL) / rows,
        )
        left = (self.width() - columns * side - (columns - 1) * SMALL) / 2
        top = (self.height() - rows * side - (rows - 1) * SMALL) / 2
        row, column = divmod(number, columns)
        step = side + SMALL
        return QRectF(left + column * step, top + row * step, side, side)


class GrowingView(QWidget):
    """The pictures, and how far they are."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.canvas, self.bar = GrowingPictures(theme), WaitBar(theme)
        self.said = Label(look="muted")
        row = hbox(self.said, (self.bar, 1), gap=SMALL)
        self.setLayout(vbox((self.canvas, 1), row, gap=SMALL, margins=0))

    def say(self, text: str, fraction: float) -> None:
        """What is done; the fraction is below 0 while nobody knows it."""
        if text != self.said.text():
            self.said.setText(text)
            announce(self, text)
        self.bar.show_fraction(fraction)
