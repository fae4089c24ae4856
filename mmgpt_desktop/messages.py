"""The few frozen types that travel between the window, the worker and the engine.

Standard library and numpy only. Arrays inside are read-only, so a message may be
shared between threads without a lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.decoding import Amount, Count, between
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.honesty import Doubt, Hedge, Reply
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.question_kinds import QuestionKind

PICTURE = "\ufffc"  # in a question's text: the next photo stands here (Unicode's object character)


def with_numbers(text: str) -> str:
    """A question for people to read: "[picture 1]" where the first picture stands in it."""
    first, *rest = text.split(PICTURE)
    return first + "".join(f"[picture {number}]{each}" for number, each in enumerate(rest, start=1))


class RuntimeName(StrEnum):
    """What can run a bundle; also the values of `--runtime`."""

    ONNX_CUDA = "onnx-cuda"
    ONNX_CPU = "onnx-cpu"
    TORCH = "torch"


KEPT_SIDE = 4096  # the long side of a photo as it is kept, in pixels; models read far less


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright photo; it may reach beyond the photo (padding)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class PatchGrid:
    """How the cells that a model looks at lie on the user's photo.

    Cell `row * columns + column` covers the like-placed part of `box`. A crop has a box
    inside the photo, a letterbox one that reaches beyond it.
    """

    rows: int
    columns: int
    box: Box
    photo_width: int
    photo_height: int

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def cell_box(self, cell: int) -> Box:
        """The rectangle of `cell` in photo pixels."""
        row, column = divmod(cell, self.columns)
        width, height = self.box.width / self.columns, self.box.height / self.rows
        left, top = self.box.left + column * width, self.box.top + row * height
        return Box(left, top, left + width, top + height)

    def neighbour(self, cell: int, right: int, down: int) -> int:
        """So many cells further, or at the edge."""
        row, column = divmod(cell, self.columns)
        row = min(max(row + down, 0), self.rows - 1)
        return row * self.columns + min(max(column + right, 0), self.columns - 1)


@dataclass(frozen=True)
class Moment:
    """When in a video or an animation a photo was: `clip` is the same for all of its frames."""

    clip: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture as decoded: upright (EXIF applied), RGB, no transparency.

    `pixels` is uint8 [height, width, 3], read-only. `image_id` identifies the pixels and is
    the key of the encoder's cache. `notes` are sentences for the user ("First of 12 frames").
    A frame of a clip has its `moment`.
    """

    pixels: NDArray[np.uint8]
    image_id: str
    name: str
    notes: tuple[Note, ...] = ()
    moment: Moment | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


@dataclass(frozen=True)
class Message:
    """One turn of a conversation, as plain text."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; the defaults are greedy.

    `temperature` 0 means greedy; `top_k` 0 and `top_p` 1 mean no limit. With `beams` above 1
    the likeliest answer is searched for instead, and comes as a whole.
    """

    temperature: Amount = 0.0
    top_p: Amount = 1.0
    top_k: Count = 0
    repetition_penalty: Amount = 1.0
    seed: Count = 0
    max_new_tokens: Annotated[int, between(1, 1 << 20)] = 64
    beams: Annotated[int, between(1, 64)] = 1


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """All that a job needs, captured once.

    Of several `images` each stands where the next `PICTURE` is in the questions' texts, those
    that no text places before the first question; a model that isn't for `sequences` reads the
    first one alone. `messages` ends with the user's question; earlier turns are the conversation
    so far. `fusion` None stands for the model's default. With `tiled` a model that can read a
    photo in tiles does so: more detail, and more time. With `anyway` the model is asked even what
    it has no answer to.
    """

    job_id: int
    images: tuple[Photo, ...]
    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    attention: bool = True
    fusion: str | None = None
    tiled: bool = False
    anyway: bool = False

    @property
    def photos(self) -> tuple[Photo, ...]:
        """The images, each once: a photo may stand in several places."""
        return tuple({photo.image_id: photo for photo in self.images}.values())


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """What one token read from the picture: float16 [layer, head, cell], places only.

    Rows need not sum to 1. `elsewhere` is what went to the names that the encoder found,
    the mean over layers and heads; the rest went to no cell, or to the text. `copied` is how
    much of the token the copier took from those names, from 0 to 1. `others` are the same
    token's maps of the request's further `photos`, in order.
    """

    weights: NDArray[np.float16]
    grid: PatchGrid
    elsewhere: float = 0.0
    copied: float = 0.0
    others: tuple[AttentionMap, ...] = ()

    def of(self, index: int) -> AttentionMap | None:
        """The map of number `index`, from 0, of the request's `photos`; None if it wasn't read."""
        maps = (self, *self.others)
        return maps[index] if index < len(maps) else None


