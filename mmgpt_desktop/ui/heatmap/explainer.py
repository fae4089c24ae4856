"""Has the engine find out what the words of an answer needed, while nothing else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Check, Explanation, Found
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.worker import EngineThread, Task


@dataclass(frozen=True)
class Piece:
    """One thing to find out: a method's maps, or with `word` a check of them."""

    choice: MapChoice
    word: int | None = None


class Explainer(QObject):
    """One piece at a time goes to the engine: the map in view, the check of the chosen word,
    what occlusion finds, then the checks of the other words.

    While others reserve the engine it pauses: what was begun is thrown away, and begun anew when
    that is over. All in the GUI thread. Unless it `occludes`, that is left out where it is not
    the method in view.
    """

    maps_changed = Signal(object, object)  # Turn, Method
    checked = Signal(object, int)  # Turn, word
    changed = Signal()  # what runs, what was found or what failed

    def __init__(self, engine: EngineThread, heatmaps: Heatmaps, *, occludes: bool = True) -> None:
        super().__init__(heatmaps)
        self._occludes = occludes
        self._engine, self._heatmaps = engine, heatmaps
        self._running: Task | None = None
        engine.wanted.connect(self._pause)
        engine.released.connect(self.go_on)
        heatmaps.looked.connect(self.go_on)
        self.maps_changed.connect(heatmaps.maps_changed)

    def _pause(self) -> None:
        """Give the engine back at once."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
            self.changed.emit()

    @property
    def busy(self) -> bool:
        return self._running is not None

    def go_on(self) -> None:
        """Begin what is wanted most, if nothing runs."""
        chosen = self._heatmaps.chosen
        if self._engine.reserved or self._running is not None or chosen is None:
            return
        turn, word = chosen
        explanation = turn.explanation if turn.outcome is not None else None
        if (
            explanation is None
            or self._heatmaps.is_anothers(turn)
            or self._heatmaps.photo_index(turn)
        ):
            return
        piece = next(self._wanted(turn, word), None)
        if piece is not None:
            self._running = self._begin(turn, explanation, piece)
            self.changed.emit()

    def _wanted(self, turn: Turn, word: int) -> Iterator[Piece]:
        choice, occlusion = self._heatmaps.map_choice(turn), MapChoice(Method.OCCLUSION)
        if self._lacks_maps(turn, choice):
            yield Piece(choice)
        measured = turn.is_measured(choice.method) and turn.check_failed is None
        checkable = measured and self._heatmaps.answer_maps(turn) is not None
        words = [word, *(each for each in range(len(turn.words)) if each != word)]
        checks = [
            Piece(choice, each) for each in words if checkable and turn.check(choice, each) is None
        ]
        yield from checks[:1] if checks and checks[0].word == word else ()
        if self._occludes and self._lacks_maps(turn, occlusion):
            yield Piece(occlusion)
        yield from checks

    def _lacks_maps(self, turn: Turn, choice: MapChoice) -> bool:
        return choice.method not in turn.failed and not turn.is_measured(choice.method)

    def _begin(self, turn: Turn, explanation: Explanation, piece: Piece) -> Task:
        failed, method = partial(self._fail, turn, piece), piece.choice.method
        if piece.word is None:
            return self._engine.submit(
                lambda engine, task: engine.explain(explanation, method, task, task.report),
                self._end,
                failed,
                partial(self._take_maps, turn, method),
            )
        maps = self._heatmaps.answer_maps(turn)
        assert maps is not None
        word = turn.words[piece.word]
        span, cells = slice(*word.span), maps.cells(*word.span)
        return self._engine.submit(
            lambda engine, task: engine.check(explanation, span, cells, method, task),
            partial(self._take_check, turn, piece),
            failed,
        )

    def _end(self, _nothing: None = None) -> None:
        """On to the next piece."""
        self._running = None
        self.changed.emit()
        self.go_on()

    def _take_maps(self, turn: Turn, method: Method, found: Found) -> None:
        """Some of them are there; finer ones may follow."""
        turn.take(method, found)
        self.maps_changed.emit(turn, method)
        self.changed.emit()

    def _take_check(self, turn: Turn, piece: Piece, check: Check) -> None:
        assert piece.word is not None
        turn.add_check(piece.choice, piece.word, check)
        self.checked.emit(turn, piece.word)
        self._end()

    def _fail(self, turn: Turn, piece: Piece, error: AppError) -> None:
        method = piece.choice.method
        if piece.word is None:
            turn.fail(method, error)
            self.maps_changed.emit(turn, method)
        else:
            turn.check_failed = error
        self._end()
