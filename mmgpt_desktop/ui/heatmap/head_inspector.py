"""Opens the grid of heads and the formula's page for the chosen word."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.attention.answer_maps import MapChoice, attention_maps
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import AttentionMap, HeadNumbers
from mmgpt_desktop.methods import Method
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.heatmap.formula import FormulaDialog
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid, InspectedWord
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.worker import TaskThread


class HeadInspector(QObject):
    """One formula's page at a time; explaining waits until its numbers are there."""

    def __init__(
        self, shell: Shell, pane: HeatmapPane, heatmaps: Heatmaps, drawing: TaskThread
    ) -> None:
        super().__init__(shell.window)
        self._shell, self._drawing, self._heatmaps = shell, drawing, heatmaps
        self._choose_head = pane.choose_head
        self._page: FormulaDialog | None = None
        self._asked: CancelToken | None = None
        shell.actions.connect({"heads": self.open_grid, "formula": self.open_brightest_formula})
        shell.actions.connect_button("heads", pane.grid_button)

    def open_grid(self) -> None:
        chosen, photo = self._heatmaps.chosen, self._heatmaps.photo
        photo_index = 0 if chosen is None else self._heatmaps.photo_index(chosen[0])
        maps = () if chosen is None else _word_maps(*chosen, photo_index)
        if chosen is None or photo is None or not maps:
            self._tell_nothing()
            return
        turn, word = chosen[0], chosen[0].words[chosen[1]]
        occlusion = turn.answer_maps(MapChoice(Method.OCCLUSION), photo_index)
        needed = occlusion.cells(*word.span) if occlusion is not None else None
        compared = InspectedWord(printable(word.bare), maps, photo, self._heatmaps.style, needed)
        grid = HeadGrid(compared, self._drawing, self._shell.window)
        grid.head_chosen.connect(self._choose_head)
        grid.formula_wanted.connect(self.open_formula)
        grid.open()

    def open_brightest_formula(self) -> None:
        """Of the head that is chosen, or of the first of those that are shown."""
        chosen = self._heatmaps.chosen
        heads = () if chosen is None else self._heatmaps.map_choice(chosen[0]).heads
        self.open_formula(*(heads[0] if heads else (0, 0)))

    def open_formula(self, layer: int, head: int) -> None:
        chosen = self._heatmaps.chosen
        maps = () if chosen is None else _word_maps(*chosen)
        explanation = chosen[0].explanation if chosen is not None and chosen[0].outcome else None
        if chosen is None or not maps or explanation is None:
            self._tell_nothing()
            return
        if self._heatmaps.is_anothers(chosen[0]):
            self._shell.notices.tell(
                self.tr("Another model wrote this answer, so its numbers are gone."),
                self.tr("Use that model again, and ask once more."),
            )
            return
        word = chosen[0].words[chosen[1]]
        parent = self._shell.window
        self._page = FormulaDialog(printable(word.bare), layer, head, maps[0].grid, parent)
        self._page.finished.connect(self._close)
        self._shell.engine.reserve()
        token = word.start
        self._asked = self._shell.engine.submit(
            lambda engine, task: engine.numbers(explanation, token, layer, head, task),
            self._take,
            self._fail,
        )
        self._page.open()

    def _tell_nothing(self) -> None:
        self._shell.notices.tell(
            self.tr("There is no word to look inside the model for."),
            self.tr("Ask about a picture, wait for the answer, and choose a word of it."),
        )

    def _take(self, numbers: HeadNumbers) -> None:
        if self._page is not None:
            self._end()
            self._page.show_numbers(numbers)

    def _fail(self, error: AppError) -> None:
        if self._page is not None:
            self._end()
            self._page.show_error(error)

    def _close(self) -> None:
        self._page = None
        if self._asked is not None:
            self._asked.cancel()
            self._end()

    def _end(self) -> None:
        """The numbers, or news that there are none, are here: the engine is free again."""
        self._asked = None
        self._shell.engine.release()


def _word_maps(turn: Turn, index: int, photo_index: int = 0) -> tuple[AttentionMap, ...]:
    return attention_maps(turn.steps[slice(*turn.words[index].span)], photo_index)
