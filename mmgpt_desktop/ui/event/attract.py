"""Plays the samples while nobody is there: real questions, real answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.event.profile import EventSample
from mmgpt_desktop.messages import PatchGrid
from mmgpt_desktop.ui.event.answer_page import AnswerPage
from mmgpt_desktop.ui.event.asking import PacedAsker
from mmgpt_desktop.ui.event.asking_area import as_said
from mmgpt_desktop.ui.event.show_views import key_word
from mmgpt_desktop.ui.event.visit import Visit
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
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
        samples: tuple[EventSample, ...],
        visit: Visit,
        asker: PacedAsker,
        page: AnswerPage,
        heatmaps: Heatmaps,
        speed: float,
    ) -> None:
        super().__init__()
        self._theme, self._visit, self._asker = theme, visit, asker
        self._page, self._heatmaps = page, heatmaps
        self.speed = speed
        self.playing = self._frozen = self._due = False  # due: while it was frozen
        self._rounds = _rounds(samples)
        self._question = ""
        self._typed = 0
        self._next: Callable[[], None] = self._play_next
        self.timer = QTimer(self, singleShot=True)
        self.timer.timeout.connect(self._go_on)
        visit.changed.connect(self._see)
        visit.refused.connect(self._skip)
        asker.ended.connect(self._read)
        asker.failed.connect(self._skip)

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
            self._next = self._play_next  # lets the answer go that was walked through
            self._page.set_playing(False)
            self.playing_changed.emit(False)

    def freeze(self, frozen: bool) -> None:
        self._frozen = frozen
        if self._due and not frozen:
            self._go_on()

    def _go_on(self) -> None:
        self._due = self.playing and self._frozen
        if self.playing and not self._frozen:
            self._next()

    def _after(self, milliseconds: int, then: Callable[[], None]) -> None:
        self._next = then
        self.timer.start(round(milliseconds / self.speed))

    def _play_next(self) -> None:
        sample, self._question = next(self._rounds)
        self._typed = 0
        self._visit.reset()
        self._visit.open(sample.photo)

    def _see(self, conversation: Conversation) -> None:
        if self.playing and conversation.photo is not None:
            self._page.type_question("")
            self._page.explain(self.tr("A picture goes in."))
            self._after(_LOOK, self._type)

    def _type(self) -> None:
        """Letter by letter, unless nothing is to move by itself."""
        self._page.explain(self.tr("Somebody asks a question about it."))
        question = as_said(self._question)
        self._typed = len(question) if self._theme.still else self._typed + 1
        self._page.type_question(question[: self._typed])
        done = self._typed >= len(question)
        self._after(_READ if done else _LETTER, self._ask if done else self._type)

    def _ask(self) -> None:
        self._page.explain(
            self.tr("The AI writes word by word. The bright places are where it looks.")
        )
        if not self._asker.ask(self._visit.current, self._question):
            self._after(_READ, self._play_next)

    def _read(self, turn: Turn) -> None:
        if self.playing:
            self._after(_REST // 2, partial(self.point, turn, 0))

    def point(self, turn: Turn, word: int) -> None:
        """Each word's place again, slowly; the key word last."""
        if turn not in self._visit.current.turns:
            self._play_next()
        elif word == len(turn.words):
            self._rest(turn)
        else:
            self._page.explain(self.tr("Each word has bright places of its own."))
            self._heatmaps.choose(turn, word)
            self._after(_WORD, partial(self.point, turn, word + 1))

    def _rest(self, turn: Turn) -> None:
        self._page.explain(self._about_cells(turn))
        if turn.words:
            self._heatmaps.choose(turn, key_word(turn))
        self._after(_REST, self._play_next)

    def _about_cells(self, turn: Turn) -> str:
        attention = turn.steps[-1].attention if turn.steps else None
        grid: PatchGrid | None = attention.grid if attention is not None else None
        if grid is None:
            return ""
        return self.tr(
            "To the AI, the picture is a grid of {rows} by {columns} little squares."
        ).format(rows=grid.rows, columns=grid.columns)

    def _skip(self) -> None:
        if self.playing:
            self._after(_READ, self._play_next)


def _rounds(samples: tuple[EventSample, ...]) -> Iterator[tuple[EventSample, str]]:
    """Each round another question of each sample."""
    for turn in itertools.count():
        for sample in samples:
            yield sample, sample.questions[turn % len(sample.questions)]
