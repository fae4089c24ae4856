"""Chinese on a computer that has no font for it would be boxes: said in words that can be read."""

from __future__ import annotations

from PySide6.QtCore import QLocale
from PySide6.QtGui import QFontMetrics, QGuiApplication

from mmgpt_desktop.ui.widgets.notices import Notices

# Not translated: the translation is what can't be read.
_TITLE = "This computer has no Chinese font, so Chinese words are empty boxes."
_HINT = "On Debian and Ubuntu: sudo apt install fonts-noto-cjk. Then start again."


def writes_chinese() -> bool:
    """By what is drawn: not every font that can says so to fontconfig."""
    return QFontMetrics(QGuiApplication.font()).inFontUcs4(ord("中"))


def tell_missing_font(notices: Notices) -> None:
    """To be called in a language that was just installed."""
    if QLocale().language() == QLocale.Language.Chinese and not writes_chinese():
        notices.tell(_TITLE, _HINT, problem=True)
