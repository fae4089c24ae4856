"""Brings back what was thrown away."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.ui.widgets.notices import Notice, Notices

MOST_STEPS = 20

_Step = tuple[Callable[[], None], Notice]


class Undo(QObject):
    """Ctrl+Z undoes the latest, the button in a notice its own; each works once."""

    available = Signal(bool)

    def __init__(self, notices: Notices) -> None:
        super().__init__(notices)
        self._notices = notices
        self._steps: list[_Step] = []

    def offer(self, sentence: str, undo: Callable[[], None]) -> None:
        notice = self._notices.offer_undo(sentence, lambda: self._run(step))
        step: _Step = undo, notice
        self._steps = [*self._steps, step][-MOST_STEPS:]
        self.available.emit(True)

    def undo(self) -> None:
        if self._steps:
            self._run(self._steps[-1])

    def _run(self, step: _Step) -> None:
        if step not in self._steps:
            return
        self._steps.remove(step)
        step[0]()
        self._notices.forget(step[1])
        self.available.emit(bool(self._steps))
