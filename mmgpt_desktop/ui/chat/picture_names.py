"""Pictures named in a question: "[picture 2]" is the second of the thumbnails."""

from __future__ import annotations

import re
from functools import partial

from PySide6.QtCore import QT_TRANSLATE_NOOP, QPoint, Signal
from PySide6.QtGui import (
    QIcon,
    QPixmap,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QMenu

from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.buttons import IconButton
from mmgpt_desktop.ui.widgets.plain import tip, without_mnemonic
from mmgpt_desktop.ui.widgets.shown_photo import ShownPhoto
from mmgpt_desktop.ui.widgets.texts import translated
from mmgpt_desktop.ui.widgets.theme import Theme

# In each of the window's languages: a question may be older than the one chosen now.
REFERENCE = re.compile(r"\[\s*(?:picture|图片)\s*(\d{1,4})\s*\]", re.IGNORECASE)
_WRITTEN = QT_TRANSLATE_NOOP("references", "[picture {number}]")


def reference(number: int) -> str:
    """What names the thumbnail of that number, from 1, in the window's language."""
    return translated("references", str(_WRITTEN)).format(number=number)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(found[1]) for found in REFERENCE.finditer(text))


def without_references(text: str) -> str:
    return re.sub(r"[ \t]+", " ", REFERENCE.sub(" ", text)).strip()


def select_reference(cursor: QTextCursor, *, before: bool) -> bool:
    """Select the name that ends, or else begins, where the cursor is; False if none does."""
    block = cursor.block()
    place = cursor.positionInBlock()
    for found in REFERENCE.finditer(block.text()):
        if place == (found.end() if before else found.start()):
            cursor.setPosition(block.position() + found.start())
            cursor.setPosition(block.position() + found.end(), QTextCursor.MoveMode.KeepAnchor)
            return True
    return False


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
        self._photos: list[ShownPhoto] = []
        self.menu_shown = QMenu(self)
        self.hide()

    def set_photos(self, photos: list[ShownPhoto]) -> None:
        self._photos = photos
        self.setVisible(len(photos) > 1)

    def open_menu(self) -> None:
        menu = self.fill_menu()
        if not menu.isEmpty():
            menu.setActiveAction(menu.actions()[0])
            menu.popup(self.mapToGlobal(QPoint(0, self.height())))

    def fill_menu(self) -> QMenu:
        menu = self.menu_shown
        menu.clear()
        for number, shown in enumerate(self._photos, start=1):
            icon = QIcon(QPixmap.fromImage(shown.levels[-1]))
            name = without_mnemonic(printable(shown.photo.name))
            action = menu.addAction(icon, f"&{number}  {name}" if number < 10 else name)
            action.setToolTip(tip(shown.photo.name))
            action.triggered.connect(partial(self._choose, number))
        return menu

    def _choose(self, number: int, *_: object) -> None:
        self.chosen.emit(number)
