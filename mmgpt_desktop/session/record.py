"""What a session is made of: conversations about photos, and what was measured of them."""

from __future__ import annotations

from dataclasses import dataclass

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    PatchGrid,
    Photo,
    TokenStep,
    with_numbers,
)

_LONGEST_SIDE = 100_000
_LONGEST_TEXT = 200_000  # of a question or an answer: longer than any model here reads


@dataclass(frozen=True, eq=False)
class WordCheck:
    """A check of word `word` of an answer, on the map of some (layer, head) pairs, if any."""

    check: Check
    word: int
    heads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class SavedTurn:
    """A question and what came back. `model` is the one that answered, if it is known."""

    request: GenerationRequest
    steps: tuple[TokenStep, ...]
    outcome: GenerationOutcome
    unsure: bool = False
    model: ModelInfo | None = None
    maps: tuple[CellMaps, ...] = ()
    neutral: AttentionMap | None = None
    checks: tuple[WordCheck, ...] = ()
    typed: str = ""  # where the model read something else: the pictures that it names

    @property
    def question(self) -> str:
        return self.typed or with_numbers(self.request.messages[-1].text)

    @property
    def answer(self) -> str:
        return "".join(step.text for step in self.steps)

    def check(self) -> None:
        """ValueError where the parts don't fit each other."""
        tokens = len(self.steps)
        _need(bool(self.request.messages), "no question")
        _need(max(len(self.question), len(self.answer)) <= _LONGEST_TEXT, "endless text")
        for found in self.maps:
            shape = (tokens, found.grid.rows, found.grid.columns)
            _need(found.weights.shape == shape, "maps of another answer")
            _check_grid(found.grid)
        for each in self.checks:
            begun = 0 <= each.word < tokens and each.check.start >= 0
            _need(begun and each.check.start < each.check.stop <= tokens, "a check of no word")
        attention = [step.attention for step in self.steps if step.attention is not None]
        for one in (*attention, *([self.neutral] if self.neutral else [])):
            _check_grid(one.grid)
            _need(one.weights.ndim == 3 and one.weights.shape[2] in (0, one.grid.cells), "no map")
        _need(len({one.weights.shape for one in attention}) <= 1, "maps of different models")
        if self.model is not None:
            self._check_model(self.model, attention)

    def _check_model(self, model: ModelInfo, attention: list[AttentionMap]) -> None:
        try:
            fusion = model.fusion_info(self.request.fusion)
        except AppError as error:
            raise ValueError("a fusion that its model hasn't") from error
        sizes = fusion.image_layers, fusion.heads
        for pair in (*fusion.head_choice.heads, *(pair for c in self.checks for pair in c.heads)):
            _need(all(0 <= at < size for at, size in zip(pair, sizes, strict=True)), "no head")
        for one in attention:
            layers, heads = one.weights.shape[:2]
            enough = layers >= fusion.image_layers and heads >= fusion.heads
            _need(enough or not one.weights.size, "fewer heads than the model has")


def _check_grid(grid: PatchGrid) -> None:
    sizes = (grid.rows, grid.columns, grid.photo_width, grid.photo_height)
    _need(min(sizes) > 0 and max(sizes) <= _LONGEST_SIDE, "a grid without cells")


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


@dataclass(frozen=True, eq=False)
class SavedConversation:
    """The turns about one photo, or about none."""

    photo: Photo | None
    turns: tuple[SavedTurn, ...] = ()


@dataclass(frozen=True, eq=False)
class Session:
    """All that the window held: `current` is the conversation in view, `draft` what was typed."""

    conversations: tuple[SavedConversation, ...]
    current: int = 0
    draft: str = ""

    def check(self) -> None:
        """ValueError where the parts don't fit each other."""
        _need(0 <= self.current < len(self.conversations), "no conversation in view")
        for conversation in self.conversations:
            for turn in conversation.turns:
                turn.check()

    @property
    def is_empty(self) -> bool:
        talked = any(each.photo or each.turns for each in self.conversations)
        return not talked and not self.draft.strip()
