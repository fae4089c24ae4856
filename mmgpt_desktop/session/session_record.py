"""What a session is made of: conversations about photos, and what was measured of them."""

from __future__ import annotations

from dataclasses import dataclass

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    KEPT_SIDE,
    AttentionMap,
    Box,
    CellMaps,
    Check,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    PatchGrid,
    Photo,
    RuntimeInfo,
    RuntimeName,
    Sampling,
    TokenStep,
    with_numbers,
)
from mmgpt_desktop.session.codec import LONGEST_TEXT

# What nothing here ever comes near to. A window on more would stand still.
_LONGEST_NOTE, _MOST_NOTES = 5000, 50
_MOST_TOKENS, _MOST_TURNS, _MOST_PHOTOS = 50_000, 20_000, 1000
_MOST_HEADS, _MOST_CELLS, _MOST_FUSIONS = 1024, 1024, 32
_MOST_DRAWS, _MOST_BEAMS = 1000, 32
_LATEST = 1e6  # seconds of a video
_FARTHEST, _THINNEST = 100.0 * KEPT_SIDE, 1e-3  # pixels of the photo


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
        """ValueError where the parts don't fit each other, or where one is beyond all sense."""
        tokens = len(self.steps)
        _need(bool(self.request.messages), "no question")
        _need(max(len(self.question), len(self.answer)) <= LONGEST_TEXT, "endless text")
        _need(max(tokens, len(self.checks)) <= _MOST_TOKENS, "an endless answer")
        _need(len(self.request.images) <= _MOST_PHOTOS, "endless pictures")
        _check_sampling(self.request.sampling)
        for found in self.maps:
            shape = (tokens, found.grid.rows, found.grid.columns)
            _need(found.weights.shape == shape, "maps of another answer")
            _check_grid(found.grid)
        for each in self.checks:
            begun = 0 <= each.word < tokens and each.check.start >= 0
            _need(begun and each.check.start < each.check.stop <= tokens, "a check of no word")
            _need(len(each.check.random) <= _MOST_DRAWS, "endless draws")
        attention = [step.attention for step in self.steps if step.attention is not None]
        for one in (*attention, *([self.neutral] if self.neutral else [])):
            _check_attention(one)
        _need(len({one.weights.shape for one in attention}) <= 1, "maps of different models")
        self._check_outcome(tokens)
        if self.model is not None:
            self._check_model(self.model, attention)

    def _check_outcome(self, tokens: int) -> None:
        outcome = self.outcome
        runtime = outcome.runtime or RuntimeInfo(RuntimeName.ONNX_CPU, "")
        check_brief(*outcome.notes, runtime.provider, runtime.note, runtime.precision)
        for each in outcome.groundings:
            _need(0 <= each.start <= each.stop <= tokens, "a place of no word")
            for box in each.boxes:
                _check_near(box)

    def _check_model(self, model: ModelInfo, attention: list[AttentionMap]) -> None:
        try:
            fusion = model.fusion_info(self.request.fusion)
        except AppError as error:
            raise ValueError("a fusion that its model hasn't") from error
        check_brief(model.name, model.description, model.fusion)
        _check_sampling(model.sampling)
        _need(len(model.fusions) <= _MOST_FUSIONS, "endless fusions")
        for each in model.fusions:
            _check_fusion(each)
        sizes = fusion.image_layers, fusion.heads
        for pair in (pair for check in self.checks for pair in check.heads):
            _need(all(0 <= at < size for at, size in zip(pair, sizes, strict=True)), "no head")
        for one in attention:
            layers, heads = one.weights.shape[:2]
            enough = layers >= fusion.image_layers and heads >= fusion.heads
            _need(enough or not one.weights.size, "fewer heads than the model has")


def check_brief(*texts: object) -> None:
    """ValueError for what is far longer than a name or a few sentences."""
    _need(len(texts) <= _MOST_NOTES, "endless notes")
    _need(max(map(len, map(str, texts)), default=0) <= _LONGEST_NOTE, "an endless note")


def _check_fusion(fusion: FusionInfo) -> None:
    check_brief(fusion.name, fusion.head_choice.how)
    sizes = fusion.image_layers, fusion.heads
    _need(min(sizes) >= 0 and max(sizes) <= _MOST_HEADS, "endless heads")
    sides = fusion.rows, fusion.columns
    _need(min(sides) >= 0 and max(sides) <= _MOST_CELLS, "endless cells")
    for pair in fusion.head_choice.heads:
        _need(all(0 <= at < size for at, size in zip(pair, sizes, strict=True)), "no head")


def _check_attention(one: AttentionMap) -> None:
    """Of a token on all photos of its request."""
    _need(len(one.others) <= _MOST_PHOTOS, "endless pictures")
    for each in (one, *one.others):
        _check_grid(each.grid)
        _need(each.weights.ndim == 3, "no map")
        _need(max(each.weights.shape[:2]) <= _MOST_HEADS, "endless heads")
        _need(each.weights.shape[2] in (0, each.grid.cells), "no map")
    _need(not any(each.others for each in one.others), "maps within maps")


def _check_sampling(sampling: Sampling) -> None:
    """The same question may be asked again with it."""
    _need(0 <= sampling.temperature <= 100, "no temperature")
    _need(0 <= sampling.top_p <= 1 and sampling.top_k >= 0, "no choice of tokens")
    _need(0 < sampling.repetition_penalty <= 100, "no penalty")
    _need(0 < sampling.max_new_tokens <= _MOST_TOKENS, "an endless answer")
    _need(0 < sampling.beams <= _MOST_BEAMS and sampling.seed >= 0, "endless beams")


def _check_grid(grid: PatchGrid) -> None:
    _need(min(grid.rows, grid.columns) > 0, "a grid without cells")
    _need(max(grid.rows, grid.columns) <= _MOST_CELLS, "endless cells")
    sides = grid.photo_width, grid.photo_height
    _need(min(sides) > 0 and max(sides) <= KEPT_SIDE, "a photo of no size")
    _check_near(grid.box)
    _need(min(grid.box.width, grid.box.height) >= _THINNEST, "a grid without room")


def _check_near(box: Box) -> None:
    edges = box.left, box.top, box.right, box.bottom
    _need(max(map(abs, edges)) <= _FARTHEST, "a box far away")


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
        without, *others = (each.photo is None for each in self.conversations)
        _need(without and not any(others), "each but the first is about a photo")
        _need(len(others) <= _MOST_PHOTOS, "endless pictures")
        _need(sum(len(each.turns) for each in self.conversations) <= _MOST_TURNS, "endless turns")
        for conversation in self.conversations:
            photo = conversation.photo
            if photo is not None:
                check_brief(photo.name, *photo.notes)
                seconds = photo.moment.seconds if photo.moment is not None else 0
                _need(abs(seconds) <= _LATEST, "no moment of a video")
            for turn in conversation.turns:
                turn.check()

    @property
    def is_empty(self) -> bool:
        talked = any(each.photo or each.turns for each in self.conversations)
        return not talked and not self.draft.strip()
