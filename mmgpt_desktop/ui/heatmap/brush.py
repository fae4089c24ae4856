"""The other direction: a place of the photo is brushed, and the words that needed it light up."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.attention.maps import brightest
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.methods import Method
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.chat.answer_view import AnswerView
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmap_view import HeatmapView
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.cell_view import CellView
from mmgpt_desktop.ui.widgets.texts import error_title

LEAST_PART = 0.5  # of the brightest: as bright a place is needed
_OCCLUSION = MapChoice(Method.OCCLUSION)


def needs(turn: Turn, cells: frozenset[int], *, whole: bool = False) -> dict[int, float] | None:
    """The words that needed one of `cells`, with how much, from `LEAST_PART` to 1.

    One rule with the map and the check: a word needs the places where its own occlusion map
    is at least half as bright as can be. Where the check says that the word needs what is
    bright, its map's brightest place is as bright as can be, however little it cost by itself.
    With `whole` the whole answer's map is in view: where that is bright and no word's own map
    is, the words that hiding it cost most. None while occlusion has measured nothing.
    """
    maps, places = turn.answer_maps(_OCCLUSION), sorted(cells)
    if maps is None:
        return None
    needed = {}
    for index, word in enumerate(turn.words):
        proven = turn.verdict(_OCCLUSION, index) in (Verdict.MATTERED, Verdict.PARTLY)
        bright = brightest(Method.OCCLUSION, maps.cells(*word.span), places, own=proven)
        if bright >= LEAST_PART:
            needed[index] = bright
    if not needed and whole:
        return _dearest(turn, maps, places)
    return needed


def _dearest(turn: Turn, maps: AnswerMaps, places: Sequence[int]) -> dict[int, float]:
    """The words that hiding the places cost most, where the whole answer's map is bright."""
    together = maps.cells(0, len(turn.steps))
    if brightest(Method.OCCLUSION, together, places) < LEAST_PART:
        return {}
    costs = [
        float(np.nan_to_num(maps.cells(*word.span)).ravel()[list(places)].max())
        for word in turn.words
    ]
    most = max(costs)
    return {index: cost / most for index, cost in enumerate(costs) if cost >= LEAST_PART * most}


class Brush(QObject):
    """Lights up words for what is brushed, also while occlusion is still finding out.

    The brush goes with Esc, with a click beside the photo and with the word that was chosen.
    """

    def __init__(
        self, view: HeatmapView, answer: AnswerView, heatmaps: Heatmaps, explainer: Explainer
    ) -> None:
        super().__init__(view)
        self._view, self._answer, self._heatmaps = view, answer, heatmaps
        explainer.maps_changed.connect(self.maps_changed)
        explainer.checked.connect(self.checked)
        if isinstance(view.view, CellView):
            view.view.brushed.connect(self.take)
        self._cells: frozenset[int] = frozenset()
        self._word: int | None = None  # None: the whole answer
        self._turn: Callable[[], Turn | None] = lambda: None  # weak: it may be thrown away
        heatmaps.looked.connect(self._look)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Of the window: keys and clicks that nothing in it wanted."""
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        pressed = event.type() == QEvent.Type.MouseButtonPress
        if self._cells and (pressed or (escape and event.type() == QEvent.Type.KeyPress)):
            self.clear()
        return super().eventFilter(watched, event)

    def clear(self) -> None:
        if isinstance(self._view.view, CellView):
            self._view.view.clear_brush()

    def take(self, cells: frozenset[int]) -> None:
        turn, self._word = self._choice()
        self._cells = cells
        self._turn = weakref.ref(turn) if turn is not None else lambda: None
        self.refresh()

    def _choice(self) -> tuple[Turn | None, int | None]:
        """The chosen word's answer and place; no place for the whole answer."""
        turn, word = self._heatmaps.chosen or (None, None)
        return turn, None if self._view.whole else word

    def _look(self) -> None:
        if self._cells and self._choice() != (self._turn(), self._word):
            self.clear()

    def maps_changed(self, turn: Turn, method: Method) -> None:
        if turn is self._turn() and method is Method.OCCLUSION and self._cells:
            self.refresh()

    def checked(self, turn: Turn, _word: int) -> None:
        self.maps_changed(turn, Method.OCCLUSION)

    def refresh(self) -> None:
        turn = self._turn()
        if turn is None or not self._cells:
            self._answer.light(None, {})
            self._view.set_note("")
            return
        whole = self._view.whole and self._view.method is Method.OCCLUSION
        needed = needs(turn, self._cells, whole=whole)
        self._answer.light(turn, needed or {})
        self._view.set_note(self._sentence(turn, needed))

    def _sentence(self, turn: Turn, needed: dict[int, float] | None) -> str:
        if Method.OCCLUSION in turn.failed:
            return error_title(turn.failed[Method.OCCLUSION])
        if needed is None:
            return self.tr("What the words needed is not measured yet.")
        words = (printable(turn.words[index].bare) for index in needed)
        text = ", ".join(f"“{word}”" for word in words)
        said = self.tr("Less sure without this place: {words}").format(words=text)
        if not needed:
            said = self.tr("No word needs this place more than others.")
        if not turn.is_measured(Method.OCCLUSION):
            said += " · " + self.tr("still being measured")
        return said
