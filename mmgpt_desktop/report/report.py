"""What a report is made of: a turn of a conversation, and how its maps are to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from mmgpt_desktop.attention.answer_maps import MapChoice, attention_maps
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.attention.maps import Cells, Span, cells_of, scale_over
from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    FusionInfo,
    GenerationOutcome,
    ModelInfo,
    Photo,
    with_numbers,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.wording import Wording


@dataclass(frozen=True, eq=False)
class Report:
    """An ended answer about a photo, whose model is known: a copy of its turn, for another thread.

    Of `choices` the first is the map that pictures and the film show; what was not measured is
    left out. Raises AppError where there is nothing to show.
    """

    turn: Turn
    choices: tuple[MapChoice, ...] = (MapChoice(),)
    style: MapStyle = field(default_factory=MapStyle)
    wording: Wording = field(default_factory=Wording)

    def __post_init__(self) -> None:
        if not self.turn.request.images:
            title = "This answer was written without a picture, so there is no map to save."
            raise AppError(title, "Ask about a picture first.")
        if self.turn.reply is not None:
            title = "The app said this by itself, so there is nothing of the model to save."
            raise AppError(title, "Ask the model about the picture.")
        if not self.turn.answer.strip():
            raise AppError("The answer is empty, so there is nothing to save.", "Ask again.")
        if not self.maps:
            raise AppError("There is no map of this answer yet.", "Wait until it is measured.")

    @property
    def photo(self) -> Photo:
        return self.turn.request.images[0]

    @property
    def question(self) -> str:
        return with_numbers(self.turn.text)

    @property
    def answer(self) -> str:
        return self.turn.answer

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Those that show something: an answer's last tokens may be empty."""
        return tuple(word for word in self.turn.words if word.text.strip())

    @property
    def outcome(self) -> GenerationOutcome:
        assert self.turn.outcome is not None
        return self.turn.outcome

    @property
    def model(self) -> ModelInfo:
        assert self.turn.model is not None
        return self.turn.model

    @property
    def fusion(self) -> FusionInfo:
        return self.model.fusion_info(self.turn.fusion)

    @property
    def attention(self) -> tuple[AttentionMap, ...]:
        """One for each step, or none at all."""
        return attention_maps(self.turn.steps)

    @cached_property
    def maps(self) -> tuple[CellMaps, ...]:
        made = (self.turn.answer_maps(choice) for choice in self.choices)
        return tuple(each.maps for each in made if each is not None and each.maps.done >= 1)

    @property
    def heads(self) -> tuple[tuple[int, int], ...]:
        """The pairs of layer and head whose mean the maps of attention are; none stand for all."""
        choice = self.choices[0]
        return choice.heads if choice.method.from_attention else self.fusion.head_choice.heads

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(each.check for each in self.turn.checks if each.choice in self.choices)

    def cells(self, maps: CellMaps, word: Word | None) -> Cells:
        """The map [row, column] of a word, or with None of the whole answer."""
        return cells_of(maps, self._span(word))

    def range(self, maps: CellMaps, word: Word | None) -> tuple[float, float] | None:
        """What the colours reach from and to; None where no cell was measured."""
        together = self.style.same_scale and word is not None
        spans = [self._span(each) for each in (self.words if together else (word,))]
        return scale_over(maps, spans)

    def _span(self, word: Word | None) -> Span:
        return word.span if word else (0, len(self.turn.steps))

    def check(self, method: Method, word: Word) -> Check | None:
        """None where it was not measured."""
        wanted = (method, word.start, word.stop)
        found = (each for each in self.checks if (each.method, each.start, each.stop) == wanted)
        return next(found, None)
