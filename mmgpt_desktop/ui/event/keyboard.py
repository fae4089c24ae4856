"""Letters to be touched, for screens without a keyboard. The model reads English only."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLineEdit, QPushButton, QWidget

from mmgpt_desktop.ui.event.scale import TARGET, Scale
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl?", "zxcvbnm,.'")


class Keyboard(Retranslated, QWidget):
    """Types into a line that keeps the focus."""

    def __init__(self, theme: Theme, scale: Scale, line: QLineEdit) -> None:
        super().__init__()
        self._scale, self._line = scale, line
        self.keys: dict[str, QPushButton] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        for row, letters in enumerate(_ROWS):
            for column, letter in enumerate(letters):
                self._grid.addWidget(self._key(letter), row, column)
        self.space, self.erase, self.ask = self._key(" "), QPushButton(), QPushButton()
        self._grid.addWidget(self.erase, len(_ROWS), 0, 1, 2)
        self._grid.addWidget(self.space, len(_ROWS), 2, 1, 5)
        self._grid.addWidget(self.ask, len(_ROWS), 7, 1, 3)
        for button, name in ((self.erase, "key"), (self.ask, "primary")):
            button.setObjectName(name)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.erase.setAutoRepeat(True)
        self.erase.clicked.connect(line.backspace)
        self.ask.clicked.connect(line.returnPressed)
        scale.changed.connect(self._fit)
        scale.set_icon(self.erase, theme, "backspace", 3.6)
        self._fit()
        self.retranslate_ui()

    def _key(self, letter: str) -> QPushButton:
        key = QPushButton(letter)
        key.setObjectName("key")
        key.setAccessibleName(letter)
        key.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # else the line would lose it
        key.setMinimumWidth(TARGET)
        key.clicked.connect(partial(self._type, letter))
        self.keys[letter] = key
        return key

    def _type(self, letter: str, _checked: bool = False) -> None:
        """A question begins with a capital letter."""
        self._line.insert(letter if self._line.text() else letter.upper())

    def _fit(self) -> None:
        self._grid.setSpacing(self._scale.px(0.6))

    def retranslate_ui(self) -> None:
        self.space.setText(self.tr("Space"))
        self.space.setAccessibleName(self.tr("Space"))
        self.erase.setAccessibleName(self.tr("Erase the last letter"))
        self.ask.setText(self.tr("Ask"))
