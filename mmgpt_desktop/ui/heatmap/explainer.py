"""Has the engine find out what the words of an answer needed, while nothing else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Check, Explanation, Found
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.chat.conversation import Turn
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.worker import EngineThread


@dataclass(frozen=True)
class Piece:
    """One thing to find out: a method's maps, or with `word` a check of them."""

    choice: MapChoice
    word: int | None = None


@dataclass(frozen=True, eq=False)
class _Running:
    turn: Turn
    piece: Piece
    explanation: Explanation
    cancel: CancelToken


class Explainer(QObject):
    """One piece at a time goes to the engine: the map in view, the check of the chosen word,
    what occlusion finds, then the checks of the other words.

    `pause` before the engine is asked something else, `resume` when that is over: what was
    begun is thrown away then and begun anew. All in the GUI thread. Unless it `occludes`, that
    is left out where it is not the method in view.
    """

    maps_changed = Signal(object, object)  # Turn, Method
    checked = Signal(object, int)  # Turn, word
    changed = Signal()  # what runs, what was found or what failed

    def __init__(self, engine: EngineThread, heatmaps: Heatmaps, *, occludes: bool = True) -> None:
        super().__init__(heatmaps)
        self._occludes = occludes
        self._engine, self._heatmaps = engine, heatmaps
        self._running: _Running | None = None
        self._paused = 0
        engine.maps_found.connect(self._take_maps)
        engine.checked.connect(self._take_check)
        engine.explain_failed.connect(self._fail)
        heatmaps.looked.connect(self.go_on)
        self.maps_changed.connect(heatmaps.maps_changed)

    @Slot()
    def pause(self) -> None:
        """Give the engine back at once; each pause needs its own resume."""
        self._paused += 1
        if self._running is not None:
            self._running.cancel.cancel()
            self._running = None
            self.changed.emit()

    @Slot()
    def resume(self) -> None:
        self._paused -= 1
        self.go_on()

    @property
    def busy(self) -> bool:
        return self._running is not None

    @Slot()
    def go_on(self) -> None:
        """Begin what is wanted most, if nothing runs."""
        chosen = self._heatmaps.chosen
        if self._paused or self._running is not None or chosen is None:
            return
        turn, word = chosen
        explanation = turn.explanation if turn.outcome is not None else None
        if explanation is None or self._heatmaps.is_anothers(turn) or self._heatmaps.place(turn):
            return
        piece = next(self._wanted(turn, word), None)
        if piece is not None:
            cancel = self._begin(turn, explanation, piece)
            self._running = _Running(turn, piece, explanation, cancel)
            self.changed.emit()

    def _wanted(self, turn: Turn, word: int) -> Iterator[Piece]:
        choice, found = self._heatmaps.map_choice(turn), turn.findings
        occlusion = MapChoice(Method.OCCLUSION)
        if self._lacks_maps(turn, choice):
            yield Piece(choice)
        complete = found.complete(choice.method)
        checkable = complete and self._heatmaps.answer_maps(turn) is not None
        words = [word, *(each for each in range(len(turn.words)) if each != word)]
        checks = [
            Piece(choice, each)
            for each in words
            if checkable and found.check_failed is None and (choice, each) not in found.checks
        ]
        yield from checks[:1] if checks and checks[0].word == word else ()
        if self._occludes and self._lacks_maps(turn, occlusion):
            yield Piece(occlusion)
        yield from checks

    def _lacks_maps(self, turn: Turn, choice: MapChoice) -> bool:
        found = turn.findings
        return choice.method not in found.failed and not found.complete(choice.method)

    def _begin(self, turn: Turn, explanation: Explanation, piece: Piece) -> CancelToken:
        choice = piece.choice
        if piece.word is None:
            return self._engine.explain(explanation, choice.method)
        maps = self._heatmaps.answer_maps(turn)
        assert maps is not None
        word = turn.words[piece.word]
        span = slice(word.start, word.stop)
        cells = maps.cells(word.start, word.stop)
        return self._engine.check(explanation, span, cells, choice.method)

    def _end(self, explanation: Explanation) -> _Running | None:
        """What runs, if this belongs to it: later news of what was cancelled are dropped."""
        running = self._running
        return running if running is not None and running.explanation is explanation else None

    @Slot(object, object)
    def _take_maps(self, explanation: Explanation, found: Found) -> None:
        running = self._end(explanation)
        if running is None:
            return
        findings, method = running.turn.findings, running.piece.choice.method
        findings.take(method, found)
        if findings.complete(method):
            self._running = None
        self.maps_changed.emit(running.turn, method)
        self.changed.emit()
        self.go_on()

    @Slot(object, object)
    def _take_check(self, explanation: Explanation, check: Check) -> None:
        running = self._end(explanation)
        if running is None or running.piece.word is None:
            return
        self._running = None
        running.turn.findings.checks[running.piece.choice, running.piece.word] = check
        self.checked.emit(running.turn, running.piece.word)
        self.changed.emit()
        self.go_on()

    @Slot(object, object)
    def _fail(self, explanation: Explanation, error: AppError) -> None:
        running = self._end(explanation)
        if running is None:
            return
        self._running = None
        found, method = running.turn.findings, running.piece.choice.method
        if running.piece.word is None:
            found.failed[method] = error
            self.maps_changed.emit(running.turn, method)
        else:
            found.check_failed = error
        self.changed.emit()
        self.go_on()
