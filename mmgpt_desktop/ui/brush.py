"""The other direction: a place of the photo is brushed, and the words that needed it light up."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Slot

from mmgpt_desktop.attention.methods import LEAST_NEED
from mmgpt_desktop.messages import Method
from mmgpt_desktop.ui.answer_view import AnswerView
from mmgpt_desktop.ui.drawing import AnswerMaps, Look
from mmgpt_desktop.ui.heatmap_view import HeatmapView
from mmgpt_desktop.ui.heatmaps import Heatmaps
from mmgpt_desktop.ui.session import Turn, chosen_word, printable
from mmgpt_desktop.ui.texts import error_title

LEAST_PART = 0.5  # of the most that any place costs the word


def needs(turn: Turn, cells: frozenset[int]) -> dict[int, float] | None:
    """The words that needed one of `cells`, with how much, from `LEAST_PART` to 1.

    The strength is the largest cost of hiding among `cells`, as a part of the largest anywhere.
    None while occlusion has measured nothing.
    """
    found = turn.findings.maps.get(Method.OCCLUSION)
    if found is None:
        return None
    maps, places = AnswerMaps(Look(Method.OCCLUSION), (), found), sorted(cells)
    needed = {}
    for index, word in enumerate(turn.words):
        costs = np.nan_to_num(maps.cells(word.start, word.stop)).ravel()
        most, here = float(costs.max()), float(costs[places].max())
        if most >= LEAST_NEED and here >= LEAST_PART * most:
            needed[index] = here / most
    return needed


class Brush(QObject):
    """Lights up words for what is brushed, also while occlusion is still finding out."""

    def __init__(self, view: HeatmapView, answer: AnswerView, heatmaps: Heatmaps) -> None:
        super().__init__(view)
        self._view, self._answer, self._heatmaps = view, answer, heatmaps
        self._cells: frozenset[int] = frozenset()
        self._turn: Callable[[], Turn | None] = lambda: None  # weak: it may be thrown away

    @Slot(object)
    def take(self, cells: frozenset[int]) -> None:
        chosen = self._heatmaps.chosen
        self._cells = cells
        self._turn = weakref.ref(chosen[0]) if chosen is not None else lambda: None
        self.refresh()

    @Slot(object, object)
    def maps_changed(self, turn: Turn, method: Method) -> None:
        if turn is self._turn() and method is Method.OCCLUSION and self._cells:
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        turn = self._turn()
        if turn is None or not self._cells:
            self._answer.light(None, {})
            self._view.set_note("")
            return
        needed = needs(turn, self._cells)
        self._answer.light(turn, needed or {})
        self._view.set_note(self._sentence(turn, needed))

    def _sentence(self, turn: Turn, needed: dict[int, float] | None) -> str:
        if Method.OCCLUSION in turn.findings.failed:
            return error_title(turn.findings.failed[Method.OCCLUSION])
        if needed is None:
            return self.tr("What the words needed is not measured yet.")
        words = (printable(chosen_word(turn, index).text) for index in needed)
        text = ", ".join(f"“{word}”" for word in words)
        said = self.tr("Needed this place: {words}").format(words=text)
        if not needed:
            said = self.tr("No word needed this place more than others.")
        if not turn.findings.complete(Method.OCCLUSION):
            said += " · " + self.tr("still being measured")
        return said
