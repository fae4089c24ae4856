"""The way out: a number pad of our own, or keys that the profile names."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QWidget

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.event import pin
from mmgpt_desktop.event.pin_tries import Tries
from mmgpt_desktop.event.profile import CHORD, EventLock
from mmgpt_desktop.ui.event.cards import Cover, words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Own, Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import Task, TaskThread

FREE_TRIES = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 900
_MOST_DIGITS = 12
_QUIET_MS = 20_000
_DOT = "\u2022"


class PinPad(Own, Retranslated, Cover):
    """Over everything, in the organiser's language; goes away by itself when nobody touches it."""

    entered = Signal(str)

    def __init__(self, theme: Theme, scale: Scale, parent: QWidget) -> None:
        super().__init__(parent)
        self._scale, self._typed = scale, ""
        self.heading, self.dots = words("title", centred=True), words("huge", centred=True)
        self.note = words("problem", centred=True)
        self.keys = [push_button(key, partial(self._type, key), "digit") for key in "0123456789"]
        self.erase = push_button(clicked=self._erase, look="digit")
        self.enter = push_button(clicked=self._enter, look="digit")
        self.back = push_button(clicked=self.leave)
        self.quiet = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self.quiet.timeout.connect(self.leave)
        self._arrange()
        scale.set_icon(self.erase, theme, "backspace", 4)
        self.retranslate_ui()

    def _arrange(self) -> None:
        plate = QFrame()
        plate.setObjectName("plate")
        grid = self._scale.grid(gap=1)
        for digit in range(1, 10):
            grid.addWidget(self.keys[digit], (digit - 1) // 3, (digit - 1) % 3)
        grid.addWidget(self.erase, 3, 0)
        grid.addWidget(self.keys[0], 3, 1)
        grid.addWidget(self.enter, 3, 2)
        parts = (self.heading, self.dots, self.note, grid, self.back)
        plate.setLayout(self._scale.vbox(*parts, gap=1.6, margin=4))
        self.setLayout(hbox(5, (plate, 4, Qt.AlignmentFlag.AlignVCenter), 5))

    def retranslate_ui(self) -> None:
        self.heading.setText(self.tr("PIN of the organiser"))
        self.back.setText(self.tr("Back"))
        self.enter.setText(self.tr("OK"))
        self.erase.setAccessibleName(self.tr("Erase the last digit"))

    def ask(self) -> None:
        self._clear()
        self.note.setText("")
        self.cover(self.keys[5] if self.keys[5].isEnabled() else self.back)
        self.activateWindow()  # it may have been asked for in another one
        self.quiet.start()
        announce(self, self.heading.text())

    def leave(self) -> None:
        self._clear()
        self.quiet.stop()
        self.hide()

    def refuse(self, seconds: int) -> None:
        """The PIN was wrong; with `seconds` the next one has to wait so long."""
        self._clear()
        said = self.tr("This PIN is wrong.")
        if seconds:
            said = self.tr("This PIN is wrong. Wait {seconds} seconds.").format(seconds=seconds)
        self.note.setText(said)
        announce(self, said)
        self.set_open(seconds == 0)

    def wait_is_over(self) -> None:
        self.note.setText("")
        self.set_open(True)

    def set_open(self, opened: bool) -> None:
        for button in (*self.keys, self.erase, self.enter):
            button.setEnabled(opened)
        if opened and self.isVisible():
            self.keys[5].setFocus()

    def _type(self, digit: str, _checked: bool = False) -> None:
        self._typed = (self._typed + digit)[:_MOST_DIGITS]
        self._show_dots()

    def _erase(self) -> None:
        self._typed = self._typed[:-1]
        self._show_dots()

    def _clear(self) -> None:
        self._typed = ""
        self._show_dots()

    def _show_dots(self) -> None:
        self.dots.setText(_DOT * len(self._typed) or " ")
        self.quiet.start()

    def _enter(self) -> None:
        typed = self._typed
        self._clear()
        if typed:
            self.entered.emit(typed)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key, text = event.key(), event.text()
        enter = key in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if key == Qt.Key.Key_Escape or (enter and self.back.hasFocus()):
            self.leave()
        elif not self.enter.isEnabled():
            return
        elif text.isascii() and text.isdigit():
            self._type(text)
        elif key == Qt.Key.Key_Backspace or (enter and self.erase.hasFocus()):
            self._erase()
        elif enter:
            self._enter()


class ExitLock(QObject):
    """`opened` says what the PIN or the keys were for.

    Each wrong PIN after the first three makes the next one wait twice as long, also if the pad
    was left meanwhile, or the program was started again.
    """

    LEAVE, PRESENT = "leave", "present"
    opened = Signal(str)

    def __init__(self, lock: EventLock, pad: PinPad, thread: TaskThread, tries: Tries) -> None:
        super().__init__()
        self._lock, self._pad, self._thread, self._tries = lock, pad, thread, tries
        chord = lock.chord or CHORD
        self._chord = QKeySequence(chord)
        self._present = QKeySequence(f"{chord.rpartition('+')[0]}+F9")
        self._purpose = self.LEAVE
        self._checking = CancelToken()
        self.waiting = QTimer(self, singleShot=True)
        self.waiting.timeout.connect(pad.wait_is_over)
        if wait := wait_after(tries.wrong):  # before the restart
            self.waiting.start(wait * 1000)
        pad.entered.connect(self._check)

    @property
    def asks(self) -> bool:
        return self._pad.isVisible()

    def take_key(self, event: QKeyEvent) -> bool:
        """Whether these were the keys of the way out, or with F9 those to present."""
        purposes = ((self._chord, self.LEAVE), (self._present, self.PRESENT))
        pressed = QKeySequence(event.keyCombination())
        purpose = next((purpose for keys, purpose in purposes if keys == pressed), None)
        if purpose is None:
            return False
        if self._lock.chord is not None:
            self.opened.emit(purpose)
        else:
            self.ask(purpose)
        return True

    def ask(self, purpose: str) -> None:
        """For the PIN; without one the keys alone open anything."""
        if self._lock.pin is not None:
            self._purpose = purpose
            self._pad.ask()
            if self.waiting.isActive():
                self._pad.refuse(math.ceil(self.waiting.remainingTime() / 1000))

    def leave(self) -> None:
        """From the presenter's window, which is the organiser's."""
        if self._lock.pin is not None:
            self.ask(self.LEAVE)
        else:
            self.opened.emit(self.LEAVE)

    def _check(self, typed: str) -> None:
        hashed = self._lock.pin
        if hashed is None:
            return
        self._pad.set_open(False)  # a hash takes its time

        tries = self._tries

        def work(_task: Task) -> bool:
            tries.begin()
            if right := pin.matches(typed, hashed):
                tries.succeed()
            return right

        self._checking.cancel()
        self._checking = self._thread.submit(work, self._take)

    def _take(self, right: bool) -> None:
        self._pad.set_open(True)
        if right:
            self._pad.leave()
            self.opened.emit(self._purpose)
            return
        wait = wait_after(self._tries.wrong)
        self._pad.refuse(wait)
        if wait:
            self.waiting.start(wait * 1000)


def wait_after(wrong: int) -> int:
    """Seconds to wait after so many wrong PINs in a row."""
    if wrong < FREE_TRIES:
        return 0
    return min(LONGEST_WAIT_S, int(FIRST_WAIT_S * 2.0 ** min(wrong - FREE_TRIES, 16)))
