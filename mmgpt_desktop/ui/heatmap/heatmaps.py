"""Which word's heatmap is shown, and when it must be drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QTimer, Signal

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Box, CellMaps, FusionInfo, ModelInfo, Photo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.chat.answer_view import AnswerView
from mmgpt_desktop.ui.heatmap.heatmap_view import HeadSelection, HeatmapView
from mmgpt_desktop.ui.widgets.drawing import Heatmap, draw_heatmap
from mmgpt_desktop.ui.widgets.texts import error_title, percent, say
from mmgpt_desktop.ui.worker import TaskThread

_RESIZE_MS = 60


@dataclass(frozen=True, eq=False)
class _Wanted:
    turn: Turn
    maps: AnswerMaps
    span: tuple[int, int]
    caption: str
    boxes: tuple[Box, ...]

    @property
    def what(self) -> tuple[Turn, MapChoice, tuple[int, int]]:
        return self.turn, self.maps.choice, self.span


class Heatmaps(QObject):
    """Asks the heatmap thread for pictures; only the latest one asked for is drawn and shown.

    A word that is pointed at goes before the chosen one. While an answer is written the
    word just written is the chosen one, until the user chooses. `looked` says that another
    word, or another map of it, is in view; `failed` hears of a picture that could not be drawn.
    """

    looked = Signal()

    def __init__(
        self,
        view: HeatmapView,
        answer: AnswerView,
        thread: TaskThread,
        failed: Callable[[AppError], object] | None = None,
    ) -> None:
        super().__init__(view)
        self._view, self._answer = view, answer
        self._thread, self._failed = thread, failed
        self._model: ModelInfo | None = None
        self._conversation = Conversation()
        self.chosen: tuple[Turn, int] | None = None
        self._hovered: tuple[Turn, int] | None = None
        self._following: Turn | None = None
        self._made: WeakKeyDictionary[Turn, tuple[object, AnswerMaps]] = WeakKeyDictionary()
        self._drawing = CancelToken()
        self._now: tuple[_Wanted, Heatmap] | None = None
        self._before: tuple[_Wanted, Heatmap] | None = None
        self._resized = QTimer(self, singleShot=True, interval=_RESIZE_MS)
        self._resized.timeout.connect(self.refresh)
        view.changed.connect(self.refresh)
        view.whole_changed.connect(self.refresh)
        view.view.resized.connect(self._resized.start)
        answer.word_chosen.connect(self.choose)
        answer.word_hovered.connect(self.hover)

    @property
    def photo(self) -> Photo | None:
        return self._conversation.photo

    @property
    def style(self) -> MapStyle:
        """As chosen."""
        return self._view.map_style

    @property
    def in_view(self) -> tuple[Turn, int] | None:
        """The word whose map is wanted now; None for the whole answer."""
        if self._view.whole and self._hovered is None:
            return None
        return self._hovered or self.chosen

    @property
    def selection(self) -> tuple[Method, HeadSelection]:
        """What was chosen, before it is known for which fusion."""
        return self._view.method, self._view.heads

    def map_choice(self, turn: Turn) -> MapChoice:
        """The method and heads chosen, for the fusion that wrote an answer."""
        fusion = self._fusion(turn)
        return MapChoice() if fusion is None else self._view.map_choice(fusion)

    def _fusion(self, turn: Turn) -> FusionInfo | None:
        model = turn.model or self._model
        return None if model is None else model.fusion_info(turn.fusion)

    def photo_index(self, turn: Turn) -> int:
        """Which of the photos that `turn` asked about is shown; what is found out beside the
        attention is about the first one, number 0."""
        return turn.photo_index(self._conversation.photo)

    def is_anothers(self, turn: Turn) -> bool:
        """Whether a model answered that is not loaded: nothing more is found out then."""
        return turn.model is not None and turn.model != self._model

    def set_model(self, model: ModelInfo) -> None:
        self._model = model
        self._view.set_fusion(model.fusion_info())
        self.refresh()

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        kept = self.chosen  # an answer about several pictures stays, with its word
        self.chosen = self._hovered = self._following = None
        self._now = self._before = None
        self._view.set_photo(conversation.photo)
        turns = conversation.turns
        if kept is not None and kept[0] in turns and kept[0].outcome is not None:
            self.chosen = kept
        elif turns and turns[-1].steps:
            self.chosen = (turns[-1], len(turns[-1].words) - 1)
            if turns[-1].outcome is None:
                self._following = turns[-1]
        self._mark()
        self.refresh()

    def follow(self, turn: Turn) -> None:
        """From now on the word just written is the chosen one."""
        self._following = turn
        self.chosen = None
        self._view.set_whole(False)
        self._mark()

    def step_written(self, turn: Turn) -> None:
        if self._following is turn:
            self.chosen = (turn, len(turn.words) - 1)
            self._mark()
            if self._hovered is None:
                self.refresh()

    def answer_ended(self, turn: Turn) -> None:
        if self._following is turn:
            self._following = None
            self.refresh()

    def choose(self, turn: Turn, index: int) -> None:
        self._following = None
        self.chosen = (turn, index)
        self._view.set_whole(False)
        self._mark()
        self.refresh()

    def hover(self, turn: Turn | None, index: int) -> None:
        self._hovered = None if turn is None else (turn, index)
        self.refresh()

    def maps_changed(self, turn: Turn, method: Method) -> None:
        """More was found out about an answer; only the map in view is drawn anew."""
        at = self._hovered or self.chosen
        if at is not None and at[0] is turn and self.map_choice(turn).method is method:
            self.refresh()

    def refresh(self) -> None:
        """Have the picture drawn that is wanted now, or say why there is none."""
        self._drawing.cancel()
        at = self._hovered or self.chosen
        known = at is not None and self._fusion(at[0]) is not None
        wanted = self._wanted(*at) if at is not None and known else ""
        if isinstance(wanted, str):
            self._view.say_empty(wanted)
        else:
            assert at is not None
            self._draw(wanted)
        self.looked.emit()

    def _draw(self, wanted: _Wanted) -> None:
        turn = wanted.turn
        fusion = self._fusion(turn)
        assert fusion is not None
        self._view.set_fusion(fusion)
        style, edge = self._view.map_style, self._view.picture_edge
        maps, span = wanted.maps, wanted.span
        words = tuple(word.span for word in turn.words)
        self._drawing = self._thread.submit(
            lambda _task: draw_heatmap(maps, span, style, edge, words),
            partial(self._show, wanted),
            self._failed,
        )

    def _wanted(self, turn: Turn, index: int) -> _Wanted | str:
        """The maps and a caption, or the reason why there are none."""
        if self._conversation.photo is None:
            return self.tr("This answer was written without a picture.")
        maps = self.answer_maps(turn)
        if maps is None:
            return self._why_no_maps(turn)
        if self._view.whole and self._hovered is None:
            span, caption = (0, len(turn.steps)), self.tr("The whole answer")
        else:
            word = turn.words[index]
            span = word.span
            caption = self.tr("“{word}”").format(word=printable(word.bare))
            if self._view.details:
                sure = self.tr("{percent} sure").format(percent=percent(word.probability))
                caption += f" · {sure}"
        if isinstance(maps.found, CellMaps) and maps.found.done < 1:
            done = percent(maps.found.done)
            caption += " · " + self.tr("{percent} measured").format(percent=done)
        boxes = () if self.photo_index(turn) else turn.boxes(span)
        if boxes:
            caption += " · " + self.tr("boxed by the model")
        return _Wanted(turn, maps, span, caption, boxes)

    def answer_maps(self, turn: Turn) -> AnswerMaps | None:
        """What the maps in view are made of, kept until the answer or the choice changes."""
        choice, index = self.map_choice(turn), self.photo_index(turn)
        key = len(turn.steps), choice, turn.found(choice.method), index
        kept = self._made.get(turn)
        if kept is None or kept[0] != key:
            made = turn.answer_maps(choice, index)
            if made is None:
                return None
            kept = self._made[turn] = key, made
        return kept[1]

    def _why_no_maps(self, turn: Turn) -> str:
        choice = self.map_choice(turn)
        if self.photo_index(turn) and not choice.method.of_each_photo:
            return self.tr("Of several pictures this is measured for the first one alone.")
        if turn.is_measured(choice.method):
            return self.tr("The model does not tell where it looked for this word.")
        if choice.method in turn.failed:
            return error_title(turn.failed[choice.method])
        if turn.outcome is None:
            return self.tr("This is measured when the answer is complete.")
        if turn.model is not None and self.is_anothers(turn):
            return self.tr(
                "Another model wrote this answer. Use {name} again to have this measured."
            ).format(name=turn.model.name)
        return self.tr("Being measured…")

    def _mark(self) -> None:
        turn, index = self.chosen or (None, 0)
        self._answer.choose(turn, index)

    def _show(self, wanted: _Wanted, heatmap: Heatmap) -> None:
        if self._now is not None and self._now[0].what != wanted.what:
            self._before = self._now
        self._now = wanted, heatmap
        self._view.show_heatmap(heatmap, wanted.caption, wanted.boxes)

    def show_before(self, wanted: bool) -> None:
        """The map that was in view before this one: another word's, method's or model's."""
        shown = self._before if wanted else self._now
        if shown is None or self._now is None:
            return
        caption = shown[0].caption
        if wanted:
            choice = shown[0].maps.choice
            before = self.tr("Before: {caption} · {method}")
            caption = before.format(caption=caption, method=say(choice.method.about.name))
        self._view.show_heatmap(shown[1], caption, shown[0].boxes)
