"""Four steps for who sees the window for the first time; none of them has to be taken."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import LARGE, MEDIUM, SMALL, restyle, scaled

_WIDTH = 360


class Tour(Retranslated, QFrame):
    """A card beside the pane that it speaks of. Esc and Skip end it, the window stays usable."""

    ended = Signal()
    about = Signal(object)  # the pane that a step speaks of

    def __init__(self, window: QWidget, panes: tuple[Pane, ...]) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self._window, self.panes, self.step = window, panes, 0
        self.title, self.text = Label(wraps=True, scale=1.2, bold=True), Label(wraps=True)
        self.count = Label(look="muted", wraps=True)
        self.skip_button = push_button(clicked=self.end, look="flat")
        self.back_button = push_button(clicked=lambda: self.go(self.step - 1))
        self.next_button = push_button(clicked=lambda: self.go(self.step + 1), look="primary")
        buttons = hbox(self.skip_button, 1, self.back_button, self.next_button, gap=SMALL)
        parts = (self.count, self.title, self.text, buttons)
        self._column = vbox(*parts, gap=SMALL, margins=(LARGE, MEDIUM, LARGE, MEDIUM))
        self.setLayout(self._column)
        self.setFixedWidth(scaled(_WIDTH))
        self.hide()
        self.retranslate_ui()
        window.installEventFilter(self)

    def begin(self) -> None:
        self.show()
        self.raise_()
        self.go(0)

    def go(self, step: int) -> None:
        """Beyond the last one is the end."""
        if step >= len(self.panes):
            self.end()
            return
        self._mark(False)
        self.step = max(0, step)
        self.about.emit(self.panes[self.step])
        self._mark(True)
        self.retranslate_ui()
        self.next_button.setFocus()
        announce(self, self.accessibleName())

    def end(self) -> None:
        if not self.isHidden():
            self._mark(False)
            self.hide()
            self.ended.emit()

    def go_on_from(self, step: int) -> None:
        """What a step speaks of was done."""
        if not self.isHidden() and self.step == step:
            self.go(step + 1)

    def _mark(self, marked: bool) -> None:
        pane = self.panes[self.step]
        pane.setProperty("drop", marked)
        restyle(pane)

    def _steps(self) -> tuple[tuple[str, str], ...]:
        return (
            (
                self.tr("Put a picture in"),
                self.tr(
                    "Drop one here, open one, or begin with a sample photo. "
                    "It stays on this computer."
                ),
            ),
            (
                self.tr("Ask about it"),
                self.tr("Type a question and press Enter, or choose one below it."),
            ),
            (
                self.tr("Read the answer"),
                self.tr(
                    "It comes word by word. Point at a word, or walk to it with the arrow keys."
                ),
            ),
            (
                self.tr("See where the model looked"),
                self.tr(
                    "The map belongs to the chosen word. While you read, the program measures "
                    "whether the word really needed the bright places."
                ),
            ),
        )

    def retranslate_ui(self) -> None:
        title, text = self._steps()[self.step]
        last = len(self.panes) - 1
        count = self.tr("Step {number} of {count}").format(number=self.step + 1, count=last + 1)
        self.count.setText(count)
        self.title.setText(title)
        self.text.setText(text)
        self.setAccessibleName(f"{count}: {title}. {text}")
        self.skip_button.setText(self.tr("Skip the tour"))
        self.back_button.setText(self.tr("Back"))
        self.next_button.setText(self.tr("Done") if self.step == last else self.tr("Next"))
        self.back_button.setEnabled(self.step > 0)
        self._place()

    def _place(self) -> None:
        """Beside the pane, on the side where there is more room."""
        self._column.activate()  # its texts are new
        self.resize(self.width(), self._column.totalHeightForWidth(self.width()))
        pane, window = self.panes[self.step], self._window
        corner = pane.mapTo(window, QPoint(0, 0))
        on_left = corner.x() + pane.width() / 2 < window.width() / 2
        beside = corner.x() + pane.width() + MEDIUM if on_left else corner.x() - self.width()
        below = corner.y() + (pane.height() - self.height()) // 2
        room = window.size() - self.size()
        self.move(
            min(max(0, beside - (0 if on_left else MEDIUM)), max(0, room.width())),
            min(max(0, below), max(0, room.height())),
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Esc is the tour's while the focus is in it, not the answer's."""
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if escape and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        else:
            super().keyPressEvent(event)
