"""Sentences that appear over the panes, with what can be done about them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFrame, QSizePolicy, QToolButton, QWidget

from mmgpt_desktop.errors import AppError, ImageError, PromptError
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import IconButton, push_button
from mmgpt_desktop.ui.widgets.controls import WaitBar
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label, tip
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated, error_hint, error_title
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, TIGHT, Theme, scaled

MOST_NOTICES = 9
PASS_MS, UNDO_MS = 8_000, 15_000
_LONGEST_TEXT = 400
_BAR_WIDTH, _FULL_WIDTH = 90, 480


class _Line(ElidedLabel):
    """Has all of its text, draws what fits, and would be as wide as all of it."""

    def text(self) -> str:
        return self.whole

    @property
    def is_cut(self) -> bool:
        return super().text() != self.whole

    def sizeHint(self) -> QSize:  # noqa: N802
        width = self.fontMetrics().horizontalAdvance(self.whole)
        return QSize(width + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(0, super().minimumSizeHint().height())


class Notice(QFrame):
    """One line with its buttons; closed by its cross, a button, or after a while."""

    leaving = Signal(object)  # itself

    def __init__(self, theme: Theme, title: str, hint: str = "", *, problem: bool = False) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("problem", problem)
        self.title, self.hint = _Line(bold=True), _Line()
        # The hint has what the title leaves.
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.title.say(_shortened(title))
        self.hint.say(_shortened(hint))
        self.setAccessibleName(f"{title} {hint}".strip())
        picture = Label()
        icon = theme.icon("problem" if problem else "info", "problem" if problem else "muted")
        picture.setPixmap(icon.pixmap(QSize(20, 20), self.devicePixelRatioF()))
        self.bar = WaitBar(theme)
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.hide()
        self.more = IconButton(theme, "chevron-down", self._show_all)
        self.more.set_name(self.tr("Read all of it"))
        self.more.hide()
        self.cross = IconButton(theme, "close", self.dismiss)
        self.cross.set_name(self.tr("Dismiss"), "Esc")
        self._all: QFrame | None = None
        self._passing = QTimer(self, singleShot=True)
        self._passing.timeout.connect(self._pass)
        self._row = hbox(
            picture,
            self.title,
            (self.hint, 1),
            self.more,
            self.bar,
            self.cross,
            gap=SMALL,
            margins=(MEDIUM, TIGHT, TIGHT, TIGHT),
        )
        self.setLayout(self._row)

    def add_action(self, text: str, action: Callable[[], None], *, closes: bool = True) -> None:
        # Never a method of what a worker may be the last to let go: PySide would cut the connection
        # there, and that thread's lock on it and Python's own can wait for each other for ever.
        added = push_button(text, lambda: action(), "flat")
        if closes:
            added.clicked.connect(self.dismiss)
        self._row.insertWidget(self._row.count() - 1, added)

    def set_progress(self, fraction: float) -> None:
        """0 to 1, or below 0 while nobody knows how much there is. It stays until it is over."""
        self._passing.stop()
        self.bar.setVisible(True)
        self.bar.show_fraction(fraction)

    def pass_after(self, milliseconds: int) -> None:
        """Go by itself; not while it is pointed at, has the focus or is read."""
        self._passing.start(milliseconds)

    def _pass(self) -> None:
        focus = QApplication.focusWidget()
        held = self.underMouse() or (focus is not None and self.isAncestorOf(focus))
        if held or (self._all is not None and self._all.isVisible()):
            self._passing.start()
        else:
            self.dismiss()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._row.activate()  # the texts have their widths now
            self.more.setVisible(self.title.is_cut or self.hint.is_cut)
        return handled

    def _show_all(self) -> None:
        if self._all is None:
            self._all = _full_text(self, f"{self.title.text()}\n{self.hint.text()}".strip())
        corner = self.more.mapToGlobal(self.more.rect().bottomRight())
        self._all.move(corner.x() - self._all.width(), corner.y() + TIGHT)
        self._all.show()

    def dismiss(self) -> None:
        self.leaving.emit(self)
        self.hide()
        self.deleteLater()


class Notices(Retranslated, QWidget):
    """One line for all of them, the newest in view; takes no room when there are none.

    News passes by itself, problems and what waits for an answer stay.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._told: list[Notice] = []  # the last one is in view
        self._told_once: set[type[AppError]] = set()
        self.others = QToolButton()
        self.others.setObjectName("flat")
        self.others.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.others.clicked.connect(self._show_next)
        self._row = hbox(self.others, gap=TIGHT, margins=0)
        self.setLayout(self._row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.retranslate_ui()
        self.hide()

    def current(self) -> list[Notice]:
        """The one in view is the last."""
        return list(self._told)

    def tell(
        self, title: str, hint: str = "", *, problem: bool = False, stays: bool = False
    ) -> Notice:
        for old in self.current():
            if (old.title.text(), old.hint.text()) == (_shortened(title), _shortened(hint)):
                old.dismiss()
        for old in self.current()[: -(MOST_NOTICES - 1)]:
            old.dismiss()
        notice = Notice(self._theme, title, hint, problem=problem)
        notice.leaving.connect(self._let_go)
        self._row.insertWidget(0, notice, 1)
        self._told.append(notice)
        self._show_newest()
        if not (problem or stays):
            notice.pass_after(PASS_MS)
        return notice

    def _show_newest(self) -> None:
        for notice in self._told:
            notice.setVisible(notice is self._told[-1])
        self.others.setVisible(len(self._told) > 1)
        self.setVisible(bool(self._told))
        self.retranslate_ui()
        if self._told:
            announce(self._told[-1], self._told[-1].accessibleName())

    def retranslate_ui(self) -> None:
        more = max(0, len(self._told) - 1)
        self.others.setText(f"+{more}")
        name = self.tr("{count} more messages: show the next").format(count=more)
        self.others.setAccessibleName(name)
        self.others.setToolTip(tip(name))

    def _show_next(self) -> None:
        self._told.insert(0, self._told.pop())
        self._show_newest()

    def _let_go(self, notice: Notice) -> None:
        if notice in self._told:
            self._told.remove(notice)
            self._show_newest()

    def close_newest(self) -> bool:
        """Whether there was one."""
        if not self._told:
            return False
        self._told[-1].dismiss()
        return True

    def tell_error(self, error: AppError) -> Notice:
        notice = self.tell(error_title(error), error_hint(error), problem=True)
        ordinary = isinstance(error, ImageError | PromptError)
        if error.__cause__ is not None and not ordinary:
            notice.add_action(self.tr("Copy details"), partial(_copy, error), closes=False)
        return notice

    def tell_once(self, error: AppError) -> None:
        """The first of its class alone: it comes again and again, and nobody can do anything."""
        if type(error) not in self._told_once:
            self._told_once.add(type(error))
            self.tell_error(error)

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
        notice.pass_after(UNDO_MS)
        return notice


def _copy(error: AppError) -> None:
    """What a report needs, the traceback too."""
    QGuiApplication.clipboard().setText("".join(traceback.format_exception(error)))


def _full_text(notice: QWidget, text: str) -> QFrame:
    """All that a notice says, below its line; a click beside it or Esc closes it."""
    frame = QFrame(notice, Qt.WindowType.Popup)
    frame.setObjectName("popup")
    label = Label(text, wraps=True, selectable=True)
    column = vbox(label, margins=(MEDIUM, SMALL, MEDIUM, SMALL))
    frame.setLayout(column)
    width = min(scaled(_FULL_WIDTH), notice.window().width() - 2 * MEDIUM)
    frame.resize(width, column.totalHeightForWidth(width))
    return frame


def _shortened(text: str) -> str:
    """File names may hold anything, line breaks and thousands of characters too."""
    text = printable(text.replace("\n", " "))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
