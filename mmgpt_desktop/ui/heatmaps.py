"""Which word's heatmap is shown, and when it must be drawn anew."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import AttentionMap, ModelInfo
from mmgpt_desktop.ui.answer_view import AnswerView
from mmgpt_desktop.ui.heatmap_view import HeatmapView
from mmgpt_desktop.ui.notices import Notices
from mmgpt_desktop.ui.session import (
    Conversation,
    Turn,
    attention_maps,
    chosen_word,
    printable,
)
from mmgpt_desktop.ui.texts import percent
from mmgpt_desktop.worker import Heatmap, TaskThread, draw_heatmap

_RESIZE_MS = 60


class Heatmaps(QObject):
    """Asks the heatmap thread for pictures; only the latest one asked for is drawn and shown.

    A word that is pointed at goes before the chosen one. While an answer is written the
    word just written is the chosen one, until the user chooses.
    """

    def __init__(
        self,
        view: HeatmapView,
        answer: AnswerView,
        notices: Notices,
        thread: TaskThread,
    ) -> None:
        super().__init__(view)
        self._view, self._answer = view, answer
        self._notices, self._thread = notices, thread
        self._model: ModelInfo | None = None
        self._conversation = Conversation()
        self._chosen: tuple[Turn, int] | None = None
        self._hovered: tuple[Turn, int] | None = None
        self._following: Turn | None = None
        self._asked = object()
        self._drawing = CancelToken()
        self._caption = ""
        self._resized = QTimer(self, singleShot=True, interval=_RESIZE_MS)
        self._resized.timeout.connect(self.refresh)
        thread.done.connect(self._show)
        thread.failed.connect(self._fail)
        view.changed.connect(self.refresh)
        view.whole_changed.connect(self.refresh)
        view.view.resized.connect(self._resized.start)
        answer.word_chosen.connect(self.choose)
        answer.word_hovered.connect(self.hover)

    @property
    def chosen(self) -> tuple[Turn, int] | None:
        return self._chosen

    def set_model(self, model: ModelInfo) -> None:
        self._model = model
        self._view.set_fusion(model.fusion_info())
        self.refresh()

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._chosen = self._hovered = self._following = None
        self._view.set_photo(conversation.shown)
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
        self._view.set_whole(False)
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
        self._view.set_whole(False)
        self._mark()
        self.refresh()

    @Slot(object, int)
    def hover(self, turn: Turn | None, index: int) -> None:
        self._hovered = None if turn is None else (turn, index)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Have the picture drawn that is wanted now, or say why there is none."""
        self._asked = object()
        self._drawing.cancel()
        at = self._hovered or self._chosen
        wanted = self._wanted(*at) if at is not None and self._model is not None else ""
        if isinstance(wanted, str):
            self._view.say_empty(wanted)
            return
        assert at is not None
        assert self._model is not None
        maps, self._caption = wanted
        fusion = self._model.fusion_info(at[0].fusion)
        self._view.set_fusion(fusion)
        heads, style = self._view.heads.pairs(fusion), self._view.style_wanted()
        self._drawing = self._thread.submit(
            self._asked, lambda cancel: draw_heatmap(maps, heads, style)
        )

    def _wanted(self, turn: Turn, index: int) -> tuple[tuple[AttentionMap, ...], str] | str:
        """The maps and a caption, or the reason why there are none."""
        if self._conversation.shown is None:
            return self.tr("This answer was written without a picture.")
        if self._view.whole and self._hovered is None:
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
        self._answer.choose(turn, index)

    @Slot(object, object)
    def _show(self, key: object, heatmap: Heatmap) -> None:
        if key is self._asked:
            self._view.show_heatmap(heatmap, self._caption)

    @Slot(object, object)
    def _fail(self, key: object, error: AppError) -> None:
        if key is self._asked:
            self._notices.tell_error(error)
