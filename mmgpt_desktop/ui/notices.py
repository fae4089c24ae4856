"""Sentences that appear over the panes, with what can be done about them."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mmgpt_desktop.errors import AppError, ImageError, PromptError
from mmgpt_desktop.ui.parts import IconButton, WaitBar, announce
from mmgpt_desktop.ui.plain import Label
from mmgpt_desktop.ui.session import printable
from mmgpt_desktop.ui.texts import error_hint, error_title
from mmgpt_desktop.ui.theme import MEDIUM, SMALL, TIGHT, Theme, set_font

MOST_NOTICES = 3
UNDO_MS = 15_000
_LONGEST_TEXT = 400


class Notice(QFrame):
    """One sentence with its buttons; closed by its cross, a button, or after a while."""

    def __init__(self, theme: Theme, title: str, hint: str = "", *, problem: bool = False) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("problem", problem)
        self.title = _label(title, bold=True)
        self.hint = _label(hint)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(f"{title} {hint}".strip())
        picture = Label()
        icon = theme.icon("problem" if problem else "info", "problem" if problem else "muted")
        picture.setPixmap(icon.pixmap(QSize(20, 20), self.devicePixelRatioF()))
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.hint)
        self.bar = WaitBar(theme)
        self.bar.hide()
        texts.addWidget(self.bar)
        self.cross = IconButton(theme, "close")
        self.cross.set_name(self.tr("Dismiss"))
        self.cross.clicked.connect(self.dismiss)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(MEDIUM, TIGHT, TIGHT, TIGHT)
        self._row.setSpacing(SMALL)
        self._row.addWidget(picture)
        self._row.addLayout(texts, 1)
        self._row.addWidget(self.cross)

    def add_action(self, text: str, action: Callable[[], None], *, closes: bool = True) -> None:
        button = QPushButton(text)
        button.setObjectName("flat")
        # Never a method of what a worker may be the last to let go: PySide would cut the connection
        # there, and that thread's lock on it and Python's own can wait for each other for ever.
        button.clicked.connect(lambda: action())
        if closes:
            button.clicked.connect(self.dismiss)
        self._row.insertWidget(self._row.count() - 1, button)

    def set_progress(self, fraction: float) -> None:
        """0 to 1, or below 0 while nobody knows how much there is."""
        self.bar.setVisible(True)
        self.bar.show_fraction(fraction)

    def dismiss(self) -> None:
        self.hide()
        self.deleteLater()


class Notices(QWidget):
    """The newest notices, one below the other; takes no room when there are none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(TIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def current(self) -> list[Notice]:
        notices = self.findChildren(Notice, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return [notice for notice in notices if not notice.isHidden()]

    def tell(self, title: str, hint: str = "", *, problem: bool = False) -> Notice:
        for old in self.current():
            if (old.title.text(), old.hint.text()) == (_shortened(title), _shortened(hint)):
                old.dismiss()
        for old in self.current()[: -(MOST_NOTICES - 1)]:
            old.dismiss()
        notice = Notice(self._theme, title, hint, problem=problem)
        self._column.addWidget(notice)
        notice.show()
        announce(notice, notice.accessibleName())
        return notice

    def tell_error(self, error: AppError) -> Notice:
        notice = self.tell(error_title(error), error_hint(error), problem=True)
        ordinary = isinstance(error, ImageError | PromptError)
        if error.__cause__ is not None and not ordinary:
            notice.add_action(self.tr("Copy details"), _Copy(error), closes=False)
        return notice

    def forget(self, notice: Notice) -> None:
        """Take a notice away that may be gone already."""
        if notice in self.current():
            notice.dismiss()

    def show_progress(self, notice: Notice, fraction: float) -> None:
        """Of what a notice tells, which somebody may have taken away meanwhile."""
        if notice in self.current():
            notice.set_progress(fraction)

    def offer_undo(self, title: str, undo: Callable[[], None]) -> Notice:
        notice = self.tell(title)
        notice.add_action(self.tr("Undo"), undo)
        timer = QTimer(notice, singleShot=True, interval=UNDO_MS)
        timer.timeout.connect(notice.dismiss)
        timer.start()
        return notice


class _Copy:
    """Copies what a report needs, the traceback too."""

    def __init__(self, error: AppError) -> None:
        self._error = error

    def __call__(self) -> None:
        details = "".join(traceback.format_exception(self._error))
        QGuiApplication.clipboard().setText(details)


def _label(text: str, *, bold: bool = False) -> Label:
    label = Label(_shortened(text))
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    set_font(label, bold=bold)
    return label


def _shortened(text: str) -> str:
    """File names may hold anything, line breaks and thousands of characters too."""
    text = printable(text.replace("\n", " "))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