@dataclass(frozen=True, eq=False)
class Explanation:
    """The answer that is to be explained: what was asked, and the tokens written, in order."""

    request: GenerationRequest
    token_ids: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class EdgeMap:
    """What each cell of a picture's graph read from each: float32 [cell, cell], the row reads.

    Means over the graph's rounds and heads. Rows need not sum to 1: cells read names too.
    """

    weights: NDArray[np.float32]
    grid: PatchGrid


@dataclass(frozen=True, eq=False)
class CellMaps:
    """A map for each token of an answer: float32 [token, row, column], read-only.

    NaN where a cell is not measured yet. A search that refines sends several, and the last
    is `done` 1.
    """

    method: Method
    weights: NDArray[np.float32]
    grid: PatchGrid
    done: float = 1.0


Found = CellMaps | AttentionMap
"""What an engine finds out for a method: maps, or the attention to a neutral question."""


@dataclass(frozen=True, eq=False)
class HeadNumbers:
    """One head at work for one token: softmax(q K^T / sqrt(d)) V in numbers, float32.

    `query` [d]; of the n brightest `cells` (int64 [n], brightest first) the `keys` and `values`
    [n, d], `scores` [n] = q k^T / sqrt(d) and `weights` [n] = exp(score) / `denominator`, which
    is the sum of exp(score) over all that the head could read: also dimmer cells, names, and
    text or null cell. They take `rest`, so that weights and rest are together 1. `output` [d]
    is what the head read in all.
    """

    query: NDArray[np.float32]
    cells: NDArray[np.int64]
    keys: NDArray[np.float32]
    scores: NDArray[np.float32]
    weights: NDArray[np.float32]
    values: NDArray[np.float32]
    denominator: float
    rest: float
    output: NDArray[np.float32]


class Verdict(StrEnum):
    """What a word needed, in plain words; the later, the less of the bright places."""

    MATTERED = "mattered"
    PARTLY = "partly"
    ANYWHERE = "anywhere"  # it needs the picture, but this place hardly more than others
    LANGUAGE = "language"  # the model says the word without the picture, too


MUCH, SOME = 1 / 3, 1 / 6
"""Shares of a word's probability: losing less than `SOME` is losing nothing that counts."""


@dataclass(frozen=True)
class Check:
    """A word's probability while parts of the photo are hidden, from 0 to 1.

    The word is the answer's steps `start` to `stop` (exclusive). `whole` is with nothing
    hidden, `hidden` without the cells where `method`'s map is strongest, `random` without as
    many cells drawn by chance, once for each draw, `centre` without those in the middle, and
    `blind` without the whole photo (None: an older program did not measure it).
    """

    method: Method
    start: int
    stop: int
    whole: float
    hidden: float
    random: tuple[float, ...]
    centre: float
    blind: float | None = None

    @property
    def effect(self) -> float:
        """What the strongest cells alone are worth to the word, as a share of `whole`.

        The share that is lost without them, or without the whole photo if that is less (a word
        that stays when everything is hidden needs no place), less what is lost on average
        without as many cells drawn by chance.
        """
        return min(self._lost(self.hidden), self._of_picture) - self._by_chance

    @property
    def verdict(self) -> Verdict:
        """One rule, from the bars: with an effect of `MUCH` the strongest cells mattered, with
        `SOME` partly; with less the word needs the picture if it loses `SOME` without all of
        it, and else it comes from language. The centre's bar is there to compare with.

        So it never gets weaker when a word falls lower without the strongest cells or without
        the photo, and never stronger when it falls lower by chance.
        """
        if self.effect >= MUCH:
            return Verdict.MATTERED
        if self.effect >= SOME:
            return Verdict.PARTLY
        return Verdict.ANYWHERE if self._of_picture >= SOME else Verdict.LANGUAGE

    @property
    def _by_chance(self) -> float:
        lost = [self._lost(each) for each in self.random]
        return sum(lost) / max(1, len(lost))

    @property
    def _of_picture(self) -> float:
        """The share that is lost without the photo, or at least with the most that was hidden."""
        if self.blind is not None:
            return self._lost(self.blind)
        return max(self._lost(self.hidden), self._lost(self.centre), self._by_chance)

    def _lost(self, probability: float) -> float:
        """The share of the word's probability that is gone; none where it is likelier."""
        return max(0.0, 1 - probability / self.whole) if self.whole > 0 else 0.0


