"""What hands do that pytest-qt can't."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

NONE = Qt.KeyboardModifier.NoModifier


def turn_wheel(
    widget: QWidget,
    held: Qt.KeyboardModifier = NONE,
    by: int = -120,
    place: QPointF | None = None,
) -> bool:
    """Whether the widget took it; otherwise what is around it scrolls. In its middle, or at
    `place`."""
    place = place or QPointF(widget.rect().center())
    at = QPointF(widget.mapToGlobal(place.toPoint()))
    phase, none = Qt.ScrollPhase.NoScrollPhase, Qt.MouseButton.NoButton
    event = QWheelEvent(place, at, QPoint(), QPoint(0, by), none, held, phase, False)
    event.ignore()
    widget.event(event)
    return event.isAccepted()
