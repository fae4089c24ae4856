"""How the show looks: the brand's colour, and sizes that grow with the window."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from string import Template
from typing import TypeVar

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QVBoxLayout,
    QWidget,
)

from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.ui.widgets.box_layout import Part, hbox, vbox
from mmgpt_desktop.ui.widgets.theme import Colours, Theme

_Layout = TypeVar("_Layout", bound=QLayout)

TARGET = 48  # pixels that a finger needs, whatever the window's size
READABLE = 4.5  # contrast of text on its ground, WCAG 2.2 AA
# Of the width, where the window is narrower than usual, and where it stands upright.
_NARROW, _UPRIGHT = 0.62, 0.85
_STEPS = 40
_SIZE = re.compile(r"@(\d+(?:\.\d+)?)")


def _rgb(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()


def _luminance(colour: QColor) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(value) for value in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 to 21, of two colours #rrggbb."""
    dark, light = sorted((_luminance(QColor(one)), _luminance(QColor(other))))
    return (light + 0.05) / (dark + 0.05)


def text_on(ground: str) -> str:
    """Black or white, whichever is read more easily."""
    return max(("#000000", "#ffffff"), key=lambda text: contrast(text, ground))


def legible(colour: str, *grounds: str) -> str:
    """The nearest shade of a colour that can be read as text on all of the grounds."""
    towards = QColor(text_on(grounds[0]))
    for step in range(_STEPS + 1):
        shade = _mixed(QColor(colour), towards, step / _STEPS)
        if all(contrast(shade, ground) >= READABLE for ground in grounds):
            return shade
    return towards.name()


def branded(colours: Colours, brand: str | None) -> Colours:
    """A theme with the brand's colour as its accent, in a shade that can be read."""
    if brand is None:
        return colours
    card = QColor(colours.card)
    soft = _mixed(card, QColor(brand), 0.16)
    accent = legible(brand, colours.card, colours.window, soft)
    strong = _mixed(QColor(accent), QColor(text_on(colours.card)), 0.12)
    return replace(
        colours,
        accent=accent,
        accent_strong=strong,
        on_accent=text_on(accent),
        accent_soft=soft,
    )


def _mixed(one: QColor, other: QColor, share: float) -> str:
    pairs = zip(_rgb(one), _rgb(other), strict=True)
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in pairs)).name()


class _Fitting(QObject):
    """What sets an object's size: part of that object, so that signals end with it."""

    def __init__(self, sized: QObject, fit: Callable[[], None]) -> None:
        super().__init__(sized)
        self._fit = fit

    def fit(self) -> None:
        self._fit()


class Scale(QObject):
    """Sizes in hundredths of the window's height; of less where the window is narrow."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = 7.2
        self.upright = False  # what stands side by side goes below each other then

    def fit(self, size: QSize) -> None:
        upright = size.height() > size.width()
        share = _UPRIGHT if upright else _NARROW
        hundredth = min(size.height(), size.width() * share) / 100
        if upright != self.upright or abs(hundredth - self._hundredth) > 0.01:
            self._hundredth, self.upright = hundredth, upright
            self.changed.emit()

    def direction(self) -> QBoxLayout.Direction:
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        return down if self.upright else across

    def px(self, hundredths: float) -> int:
        return max(1, round(hundredths * self._hundredth))

    def square(self, hundredths: float) -> QSize:
        return QSize(self.px(hundredths), self.px(hundredths))

    def target(self, hundredths: float) -> int:
        """The height of something to be touched."""
        return max(TARGET, self.px(hundredths))

    def set_font(self, widget: QWidget, hundredths: float, *, bold: bool = False) -> None:
        """In points, as views need it that scale their font further."""
        font = QFont(QApplication.font())
        font.setPointSizeF(self.px(hundredths) * 72 / widget.logicalDpiY())
        font.setBold(bold)
        widget.setFont(font)

    def set_icon(self, button: QAbstractButton, theme: Theme, icon: str, hundredths: float) -> None:
        """One that follows the theme and grows with the window."""

        def fit() -> None:
            button.setIcon(theme.icon(icon))
            button.setIconSize(self.square(hundredths))

        theme.changed.connect(_Fitting(button, fit).fit)
        self._keep_fitting(button, fit)

    def hbox(
        self, *parts: Part, gap: float, margin: float = 0, top: float | None = None
    ) -> QHBoxLayout:
        """A row whose gaps and margins grow with the window; `top` is the margin above and below,
        where that is another."""
        return self._growing(hbox(*parts), gap, margin, top)

    def vbox(
        self, *parts: Part, gap: float, margin: float = 0, top: float | None = None
    ) -> QVBoxLayout:
        """A column of the same kind."""
        return self._growing(vbox(*parts), gap, margin, top)

    def grid(self, *, gap: float) -> QGridLayout:
        return self._growing(QGridLayout(), gap)

    def _growing(
        self, box: _Layout, gap: float, margin: float = 0, top: float | None = None
    ) -> _Layout:
        def fit() -> None:
            across, along = (self.px(each) if each else 0 for each in (margin, top or margin))
            box.setContentsMargins(across, along, across, along)
            box.setSpacing(self.px(gap))

        self._keep_fitting(box, fit)
        return box

    def _keep_fitting(self, sized: QObject, fit: Callable[[], None]) -> None:
        """Now, and whenever the window's size changes, as long as there is what it sizes."""
        fitting = _Fitting(sized, fit)
        self.changed.connect(fitting.fit)
        fitting.fit()

    def style_sheet(self, colours: Colours, brand: str | None) -> str:
        """The show's sheet: `$name` is a colour, `@3.2` a size in hundredths of the height."""
        sheet = resource_path("style", "event.qss").read_text(encoding="utf-8")
        ground = brand or colours.accent
        filled = Template(sheet).substitute(
            asdict(colours),
            brand=ground,
            on_brand=text_on(ground),
            target=f"{self.target(4.6)}px",
            digit=f"{self.target(7.5)}px",
        )
        return _SIZE.sub(lambda size: f"{self.px(float(size[1]))}px", filled)
