"""A card of the window, and what stands in it while it is empty."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, TIGHT, Theme, scaled

HEADER_HEIGHT = 32


class Pane(QFrame):
    """A card with a heading; `header` takes further widgets, `body` the content."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self.heading = ElidedLabel(look="heading", scale=1.05, bold=True)
        self.heading.setMinimumWidth(0)
        self.header = hbox((self.heading, 1), gap=TIGHT)
        self.header.addStrut(scaled(HEADER_HEIGHT))
        self.body = vbox(self.header, gap=SMALL, margins=(MEDIUM, SMALL, MEDIUM, MEDIUM))
        self.setLayout(self.body)

    def set_title(self, title: str) -> None:
        self.heading.say(title)
        self.setAccessibleName(title)


class EmptyState(QWidget):
    """An icon, a sentence on what will be here, one on what to do, and its buttons."""

    def __init__(self, theme: Theme, icon: str) -> None:
        super().__init__()
        self._theme, self._icon = theme, icon
        self._picture = Label(centred=True)
        self.title = Label(centred=True, wraps=True, scale=1.1, bold=True)
        self.hint = Label(centred=True, wraps=True, look="muted")
        self.buttons = hbox(1, 1, gap=SMALL)
        below = vbox(self.buttons, margins=(0, SMALL, 0, 0))
        self.setLayout(vbox(1, self._picture, self.title, self.hint, below, 1, gap=SMALL))
        theme.changed.connect(self._draw)
        self._draw()

    def set_texts(self, title: str, hint: str) -> None:
        self.title.setText(title)
        self.hint.setText(hint)

    def add_button(self, button: QPushButton) -> None:
        self.buttons.insertWidget(self.buttons.count() - 1, button)

    def _draw(self) -> None:
        icon = self._theme.icon(self._icon, "muted")
        self._picture.setPixmap(icon.pixmap(QSize(40, 40), self.devicePixelRatioF()))
