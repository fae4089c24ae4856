"""A button that shows what not everybody wants to read, and hides it again."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from mmgpt_desktop.ui.widgets.plain import tip
from mmgpt_desktop.ui.widgets.small import Retranslated


class Disclosure(Retranslated, QToolButton):
    """Says "Details"; checked while they are shown. Space and Enter press it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
