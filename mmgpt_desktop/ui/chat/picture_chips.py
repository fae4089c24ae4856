"""How names of pictures look in the field of the question, and the button that lists them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QIcon, QPixmap, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QMenu

from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.buttons import IconButton
from mmgpt_desktop.ui.widgets.picture_names import REFERENCE
from mmgpt_desktop.ui.widgets.plain import tip, without_mnemonic
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.widgets.theme import Theme


class PictureNames(QSyntaxHighlighter):
    """Names of pictures that are there look like chips."""

    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme, self._count = theme, 0
        theme.changed.connect(self._draw)

    def set_count(self, count: int) -> None:
        self._count = count
        self._draw()

    def _draw(self) -> None:
        """To the field a change of colours is a change of its text: only if there is need."""
        if REFERENCE.search(self.document().toPlainText()):
            self.rehighlight()

    def highlightBlock(self, text: str) -> None:  # noqa: N802
        chip = QTextCharFormat()
        chip.setBackground(self._theme.colour("accent_soft"))
        chip.setForeground(self._theme.colour("accent"))
        chip.setFontWeight(600)
        for found in REFERENCE.finditer(text):
            if 1 <= int(found[1]) <= self._count:
                self.setFormat(found.start(), found.end() - found.start(), chip)


class PictureButton(IconButton):
    """Lists the pictures; hidden while there is no choice."""

    chosen = Signal(int)  # its number, from 1

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "picture", self.open_menu)
        self._photos: list[Photo] = []
        self._wanted = True
        self.menu_shown = QMenu(self)
        self.hide()

    def set_photos(self, photos: list[Photo]) -> None:
        self._photos = photos
        self._show()

    def set_wanted(self, wanted: bool) -> None:
        """Whether a picture can be named in what is written."""
        self._wanted = wanted
        self._show()

    def _show(self) -> None:
        self.setVisible(self._wanted and len(self._photos) > 1)

    def open_menu(self) -> None:
        menu = self.fill_menu()
        if self._wanted and not menu.isEmpty():
            menu.setActiveAction(menu.actions()[0])
            menu.popup(self.mapToGlobal(QPoint(0, self.height())))

    def fill_menu(self) -> QMenu:
        menu = self.menu_shown
        menu.clear()
        for number, photo in enumerate(self._photos, start=1):
            icon = QIcon(QPixmap.fromImage(levels_of(photo)[-1]))
            name = without_mnemonic(printable(photo.name))
            action = menu.addAction(icon, f"&{number}  {name}" if number < 10 else name)
            action.setToolTip(tip(photo.name))
            action.triggered.connect(partial(self._choose, number))
        return menu

    def _choose(self, number: int, *_: object) -> None:
        self.chosen.emit(number)
