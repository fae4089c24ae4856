"""Boxes, sliders and bars that behave alike in every pane."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QProgressBar, QSlider

from mmgpt_desktop.ui.widgets.theme import Theme


class Choice(QComboBox):
    """The wheel scrolls what is around it, and never chooses by the way."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()


class Slide(QSlider):
    """The wheel moves it only where somebody is at it."""

    def __init__(self, orientation: Qt.Orientation) -> None:
        super().__init__(orientation)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class WaitBar(QProgressBar):
    """How far something has come; it moves while nobody knows, unless nothing is to move."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._fraction = theme, -1.0
        self.setTextVisible(False)
        theme.changed.connect(self._draw)
        self._draw()

    def show_fraction(self, fraction: float) -> None:
        """0 to 1, or below 0 while nobody knows how much there is."""
        self._fraction = fraction
        self._draw()

    def _draw(self) -> None:
        moves = self._fraction < 0 and not self._theme.still
        self.setRange(0, 0 if moves else 100)
        self.setValue(round(max(0.0, self._fraction) * 100))
