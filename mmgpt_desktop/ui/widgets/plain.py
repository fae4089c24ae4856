"""Text shown as it stands. Qt takes what looks like HTML for HTML, and opens what that names."""

from __future__ import annotations

from PySide6 import QtGui
from PySide6.QtCore import QChildEvent, QCoreApplication, QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox, QSizePolicy, QWidget

from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.theme import set_font

_WORD_JOINER = "\u2060"  # has no width: parts what would be read as a tag or an entity
_LONGEST_TIP = 1000


class Label(QLabel):
    """The window's only kind of label. Its text may come from anywhere.

    `look` is a name in the style sheet, `scale` a size relative to the system's font.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        look: str = "",
        wraps: bool = False,
        centred: bool = False,
        selectable: bool = False,
        scale: float = 1.0,
        bold: bool = False,
    ) -> None:
        super().__init__(parent, objectName=look, wordWrap=wraps)  # type: ignore[call-overload]
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        if centred:
            self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        if selectable:
            self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if bold or scale != 1.0:
            set_font(self, scale=scale, bold=bold)


class ElidedLabel(Label):
    """One line that is shortened where it doesn't fit; the tooltip has all of it."""

    def __init__(self, *, look: str = "", scale: float = 1.0, bold: bool = False) -> None:
        super().__init__(look=look, scale=scale, bold=bold)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def whole(self) -> str:
        return self._whole

    def say(self, text: str) -> None:
        self._whole = text
        self.setToolTip(tip(text))
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        width = self.contentsRect().width()
        end = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._whole, end, width))


def tip(text: str) -> str:
    """`text` for a tooltip, where Qt can't be told that it is plain; it looks the same."""
    text = printable(text[:_LONGEST_TIP])
    if not QtGui.Qt.mightBeRichText(text):
        return text
    return text.replace("<", "<" + _WORD_JOINER).replace("&", "&" + _WORD_JOINER)


def without_mnemonic(text: str) -> str:
    """`text` for a button or a menu, where an ampersand would underline what follows it."""
    return text.replace("&", "&&")


class FileDialog(QFileDialog):
    """Qt's own asks "NAME already exists. Replace it?" with the name as HTML."""

    def childEvent(self, event: QChildEvent) -> None:  # noqa: N802
        super().childEvent(event)
        box = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(box, QMessageBox):
            box.setTextFormat(Qt.TextFormat.PlainText)


def may_replace(parent: QWidget | None, name: str) -> bool:
    """Asks about a file that is there already, in the words of Qt's own dialog."""
    asked = "%1 already exists.\nDo you want to replace it?"
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(QCoreApplication.translate("QFileDialog", asked).replace("%1", printable(name)))
    box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
    box.setDefaultButton(QMessageBox.StandardButton.No)
    answer = box.exec()
    box.deleteLater()
    return answer == QMessageBox.StandardButton.Yes


def window_title(text: str) -> str:
    """A title with somebody's text in it: Qt takes "[*]" for its mark of changes."""
    return text.replace("[*]", "[*][*]")
