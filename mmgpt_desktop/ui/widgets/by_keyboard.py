"""What the keyboard does in every window alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from mmgpt_desktop.ui.widgets.pane import Pane

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ByKeyboard:
    """Beside a QWidget that is a window: Tab walks in reading order, and Enter presses the button
    that has the focus; Qt leaves that to the space bar on most desktops."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        button = self.focusWidget()  # type: ignore[attr-defined]
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _ENTER and plain and isinstance(button, QAbstractButton):
            if not event.isAutoRepeat():
                button.click()
        else:
            super().keyPressEvent(event)  # type: ignore[misc]

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)  # type: ignore[misc]
        put_in_reading_order(self)  # type: ignore[arg-type]

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802
        put_in_reading_order(self)  # type: ignore[arg-type]
        moved: bool = super().focusNextPrevChild(forward)  # type: ignore[misc]
        return moved


@dataclass(frozen=True, eq=False)
class _Place:
    """A control, or a pane with its own in their order."""

    rect: QRect
    stops: tuple[QWidget, ...]
    pane: bool = False


def put_in_reading_order(window: QWidget) -> None:
    """Tab walks as one reads what is in view now: panes side by side, each from top to bottom.

    An order that is right stays, for it has also those in place that are hidden now.
    """
    stops = _stops(window)
    panes: dict[Pane | None, list[_Place]] = {}
    for widget in stops:
        panes.setdefault(_pane_of(widget), []).append(_Place(_rect(widget, window), (widget,)))
    places = panes.pop(None, [])
    for pane, inside in panes.items():
        assert pane is not None
        places.append(_Place(_rect(pane, window), _read(inside), pane=True))
    wanted = list(_read(places))
    start = stops.index(wanted[0]) if wanted else 0
    if [*stops[start:], *stops[:start]] != wanted:
        for before, after in itertools.pairwise(wanted):
            QWidget.setTabOrder(before, after)


def _stops(window: QWidget) -> list[QWidget]:
    """What Tab stops at now, in Qt's ring."""
    return [
        widget
        for widget in _ring(window)
        if widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
        and widget.window() is window
        and widget.isVisibleTo(window)
    ]


def _ring(window: QWidget) -> list[QWidget]:
    """All widgets of a window, as Qt has them in its ring.

    PySide takes each step for one from a parent to its child. A window that is its own button's
    child is garbage, and goes while it is open: so none leads to the window, and `findChildren`
    gives it its children back.
    """
    ring: list[QWidget] = []
    last, widget = window.previousInFocusChain(), window
    while widget is not last and (following := widget.nextInFocusChain()) is not None:
        widget = following
        ring.append(widget)
    window.findChildren(QWidget)
    return ring


def _rect(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint()), widget.size())


def _pane_of(widget: QWidget) -> Pane | None:
    """None in a window of its own that a pane opened."""
    above = widget.parentWidget()
    while above is not None and not isinstance(above, Pane):
        above = None if above.isWindow() else above.parentWidget()
    return above


def _read(places: list[_Place]) -> tuple[QWidget, ...]:
    """Row by row where lines can be drawn between them, else column by column."""
    if all(place.pane for place in places):
        parts = _rows_of_panes(places)
    else:
        parts = _cut(places, QRect.top, QRect.bottom)
        parts = parts if len(parts) > 1 else _cut(places, QRect.left, QRect.right)
        parts = parts if len(parts) > 1 else [[place] for place in sorted(places, key=_corner)]
    if len(parts) > 1:
        return tuple(stop for part in parts for stop in _read(part))
    return tuple(stop for place in places for stop in place.stops)


def _corner(place: _Place) -> tuple[int, int]:
    return place.rect.top(), place.rect.left()


def _cut(
    places: list[_Place], begin: Callable[[QRect], int], end: Callable[[QRect], int]
) -> list[list[_Place]]:
    """The groups that straight lines across separate."""
    groups: list[list[_Place]] = []
    reach = 0
    for place in sorted(places, key=lambda place: begin(place.rect)):
        if groups and begin(place.rect) <= reach:
            groups[-1].append(place)
            reach = max(reach, end(place.rect))
        else:
            groups.append([place])
            reach = end(place.rect)
    return groups


def _rows_of_panes(places: list[_Place]) -> list[list[_Place]]:
    """The first of each column, then the second: they share rows, however high each of them is."""
    columns = _cut(places, QRect.left, QRect.right)
    for column in columns:
        column.sort(key=_corner)
    rows = itertools.zip_longest(*columns)
    return [[place] for row in rows for place in row if place is not None]
