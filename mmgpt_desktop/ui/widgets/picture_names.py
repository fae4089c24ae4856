"""Pictures named in a question: "[picture 2]" is the second of the thumbnails."""

from __future__ import annotations

import re

from PySide6.QtCore import QT_TRANSLATE_NOOP
from PySide6.QtGui import QTextCursor

from mmgpt_desktop.ui.widgets.texts import translated

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
    at = cursor.positionInBlock()
    for found in REFERENCE.finditer(block.text()):
        if at == (found.end() if before else found.start()):
            cursor.setPosition(block.position() + found.start())
            cursor.setPosition(block.position() + found.end(), QTextCursor.MoveMode.KeepAnchor)
            return True
    return False
