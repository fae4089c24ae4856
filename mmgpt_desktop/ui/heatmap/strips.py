"""Draws the small maps of all words of an answer."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage

from mmgpt_desktop.attention.answer_maps import AnswerMaps
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.chat.word_strip import ICON, WordStrip
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.drawing import draw_strip
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.worker import TaskThread

_SHARP = 2  # pictures are drawn as many times as large, for screens with small pixels
_SETTLE_MS = 120  # while words stream in, or occlusion refines


class Strips(QObject):
    """Has the strip drawn anew when another answer, or another map of it, is in view."""

    def __init__(self, strip: WordStrip, heatmaps: Heatmaps, thread: TaskThread) -> None:
        super().__init__(strip)
        self._strip, self._heatmaps, self._thread = strip, heatmaps, thread
        self._turn: Turn | None = None
        self._shown_for: object = None
        self._drawing = CancelToken()
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self._draw)
        heatmaps.looked.connect(self.refresh)
        strip.word_chosen.connect(self._choose)
        strip.word_hovered.connect(self._hover)

    def _wanted(self) -> tuple[Turn, int, AnswerMaps, Photo] | None:
        """The answer of the chosen word, the word, and what its pictures are made of."""
        chosen, photo = self._heatmaps.chosen, self._heatmaps.photo
        maps = self._heatmaps.answer_maps(chosen[0]) if chosen is not None else None
        return None if chosen is None or maps is None or photo is None else (*chosen, maps, photo)

    def refresh(self) -> None:
        wanted = self._wanted()
        if wanted is None:
            self._shown_for, self._turn = None, None
            self._drawing.cancel()
            self._strip.hide()
            return
        turn, word, maps, _ = wanted
        if turn is self._turn:
            self._strip.mark(word)
        if (maps, self._heatmaps.style) != self._shown_for:
            self._settled.start()

    def _draw(self) -> None:
        if (wanted := self._wanted()) is None:
            return
        self._turn, _, maps, photo = wanted
        style = self._heatmaps.style
        self._shown_for = maps, style
        self._drawing.cancel()
        words = tuple(word.span for word in self._turn.words)
        small, size = levels_of(photo)[-1], ICON * _SHARP
        self._drawing = self._thread.submit(
            lambda task: draw_strip(maps, words, small, size, style, task), self._show
        )

    def _show(self, pictures: tuple[QImage, ...]) -> None:
        chosen = self._heatmaps.chosen
        if self._turn is None or chosen is None:
            return
        words = [printable(word.bare) for word in self._turn.words[: len(pictures)]]
        self._strip.show_words(words, pictures)
        self._strip.mark(chosen[1] if chosen[0] is self._turn else -1)
        self._strip.show()

    def _choose(self, word: int) -> None:
        if self._turn is not None:
            self._heatmaps.choose(self._turn, word)

    def _hover(self, word: int) -> None:
        self._heatmaps.hover(self._turn if word >= 0 else None, max(0, word))
