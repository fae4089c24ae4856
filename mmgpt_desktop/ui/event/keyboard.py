"""Letters to be touched, for screens without a keyboard."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from mmgpt_desktop.ui.event.scale import TARGET, Scale
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl?", "zxcvbnm,.'")


class Keyboard(Retranslated, QWidget):
    """Types into a line that keeps the focus."""

    def __init__(self, theme: Theme, scale: Scale, line: QLineEdit) -> None:
        super().__init__()
        self._line = line
        self.keys: dict[str, QPushButton] = {}
        grid = scale.grid(gap=0.6)
        for row, letters in enumerate(_ROWS):
            for column, letter in enumerate(letters):
                grid.addWidget(self._key(letter), row, column)
        self.space, self.erase = self._key(" "), push_button(clicked=line.backspace, look="key")
        self.ask = push_button(clicked=line.returnPressed, look="primary")
        grid.addWidget(self.erase, len(_ROWS), 0, 1, 2)
        grid.addWidget(self.space, len(_ROWS), 2, 1, 5)
        grid.addWidget(self.ask, len(_ROWS), 7, 1, 3)
        for button in (*self.keys.values(), self.erase, self.ask):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # else the line would lose it
        self.erase.setAutoRepeat(True)
        scale.set_icon(self.erase, theme, "backspace", 3.6)
        self.setLayout(grid)
        self.retranslate_ui()

    def _key(self, letter: str) -> QPushButton:
        key = self.keys[letter] = push_button(letter, partial(self._type, letter), "key")
        key.setAccessibleName(letter)
        key.setMinimumWidth(TARGET)
        return key

    def _type(self, letter: str, _checked: bool = False) -> None:
        """A question begins with a capital letter."""
        self._line.insert(letter if self._line.text() else letter.upper())

    def retranslate_ui(self) -> None:
        self.space.setText(self.tr("Space"))
        self.space.setAccessibleName(self.tr("Space"))
        self.erase.setAccessibleName(self.tr("Erase the last letter"))
        self.ask.setText(self.tr("Ask"))
