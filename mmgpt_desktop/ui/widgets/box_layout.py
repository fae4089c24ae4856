"""Rows, columns and stacks of widgets, each written as one expression."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QStackedWidget, QVBoxLayout, QWidget

# A number is a stretch; a tuple has what else Qt's own `addWidget` or `addLayout` takes.
Part = QWidget | QLayout | int | tuple[Any, ...]
Margins = int | tuple[int, int, int, int]
_Box = TypeVar("_Box", bound=QBoxLayout)


def hbox(*parts: Part, gap: int | None = None, margins: Margins | None = None) -> QHBoxLayout:
    """From left to right; without a number, gaps and margins are the style's."""
    return _filled(QHBoxLayout(), parts, gap, margins)


def vbox(*parts: Part, gap: int | None = None, margins: Margins | None = None) -> QVBoxLayout:
    """From top to bottom."""
    return _filled(QVBoxLayout(), parts, gap, margins)


def holder(layout: QLayout, look: str = "") -> QWidget:
    """A widget that is nothing but its layout; `look` is a name in the style sheet."""
    widget = QWidget()
    widget.setObjectName(look)
    widget.setLayout(layout)
    return widget


def stack(*pages: QWidget) -> QStackedWidget:
    """One of them is in view; the first to begin with."""
    stacked = QStackedWidget()
    for page in pages:
        stacked.addWidget(page)
    return stacked


def _filled(box: _Box, parts: tuple[Part, ...], gap: int | None, margins: Margins | None) -> _Box:
    for part in parts:
        what, *how = part if isinstance(part, tuple) else (part,)
        if isinstance(what, int):
            box.addStretch(what)
        elif isinstance(what, QWidget):
            box.addWidget(what, *how)
        else:
            box.addLayout(what, *how)
    if gap is not None:
        box.setSpacing(gap)
    if margins is not None:
        box.setContentsMargins(*((margins,) * 4 if isinstance(margins, int) else margins))
    return box
