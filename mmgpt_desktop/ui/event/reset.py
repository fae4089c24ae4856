"""Notices that nobody is there any more: then the samples play, or a visit is over."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QWidget

from mmgpt_desktop.event.profile import ShowTimes
from mmgpt_desktop.ui.event.cards import Cover, words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated

_SECOND_MS = 1000


class Countdown(Retranslated, Cover):
    """Over everything: any touch and any key say that somebody is there."""

    stayed = Signal()
    left = Signal()

    def __init__(self, scale: Scale, parent: QWidget) -> None:
        super().__init__(parent)
        self.heading, self.note = words("huge", centred=True), words("body", centred=True)
        self.count = words("count", centred=True)
        self.stay = push_button(clicked=self.stayed, look="primary")
        self.leave = push_button(clicked=self.left)
        plate = QFrame()
        plate.setObjectName("plate")
        inside = scale.vbox(self.heading, self.count, self.note, gap=2, margin=5)
        plate.setLayout(inside)
        inside.addSpacing(scale.px(2))
        inside.addLayout(scale.hbox(self.leave, (self.stay, 1), gap=2))
        self.setLayout(hbox(1, (plate, 2, Qt.AlignmentFlag.AlignVCenter), 1))
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.heading.setText(self.tr("Are you still there?"))
        self.note.setText(
            self.tr("If not, your picture and your questions are deleted for the next visitor.")
        )
        self.stay.setText(self.tr("I'm still here"))
        self.leave.setText(self.tr("I'm done"))

    def say(self, seconds: int) -> None:
        self.count.setText(str(seconds))
        if self.isHidden():
            self.cover(self.stay)
            announce(self, f"{self.heading.text()} {self.note.text()}")

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.stayed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        self.stayed.emit()


class Idle(QObject):
    """Without a visit: `idle` after `idle_s`. With one: a countdown after `reset_s`, then `over`.

    `notice` tells of all that comes in, `touch` that somebody is there for sure. `held` while a
    presenter decides.
    """

    idle = Signal()
    counting = Signal(int)  # seconds left; 0 when somebody is there after all
    over = Signal()

    def __init__(self, show: ShowTimes) -> None:
        super().__init__()
        self._show = show
        self._visiting = self._held = False
        self._left = 0
        self.quiet = QTimer(self, singleShot=True)
        self.quiet.timeout.connect(self._take_quiet)
        self.second = QTimer(self, interval=_SECOND_MS)
        self.second.timeout.connect(self._count)

    @property
    def visiting(self) -> bool:
        return self._visiting

    def set_visiting(self, visiting: bool) -> None:
        self._visiting = visiting
        self.touch()

    def hold(self, held: bool) -> None:
        self._held = held
        self.touch()

    def notice(self) -> None:
        """While it counts, the countdown itself takes what comes in: one may be done."""
        if not self.second.isActive():
            self.touch()

    def touch(self) -> None:
        """Somebody is there."""
        if self.second.isActive():
            self.second.stop()
            self.counting.emit(0)
        if self._held:
            self.quiet.stop()
        else:
            wait = self._show.reset_s if self._visiting else self._show.idle_s
            self.quiet.start(round(wait * 1000))

    def stop(self) -> None:
        self.quiet.stop()
        self.second.stop()

    def _take_quiet(self) -> None:
        if not self._visiting:
            self.idle.emit()
            return
        self._left = round(self._show.countdown_s)
        self.counting.emit(self._left)
        self.second.start()

    def _count(self) -> None:
        self._left -= 1
        if self._left > 0:
            self.counting.emit(self._left)
        else:
            self.second.stop()
            self.counting.emit(0)
            self.over.emit()
