"""Which word's heatmap is shown, and when it must be drawn anew."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QTimer, Slot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import AttentionMap, ModelInfo
from mmgpt_desktop.ui.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.image_pane import ImagePane
from mmgpt_desktop.ui.notices import Notices
from mmgpt_desktop.ui.output_pane import OutputPane
from mmgpt_desktop.ui.session import (
    Conversation,
    Turn,
    attention_maps,
    chosen_word,
    printable,
)
from mmgpt_desktop.ui.texts import percent
from mmgpt_desktop.worker import Heatmap, HeatmapStyle, TaskThread, draw_heatmap

_RESIZE_MS = 60


class Heatmaps(QObject):
    """Asks the heatmap thread for pictures; only the latest one asked for is shown.

    A word that is pointed at goes before the chosen one. While an answer is written the
    word just written is the chosen one, until the user chooses.
    """

    def __init__(
        self,
        pane: HeatmapPane,
        image: ImagePane,
        output: OutputPane,
        notices: Notices,
        thread: TaskThread,
    ) -> None:
        super().__init__(pane)
        self._pane, self._image, self._output = pane, image, output
        self._notices, self._thread = notices, thread
        self._model: ModelInfo | None = None
        self._conversation = Conversation()
        self._chosen: tuple[Turn, int] | None = None
        self._hovered: tuple[Turn, int] | None = None
        self._following: Turn | None = None
        self._asked = 0
        self._caption = ""
        self._resized = QTimer(self, singleShot=True, interval=_RESIZE_MS)
        self._resized.timeout.connect(self.refresh)
        thread.done.connect(self._show)
        thread.failed.connect(self._fail)
        pane.changed.connect(self.refresh)
        pane.whole_changed.connect(self.refresh)
        pane.view.resized.connect(self._resized.start)
        pane.view.view_changed.connect(self._view_moved)
        image.view.view_changed.connect(self._view_moved)
        output.view.word_chosen.connect(self.choose)
        output.view.word_hovered.connect(self.hover)

    def set_model(self, model: ModelInfo) -> None:
        self._model = model
        self.refresh()

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._chosen = self._hovered = self._following = None
        self._pane.set_photo(conversation.shown)
        self._pane.view.set_view(self._image.view.zoom, self._image.view.centre)
        turns = conversation.turns
        if turns and turns[-1].steps:
            self._chosen = (turns[-1], len(turns[-1].words) - 1)
            if turns[-1].outcome is None:
                self._following = turns[-1]
        self._mark()
        self.refresh()

    def follow(self, turn: Turn) -> None:
        """From now on the word just written is the chosen one."""
        self._following = turn
        self._chosen = None
        self._pane.set_whole(False)
        self._mark()

    def step_written(self, turn: Turn) -> None:
        if self._following is turn:
            self._chosen = (turn, len(turn.words) - 1)
            self._mark()
            if self._hovered is None:
                self.refresh()

    def answer_ended(self, turn: Turn) -> None:
        if self._following is turn:
            self._following = None
            self.refresh()

    @Slot(object, int)
    def choose(self, turn: Turn, index: int) -> None:
        self._following = None
        self._chosen = (turn, index)
        self._pane.set_whole(False)
        self._mark()
        self.refresh()

    @Slot(object, int)
    def hover(self, turn: Turn | None, index: int) -> None:
        self._hovered = None if turn is None else (turn, index)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Have the picture drawn that is wanted now, or say why there is none."""
        self._asked += 1
        wanted = self._wanted()
        if isinstance(wanted, str):
            self._pane.say_empty(wanted)
            return
        maps, self._caption = wanted
        assert self._model is not None
        heads = self._pane.selection.pairs(self._model)
        style = HeatmapStyle(
            self._pane.colour_map, self._pane.smooth.isChecked(), self._pane.picture_edge()
        )
        self._thread.submit(self._asked, lambda cancel: draw_heatmap(maps, heads, style))

    def _wanted(self) -> tuple[tuple[AttentionMap, ...], str] | str:
        """The maps and a caption, or the reason why there are none."""
        at = self._hovered or self._chosen
        if at is None or self._model is None:
            return ""
        turn, index = at
        if self._conversation.shown is None:
            return self.tr("This answer was written without a picture.")
        if self._pane.whole and self._hovered is None:
            maps, caption = attention_maps(turn.steps), self.tr("Mean over the whole answer")
        else:
            word = chosen_word(turn, index)
            maps = word.maps
            caption = self.tr("“{word}” · probability {percent}").format(
                word=printable(word.text), percent=percent(word.probability)
            )
        return (maps, caption) if maps else self.tr("The model gave no attention for this word.")

    def _mark(self) -> None:
        turn, index = self._chosen or (None, 0)
        self._output.view.choose(turn, index)

    @Slot(object, object)
    def _show(self, key: object, heatmap: Heatmap) -> None:
        if key == self._asked:
            self._pane.show_heatmap(heatmap, self._caption)

    @Slot(object, object)
    def _fail(self, key: object, error: AppError) -> None:
        if key == self._asked:
            self._notices.tell_error(error)

    @Slot(float, QPointF)
    def _view_moved(self, zoom: float, centre: QPointF) -> None:
        """Both photos show the same part."""
        for view in (self._image.view, self._pane.view):
            if view is not self.sender():
                view.set_view(zoom, centre)