@dataclass(frozen=True, eq=False)
class TokenStep:
    """One generated token.

    `text` may be empty while a character's bytes are incomplete; texts concatenated in
    order give the answer. `probability` is the model's own, calibrated on held-out photos;
    sampling leaves it alone.
    """

    job_id: int
    index: int
    token_id: int
    text: str
    probability: float
    attention: AttentionMap | None = None


@dataclass(frozen=True)
class Grounding:
    """Where a model says that a part of its answer is on the photo.

    The part is the answer's steps `start` to `stop` (exclusive), none for boxes alone; the
    boxes are in photo pixels.
    """

    start: int
    stop: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class RuntimeInfo:
    """What answers, and how it came to that.

    `provider` is what the session or torch really uses ("CUDAExecutionProvider",
    "CPUExecutionProvider", "cpu", "cuda"). `note` is one sentence on a fallback, or empty.
    `precision` is that in which a public model's decoder is kept, or our own computes: "float32",
    "bf16", "q4"; older sessions lack it.
    """

    CARDS: ClassVar[tuple[str, ...]] = ("cuda", "mps")  # PyTorch's

    runtime: RuntimeName
    provider: str
    note: Note = NO_NOTE
    precision: str = ""

    @property
    def on_card(self) -> bool:
        """Whether the graphics card computes."""
        return self.runtime is RuntimeName.ONNX_CUDA or self.provider in self.CARDS


@dataclass(frozen=True)
class Timings:
    """Seconds, and the number of tokens written."""

    load: float = 0.0
    first_token: float = 0.0
    total: float = 0.0
    tokens: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Decoding speed after the first token; 0 when there were fewer than two."""
        decoding = self.total - self.first_token
        return (self.tokens - 1) / decoding if self.tokens > 1 and decoding > 0 else 0.0


OutcomeKind = Literal["done", "cancelled", "failed"]


@dataclass(frozen=True)
class GenerationOutcome:
    """How a request ended: exactly one for each request, after its last step.

    `certainty` is the model's chance to be right, from 0 to 1, as its tokens' probabilities
    tell it, the end's included if the model wrote it; None if nothing was written or the
    answer isn't done. `groundings` come from models that give places with their words. With a
    `reply` the app itself has said something, and nothing was written; with a `hedge` the answer
    is said with doubt, and has no certainty.
    """

    job_id: int
    kind: OutcomeKind
    timings: Timings
    runtime: RuntimeInfo | None = None
    error: AppError | None = None
    notes: tuple[Note, ...] = ()
    certainty: float | None = None
    groundings: tuple[Grounding, ...] = ()
    reply: Reply | None = None
    hedge: Hedge | None = None


@dataclass(frozen=True)
class HeadChoice:
    """The (layer, head) pairs shown by default, and a sentence on how they were chosen."""

    heads: tuple[tuple[int, int], ...]
    how: Note


@dataclass(frozen=True)
class FusionInfo:
    """One way in which a model fuses picture and text, and the attention it gives.

    Its attention maps are [image_layers, heads, rows * columns]. `lacks` are methods that can't
    be had with it.
    """

    name: str
    image_layers: int
    heads: int
    rows: int
    columns: int
    head_choice: HeadChoice
    lacks: tuple[Method, ...] = field(default=(), compare=False)  # older sessions lack it


@dataclass(frozen=True)
class ModelInfo:
    """What the window shows of a loaded bundle, and how its answers are best drawn.

    `fusions` are in the order of showing, `fusion` names the default. With `sequences` it reads
    several photos in one request, in their order. `languages` are codes ("en") of what it
    reads; none: nobody said. To questions of the kinds `beyond` it has no answer.
    """

    name: str
    description: str
    context_length: int
    fusions: tuple[FusionInfo, ...]
    fusion: str
    doubt: Doubt
    sampling: Sampling = field(default_factory=Sampling)
    sequences: bool = False
    languages: tuple[str, ...] = field(default=(), compare=False)  # older sessions lack these
    beyond: tuple[QuestionKind, ...] = field(default=(), compare=False)

    def fusion_info(self, name: str | None = None) -> FusionInfo:
        """The fusion of that name, or the default. Raises AppError for an unknown one."""
        wanted = name or self.fusion
        for fusion in self.fusions:
            if fusion.name == wanted:
                return fusion
        known = ", ".join(fusion.name for fusion in self.fusions)
        title = "This model has no fusion called {name}."
        raise AppError(title, "Choose one of these: {known}.", name=wanted, known=known)
