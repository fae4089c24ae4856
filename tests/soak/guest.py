"""A visitor of an event, at the show: what children do to a screen that answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.ui.event.event_app import EventApp
from tests.soak.hands import PROMPTS, QUESTIONS, Hands

ACTIONS = {
    "ask": 20,
    "click": 40,
    "drag": 6,
    "press": 16,
    "type": 8,
    "drop": 10,
    "sample": 8,
    "draw": 4,
    "camera": 4,
    "souvenir": 3,
    "leave": 4,
    "nobody": 2,
    "language": 2,
    "resize": 2,
}
_TYPED = 30  # letters


class Guest(Hands):
    """Comes, asks, goes, and the next one comes."""

    acts = ACTIONS

    def __init__(self, show: EventApp, files: Sequence[Path], seed: int) -> None:
        super().__init__(show.window, files, seed)
        self._show, self._stage = show, show.stage

    def busy(self) -> bool:
        return self._stage.asker.busy

    def _wake(self) -> None:
        """As any touch does before it does anything else, while the samples play."""
        if self._stage.attract.playing:
            self._stage.reset()

    def _ask(self) -> None:
        self._wake()
        self._stage.ask(self.random.choice(QUESTIONS))
        if self.random.random() < 0.7:
            self.wait_for_answer()

    def _draw(self) -> None:
        self._wake()
        page = self._stage.window
        if page.start_page.draw.isVisible():
            page.start_page.draw.click()
            self._stage.desk.draw(self.random.choice(PROMPTS))

    def _type(self) -> None:
        """On a keyboard, or as an input method composes it, wherever the focus is."""
        text = self.random.choice(QUESTIONS)[:_TYPED]
        focus = QApplication.focusWidget() or self._window
        if self.random.random() < 0.3:
            composed = QInputMethodEvent(text, [])
            composed.setCommitString(text if self.random.random() < 0.5 else "")
            QApplication.sendEvent(focus, composed)
            return
        for letter in text:
            receiver = QApplication.focusWidget() or self._window
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                none = Qt.KeyboardModifier.NoModifier
                QApplication.sendEvent(receiver, QKeyEvent(kind, 0, none, letter))

    def _sample(self) -> None:
        self._wake()
        self._stage.open(self.random.choice(self._stage.samples).photo)

    def _camera(self) -> None:
        self._wake()
        self._show.window.start_page.camera.click()

    def _souvenir(self) -> None:
        """Where it is offered: after an answer, if the profile has one."""
        button = self._show.window.header.souvenir
        if button.isVisible():
            button.click()

    def _leave(self) -> None:
        """All that was this visitor's is forgotten."""
        self._stage.reset()

    def _nobody(self) -> None:
        """As if the time had passed after which the samples play by themselves."""
        self._stage.play()

    def _language(self) -> None:
        self._show.window.header.language.click()
