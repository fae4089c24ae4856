"""What a session from outside is refused for: parts that don't fit each other, and what is beyond
all sense."""

from __future__ import annotations

import numpy as np

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.decoding import LONGEST_TEXT
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    KEPT_SIDE,
    AttentionMap,
    Box,
    FusionInfo,
    GenerationOutcome,
    ModelInfo,
    PatchGrid,
    RuntimeInfo,
    RuntimeName,
    Sampling,
)
from mmgpt_desktop.painted import Drawing
from mmgpt_desktop.session.session_record import Session

# A window on more would stand still.
_LONGEST_NOTE, _MOST_NOTES = 5000, 50
_MOST_TOKENS, _MOST_TURNS, _MOST_PHOTOS = 50_000, 20_000, 1000
_MOST_HEADS, _MOST_CELLS, _MOST_FUSIONS = 1024, 1024, 32
_MOST_DRAWS, _MOST_BEAMS = 1000, 32
_LONGEST_PROMPT, _LONGEST_WORD, _MOST_WORDS = 10_000, 200, 1000
_MOST_DRAWN, _MOST_SEED, _MOST_RATIO = 64, 10**10, 1e6  # cells of a side
_LATEST = 1e6  # seconds of a video
_FARTHEST, _THINNEST = 100.0 * KEPT_SIDE, 1e-3  # pixels of the photo


def check_session(session: Session) -> None:
    """ValueError where the parts don't fit each other, or where one is beyond all sense."""
    _need(0 <= session.current < len(session.conversations), "no conversation in view")
    without, *others = (each.photo is None for each in session.conversations)
    _need(without and not any(others), "each but the first is about a photo")
    _need(len(others) <= _MOST_PHOTOS, "endless pictures")
    _need(sum(len(each.turns) for each in session.conversations) <= _MOST_TURNS, "endless turns")
    for conversation in session.conversations:
        photo = conversation.photo
        if photo is not None:
            check_brief(photo.name, *photo.notes)
            seconds = photo.moment.seconds if photo.moment is not None else 0
            _need(abs(seconds) <= _LATEST, "no moment of a video")
        if conversation.drawing is not None:
            _need(photo is not None, "a drawing without a picture")
            _check_drawing(conversation.drawing)
        for turn in conversation.turns:
            _check_turn(turn)


def _check_drawing(drawing: Drawing) -> None:
    check_brief(drawing.painter)
    _need(len(drawing.prompt) <= _LONGEST_PROMPT, "endless text")
    _need(len(drawing.words) <= _MOST_WORDS, "endless words")
    _need(drawing.seed < _MOST_SEED, "an endless seed")
    _need(drawing.maps.ndim == 3 and len(drawing.maps) == len(drawing.words), "maps of others")
    cells = drawing.maps.shape[1:]
    _need(min(cells) > 0 and max(cells) <= _MOST_DRAWN, "endless cells")
    _need(bool(np.isfinite(drawing.maps).all()), "maps without end")
    for word in drawing.words:
        _need(0 <= word.start <= word.stop <= len(drawing.prompt), "a word of another prompt")
        _need(len(word.text) <= _LONGEST_WORD, "an endless word")
    left_out = drawing.left_out
    if left_out is not None:
        _need(len(left_out.word) <= _LONGEST_WORD, "an endless word")
        _need(left_out.ratio is None or 0 <= left_out.ratio <= _MOST_RATIO, "no ratio")
        _need(left_out.change.shape == cells, "a change of another picture")
        _need(bool(np.isfinite(left_out.change).all()), "a change without end")


def _check_turn(turn: Turn) -> None:
    tokens, outcome = len(turn.steps), turn.outcome
    _need(bool(turn.request.messages), "no question")
    if outcome is None:
        raise ValueError("no end")
    _need(max(len(turn.question), len(turn.answer)) <= LONGEST_TEXT, "endless text")
    _need(max(tokens, len(turn.checks)) <= _MOST_TOKENS, "an endless answer")
    _need(len(turn.request.images) <= _MOST_PHOTOS, "endless pictures")
    _check_sampling(turn.request.sampling)
    for found in turn.maps:
        shape = (tokens, found.grid.rows, found.grid.columns)
        _need(found.weights.shape == shape, "maps of another answer")
        _check_grid(found.grid)
    for each in turn.checks:
        begun = 0 <= each.word < tokens and each.check.start >= 0
        _need(begun and each.check.start < each.check.stop <= tokens, "a check of no word")
        _need(len(each.check.random) <= _MOST_DRAWS, "endless draws")
    attention = [step.attention for step in turn.steps if step.attention is not None]
    for one in (*attention, *([turn.neutral] if turn.neutral else [])):
        _check_attention(one)
    _need(len({one.weights.shape for one in attention}) <= 1, "maps of different models")
    _check_outcome(outcome, tokens)
    if turn.model is not None:
        _check_model(turn.model, turn, attention)


def _check_outcome(outcome: GenerationOutcome, tokens: int) -> None:
    runtime = outcome.runtime or RuntimeInfo(RuntimeName.ONNX_CPU, "")
    check_brief(*outcome.notes, runtime.provider, runtime.note, runtime.precision)
    _need(outcome.reply is None or not tokens, "an answer of nobody")
    for each in outcome.groundings:
        _need(0 <= each.start <= each.stop <= tokens, "a place of no word")
        for box in each.boxes:
            _check_near(box)


def _check_model(model: ModelInfo, turn: Turn, attention: list[AttentionMap]) -> None:
    try:
        fusion = model.fusion_info(turn.request.fusion)
    except AppError as error:
        raise ValueError("a fusion that its model hasn't") from error
    check_brief(model.name, model.description, model.fusion)
    _check_sampling(model.sampling)
    _need(len(model.fusions) <= _MOST_FUSIONS, "endless fusions")
    for each in model.fusions:
        _check_fusion(each)
    sizes = fusion.image_layers, fusion.heads
    for pair in (pair for check in turn.checks for pair in check.heads):
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
