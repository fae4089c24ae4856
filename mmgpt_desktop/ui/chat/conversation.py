"""What the window remembers while it is open: photos, and a conversation with each."""

from __future__ import annotations

import itertools
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from mmgpt_desktop.attention.reduce import Word, count_words, group_words
from mmgpt_desktop.messages import (
    PICTURE,
    AttentionMap,
    Box,
    Doubt,
    Explanation,
    GenerationOutcome,
    GenerationRequest,
    Message,
    ModelInfo,
    Photo,
    TokenStep,
)
from mmgpt_desktop.ui.chat.measurements import Findings
from mmgpt_desktop.ui.widgets.shown_photo import ShownPhoto

_MARKS = string.whitespace + "\u00a0\u2029.,;:!?\"'()[]{}\u2018\u2019\u201c\u201d\u2026"
# And those of scripts without spaces: wide ones, and Khmer's, Myanmar's and Tibetan's stops.
_WIDE = map(chr, (*range(0x3000, 0x3040), 0x30FB, *range(0xFF01, 0xFF66)))
_MARKS += "".join(each for each in _WIDE if unicodedata.category(each)[0] in "PZ")
_MARKS += "\u17d4\u17d5\u104a\u104b\u0f0b\u0f0d\u0f0e"
_ENOUGH_WORDS = 3


@dataclass(eq=False)
class Turn:
    """A question and what came back; `outcome` is None while it is being answered.

    `fusion` names the one that answers, None the model's default. `request` is what the
    engine was asked. `model` wrote it: None while none is loaded yet.
    """

    job_id: int
    question: str
    fusion: str | None = None
    steps: list[TokenStep] = field(default_factory=list)
    outcome: GenerationOutcome | None = None
    unsure: bool = False  # the answer is said with doubt
    request: GenerationRequest | None = None
    model: ModelInfo | None = None
    findings: Findings = field(default_factory=Findings)
    _words: tuple[Word, ...] = ()
    _grouped: int = 0  # how many steps `_words` were made of

    def end(self, outcome: GenerationOutcome, doubt: Doubt | None) -> None:
        """Note how it ended, and whether the answer is to be said with doubt."""
        self.outcome = outcome
        self.unsure = doubt is not None and doubt.about(count_words(self.steps), outcome.certainty)

    @property
    def answer(self) -> str:
        return "".join(step.text for step in self.steps)

    @property
    def words(self) -> tuple[Word, ...]:
        """Grouped once for each step that comes: the panes ask several times."""
        if self._grouped != len(self.steps):
            self._words, self._grouped = group_words(self.steps), len(self.steps)
        return self._words

    @cached_property
    def explanation(self) -> Explanation | None:
        """What can be explained once the answer has ended: None without a picture."""
        if self.request is None or not self.request.images or not self.steps:
            return None
        return Explanation(self.request, tuple(step.token_id for step in self.steps))

    def place_of(self, photo: Photo | None) -> int:
        """Which of the photos that were asked about this is; 0 also where it is none of them."""
        ids = [image.image_id for image in self.request.photos] if self.request else []
        return ids.index(photo.image_id) if photo is not None and photo.image_id in ids else 0

    @property
    def text(self) -> str:
        """The question as the model read it: with `PICTURE` where a picture stands in it."""
        return self.request.messages[-1].text if self.request is not None else self.question

    @property
    def pictures(self) -> tuple[Photo, ...]:
        """Those that stand in the question's text, in order."""
        count = self.text.count(PICTURE)
        return self.request.images[-count:] if self.request is not None and count else ()

    @property
    def about(self) -> tuple[Photo, ...]:
        """What the question itself is about, without the pictures of earlier ones."""
        if self.request is None or self.pictures:
            return self.pictures
        earlier = sum(message.text.count(PICTURE) for message in self.request.messages)
        return self.request.images[: len(self.request.images) - earlier]

    @property
    def words_per_second(self) -> float:
        """After the first token; 0 for an answer that is too short to tell."""
        if self.outcome is None or len(self.words) < _ENOUGH_WORDS:
            return 0.0
        return self.outcome.timings.tokens_per_second * len(self.words) / len(self.steps)


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be asked: as it was typed, and as a model reads it, with `PICTURE` where each
    of `pictures` stands. Without any it is about what its conversation shows."""

    typed: str
    text: str
    pictures: tuple[Photo, ...] = ()


@dataclass(eq=False)
class Conversation:
    """The turns about one photo, or about none.

    A turn about several photos stands in the conversation of each of them.
    """

    shown: ShownPhoto | None = None
    turns: list[Turn] = field(default_factory=list)

    @property
    def clip(self) -> str:
        """What the frames of one video or animation share; empty for a photo."""
        moment = self.shown.photo.moment if self.shown is not None else None
        return moment.clip if moment is not None else ""

    def told(self, question: Question) -> list[Turn]:
        """The answered turns. Without answers to the same question: the model would only
        repeat them."""
        return [
            turn
            for turn in self.turns
            if turn.outcome is not None and turn.answer.strip() and turn.question != question.typed
        ]


def photos_and_messages(
    asked: Sequence[Conversation], question: Question, *, sequences: bool
) -> tuple[tuple[Photo, ...], tuple[Message, ...]]:
    """What a request about the conversations `asked` carries; the first one is gone on with.

    A model that isn't for sequences is told of the first one's photo alone.
    """
    told = asked[0].told(question)
    messages: list[Message] = []
    for turn in told:
        messages += [Message("user", turn.text), Message("assistant", turn.answer)]
    messages.append(Message("user", question.text))
    shown = [each.shown.photo for each in asked if each.shown is not None]
    if not sequences:
        plain = (replace(each, text=each.text.replace(PICTURE, "").strip()) for each in messages)
        return tuple(shown[:1]), tuple(plain)
    placed = [*itertools.chain(*(turn.pictures for turn in told)), *question.pictures]
    begun = {photo.image_id for photo in (told[0] if told else question).pictures}
    around = shown[:1] if question.pictures else shown
    return (*(photo for photo in around if photo.image_id not in begun), *placed), tuple(messages)


@dataclass(frozen=True, eq=False)
class ChosenWord:
    """A word of an answer as the window shows it; `span` are its steps."""

    turn: Turn
    index: int
    text: str
    probability: float
    span: tuple[int, int]


def chosen_word(turn: Turn, index: int) -> ChosenWord:
    word = turn.words[index]
    text = bare_word(word.text)[1]
    return ChosenWord(turn, index, text, word.probability, (word.start, word.stop))


def attention_maps(steps: list[TokenStep], place: int = 0) -> tuple[AttentionMap, ...]:
    """Of the request's photo number `place`, one for each step; none when a step looked at no
    picture, as in a text-only answer."""
    looks = (step.attention.of(place) for step in steps if step.attention is not None)
    maps = tuple(look for look in looks if look is not None and look.weights.size)
    return maps if len(maps) == len(steps) else ()


def boxes_of(turn: Turn, span: tuple[int, int]) -> tuple[Box, ...]:
    """Where the model says that these steps of its answer are on the photo; a box that it
    gave without words belongs to the whole answer alone."""
    groundings = turn.outcome.groundings if turn.outcome is not None else ()
    start, stop = span
    everything = start == 0 and stop == len(turn.steps)
    return tuple(
        box
        for each in groundings
        if everything or (each.start < stop and each.stop > start)
        for box in each.boxes
    )


def bare_word(text: str) -> tuple[str, str]:
    """What comes before a word (spaces, opening marks), and the word without its marks.

    A word of marks only stays whole.
    """
    inner = text.strip(_MARKS) or text.strip()
    return text[: text.find(inner)], inner
