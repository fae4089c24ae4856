"""Buttons with words, with icons, and one that shows what not everybody wants to read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSizePolicy, QToolButton, QWidget

from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme, scaled


def push_button(
    text: str = "", clicked: Callable[..., object] | SignalInstance | None = None, look: str = ""
) -> QPushButton:
    """Pressed by itself alone, never by Enter elsewhere in a dialog; `look` is a name in the style
    sheet."""
    made = QPushButton(text, autoDefault=False)
    made.setObjectName(look)
    if clicked is not None:
        made.clicked.connect(clicked)
    return made


class IconButton(QToolButton):
    """A flat button with an icon that follows the theme, and a name that is read out."""

    def __init__(
        self, theme: Theme, icon: str, clicked: Callable[..., object] | SignalInstance | None = None
    ) -> None:
        super().__init__()
        self.setObjectName("flat")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(scaled(18), scaled(18)))
        self.setFixedSize(scaled(30), scaled(30))
        self._theme, self._icon = theme, icon
        if clicked is not None:
            self.clicked.connect(clicked)
        theme.changed.connect(self._draw)
        self._draw()

    def set_name(self, name: str, shortcut: str = "") -> None:
        self.setAccessibleName(name)
        self.setToolTip(tip(f"{name} ({shortcut})" if shortcut else name))

    def set_icon(self, icon: str) -> None:
        self._icon = icon
        self._draw()

    def _draw(self) -> None:
        self.setIcon(self._theme.icon(self._icon))


class TwoWay(QWidget):
    """Two buttons, one of them down: the first, to begin with."""

    changed = Signal(bool)  # whether it is the second now

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (push_button(look="segment") for _ in range(2))
        self.setLayout(hbox(self.first, self.second, gap=0, margins=0))
        group = QButtonGroup(self)
        for place, each in (("first", self.first), ("last", self.second)):
            each.setProperty("place", place)
            each.setCheckable(True)
            group.addButton(each)
        self.first.setChecked(True)
        self.second.toggled.connect(self.changed)

    @property
    def on_second(self) -> bool:
        return self.second.isChecked()

    def choose(self, *, second: bool) -> None:
        (self.second if second else self.first).setChecked(True)


class Disclosure(Retranslated, QToolButton):
    """Says "Details"; checked while they are shown. Space and Enter press it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("disclosure")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.toggled.connect(self._point)
        self.retranslate_ui()
        self._point(False)

    def retranslate_ui(self) -> None:
        self.setText(self.tr("Details"))
        self.setAccessibleName(self.tr("Details: figures, layers and heads"))
        self.setToolTip(tip(self.accessibleName()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _point(self, shown: bool) -> None:
        self.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
