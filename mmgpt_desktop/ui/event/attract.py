"""Plays the samples while nobody is there: real questions, real answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.event.profile import EventSample, Profile
from mmgpt_desktop.messages import PatchGrid
from mmgpt_desktop.ui.event.answer_page import AnswerPage
from mmgpt_desktop.ui.event.asking_area import as_said
from mmgpt_desktop.ui.event.dialogue import Dialogue
from mmgpt_desktop.ui.event.show_views import key_word
from mmgpt_desktop.ui.event.visit import Visit
from mmgpt_desktop.ui.widgets.texts import usual_question
from mmgpt_desktop.ui.widgets.theme import Theme

# Milliseconds at speed 1.
_LOOK, _LETTER, _READ, _WORD, _REST = 2600, 70, 900, 1100, 5200


class Attract(QObject):
    """One sample after the other, each with one of its questions, until it is stopped.

    What fails is left out: the next sample comes.
    """

    playing_changed = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        profile: Profile,
        visit: Visit,
        page: AnswerPage,
        dialogue: Dialogue,
    ) -> None:
        super().__init__()
        self._theme, self._visit, self._page = theme, visit, page
        self._asker, self._heatmaps = dialogue.asker, dialogue.heatmaps
        self.speed = profile.show.speed
        self.playing = self._frozen = self._due = False  # due: while it was frozen
        self._rounds = _rounds(profile.samples)
        self._question = ""
        self._steps: Iterator[int] = iter(())
        self.timer = QTimer(self, singleShot=True)
        self.timer.timeout.connect(self._go_on)
        visit.changed.connect(self._see)
        visit.refused.connect(self._skip)
        self._asker.ended.connect(self._read)
        self._asker.failed.connect(self._skip)

    def start(self) -> None:
        if not self.playing:
            self.playing = True
            self._page.set_playing(True)
            self.playing_changed.emit(True)
            self._play_next()

    def stop(self) -> None:
        """At once; whoever stops it resets the visit."""
        if self.playing:
            self.playing = False
            self.timer.stop()
            self._due = False
            self._steps = iter(())  # lets the answer go that was walked through
            self._page.set_playing(False)
            self.playing_changed.emit(False)

    def freeze(self, frozen: bool) -> None:
        self._frozen = frozen
        if self._due and not frozen:
            self._go_on()

    def _run(self, steps: Iterator[int]) -> None:
        """Between them pass the milliseconds at speed 1 that they give."""
        if self.playing:
            self._steps = steps
            self._go_on()

    def _go_on(self) -> None:
        self._due = self.playing and self._frozen
        if self.playing and not self._frozen:
            wait = next(self._steps, None)
            if wait is not None:
                self.timer.start(round(wait / self.speed))

    def _play_next(self) -> None:
        sample, self._question = next(self._rounds)
        self._visit.reset()
        self._visit.open(sample.photo)

    def _see(self, conversation: Conversation) -> None:
        if conversation.photo is not None:
            self._run(self._asking())

    def _read(self, turn: Turn) -> None:
        self._run(self._walking(turn))

    def _skip(self) -> None:
        self._run(self._leaving_out())

    def _asking(self) -> Iterator[int]:
        """Letter by letter, unless nothing is to move by itself."""
        self._page.type_question("")
        self._page.explain(self.tr("A picture goes in."))
        yield _LOOK
        self._page.explain(self.tr("Somebody asks a question about it."))
        question = as_said(self._question)
        for typed in range(len(question) if self._theme.still else 1, len(question) + 1):
            self._page.type_question(question[:typed])
            yield _LETTER
        yield _READ
        self._page.explain(
            self.tr("The AI writes word by word. The bright places are where it looks.")
        )
        asked = usual_question(self._question, self._asker.model)
        if not self._asker.ask(self._visit.current, asked):
            yield from self._leaving_out()

    def _walking(self, turn: Turn) -> Iterator[int]:
        """Each word's place again, slowly; the key word last."""
        yield _REST // 2
        for word in range(len(turn.words)):
            if turn not in self._visit.current.turns:
                break
            self._page.explain(self.tr("Each word has bright places of its own."))
            self._heatmaps.choose(turn, word)
            yield _WORD
        if turn in self._visit.current.turns:
            self._page.explain(self._about_cells(turn))
            if turn.words:
                self._heatmaps.choose(turn, key_word(turn))
            yield _REST
        self._play_next()

    def _leaving_out(self) -> Iterator[int]:
        yield _READ
        self._play_next()

    def _about_cells(self, turn: Turn) -> str:
        attention = turn.steps[-1].attention if turn.steps else None
        grid: PatchGrid | None = attention.grid if attention is not None else None
        if grid is None:
            return ""
        return self.tr(
            "To the AI, the picture is a grid of {rows} by {columns} little squares."
        ).format(rows=grid.rows, columns=grid.columns)


def _rounds(samples: tuple[EventSample, ...]) -> Iterator[tuple[EventSample, str]]:
    """Each round another question of each sample."""
    for turn in itertools.count():
        for sample in samples:
            yield sample, sample.questions[turn % len(sample.questions)]
