"""Windows that open before another one."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog

from mmgpt_desktop.ui.widgets.box_layout import Part, vbox
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.fitting import fit
from mmgpt_desktop.ui.widgets.theme import LARGE, MEDIUM


class Dialog(ByKeyboard, QDialog):
    """What it shows is given to `fill`, from top to bottom."""

    def fill(self, *parts: Part, wanted: QSize | None = None, gap: int = MEDIUM) -> None:
        """As large as `wanted`, or as the screen allows."""
        self.setLayout(vbox(*parts, gap=gap, margins=(LARGE, LARGE, LARGE, MEDIUM)))
        if wanted is not None:
            fit(self, wanted)
