"""Windows that fit the screen, and contents that scroll where they don't fit the window."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

_FRAME = QMargins(4, 36, 4, 4)  # a window's, before it is there to be asked


def fit(window: QWidget, wanted: QSize) -> None:
    """As large as wanted, or as the screen allows that it opens on."""
    screen = (window.parentWidget() or window).screen()
    window.resize(wanted.boundedTo(screen.availableSize().shrunkBy(_FRAME)))


class ScrollArea(QScrollArea):
    """Without a frame, and as wide as its content where it can be. What it holds has the focus,
    and it follows that; text alone is scrolled by the keys of the area itself."""

    def __init__(self, content: QWidget | None = None, *, text: bool = False) -> None:
        super().__init__()
        for part in (self, self.viewport()):
            part.setObjectName("clear")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if text else Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        if content is not None:
            self.setWidget(content)
            content.setAutoFillBackground(False)  # Qt has just set it

    def sizeHint(self) -> QSize:  # noqa: N802
        content = self.widget()
        return super().sizeHint() if content is None else content.sizeHint()
