"""The sessions of late, and a search in what was said in them."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QEvent, QLocale, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from mmgpt_desktop.session.recent import RecentSession, matches
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.theme import SMALL

_LONGEST_LINE = 90


class RecentDialog(Dialog):
    """`chosen` and `forgotten` carry a session's path."""

    chosen = Signal(str)
    forgotten = Signal(str)

    def __init__(self, entries: tuple[RecentSession, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = list(entries)
        self.setWindowTitle(self.tr("Recent sessions"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search in questions, answers and names"))
        self.search.setAccessibleName(self.tr("Search in questions, answers and names"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._fill)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Sessions; Enter opens one, Delete forgets it"))
        self.list.setSpacing(2)
        self.list.itemActivated.connect(self._open)
        self.list.currentRowChanged.connect(self._refresh)
        self.list.installEventFilter(self)
        self.none = Label(look="muted", centred=True)
        self._arrange()
        self._fill()

    def _arrange(self) -> None:
        self.open_button = push_button(self.tr("Open"), self._open, "primary")
        self.open_button.setDefault(True)
        self.forget_button = push_button(self.tr("Forget"), self._forget)
        self.forget_button.setToolTip(
            self.tr("Take it off this list; the file stays, unless nobody saved it")
        )
        cancel = push_button(self.tr("Cancel"), self.reject)
        buttons = hbox(self.forget_button, 1, cancel, self.open_button, gap=SMALL)
        # The sentence that there are none comes in the list's place.
        parts = (self.search, (self.list, 1), (self.none, 1), buttons)
        self.fill(*parts, wanted=QSize(560, 460))

    def _fill(self) -> None:
        search = self.search.text()
        self.list.clear()
        for entry in self._entries:
            if matches(entry, search):
                item = QListWidgetItem(self._said(entry))
                item.setToolTip("" if entry.kept else tip(entry.path))
                item.setData(Qt.ItemDataRole.UserRole, entry.path)
                self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.none.setText(
            self.tr("No session has all of these words.")
            if self._entries
            else self.tr("There are no sessions yet. Save one with Ctrl+S.")
        )
        self.none.setVisible(self.list.count() == 0)
        self.list.setVisible(self.list.count() > 0)
        self._refresh()

    def _said(self, entry: RecentSession) -> str:
        """Two lines: what it is called and when it was, then how it began."""
        when = QDateTime.fromSecsSinceEpoch(int(entry.saved))
        date = QLocale().toString(when, QLocale.FormatType.ShortFormat)
        name = self.tr("Not saved") if entry.kept else entry.name
        counts = self.tr("{pictures} pictures, {questions} questions").format(
            pictures=entry.pictures, questions=entry.questions
        )
        first = printable(entry.first_line)
        if len(first) > _LONGEST_LINE:
            first = first[: _LONGEST_LINE - 1] + "…"
        return f"{printable(name)} · {date} · {counts}\n{first}"

    def _refresh(self) -> None:
        chosen = self.list.currentItem() is not None
        self.open_button.setEnabled(chosen)
        self.forget_button.setEnabled(chosen)

    def _path(self) -> str:
        item = self.list.currentItem()
        return "" if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def _open(self) -> None:
        if path := self._path():
            self.accept()
            self.chosen.emit(path)

    def _forget(self) -> None:
        if path := self._path():
            self._entries = [entry for entry in self._entries if entry.path != path]
            self._fill()
            self.forgotten.emit(path)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """From the search the arrow keys walk the list; in the list Delete forgets."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if watched is self.search and step is not None:
                row = self.list.currentRow() + step
                self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
                return True
            if watched is self.list and event.key() == Qt.Key.Key_Delete:
                if not event.isAutoRepeat():  # one session each time
                    self._forget()
                return True
        return super().eventFilter(watched, event)
