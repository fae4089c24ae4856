"""The record of an answer: what was asked about which pictures, what came back, what was measured.

The window writes in it, in its own thread; a session is a copy of it, a report shows one turn. What
a turn holds is frozen and replaced as a whole, so that a `copy` stays as it is in any thread.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice, attention_maps
from mmgpt_desktop.attention.maps import Span
from mmgpt_desktop.attention.words import Word, count_words, group_words
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.honesty import Doubt, Hedge, Reply
from mmgpt_desktop.messages import (
    PICTURE,
    AttentionMap,
    Box,
    CellMaps,
    Check,
    Explanation,
    Found,
    GenerationOutcome,
    GenerationRequest,
    Message,
    ModelInfo,
    Photo,
    Timings,
    TokenStep,
    Verdict,
    with_numbers,
)
from mmgpt_desktop.methods import Method, Needs
from mmgpt_desktop.painted import Drawing

_ENOUGH_WORDS = 3


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be asked: as it was typed, and as a model reads it, with `PICTURE` where each
    of `pictures` stands. Without any it is about what its conversation shows."""

    typed: str
    text: str
    pictures: tuple[Photo, ...] = ()


@dataclass(frozen=True)
class WordCheck:
    """A check of word `word` of an answer, on the map of some (layer, head) pairs, if any."""

    check: Check
    word: int
    heads: tuple[tuple[int, int], ...] = ()

    @property
    def choice(self) -> MapChoice:
        return MapChoice(self.check.method, self.heads)


@dataclass(eq=False)
class Turn:
    """A question and what came back; `outcome` is None while it is being answered.

    `request` is what the engine was asked, `typed` what somebody wrote, where that differs.
    `model` answered: None while none is loaded yet. With `unsure` the answer is said with doubt.

    `maps` are what was found out beside the attention, one for each method, and `checks` one for
    each word and choice of maps; `neutral` is the attention to a neutral question about the photo.
    What could not be had is in `failed`, and `check_failed` stands for all checks: one that failed
    would fail for the next word too. Neither is saved.
    """

    request: GenerationRequest
    steps: tuple[TokenStep, ...] = ()
    outcome: GenerationOutcome | None = None
    unsure: bool = False
    model: ModelInfo | None = None
    maps: tuple[CellMaps, ...] = ()
    neutral: AttentionMap | None = None
    checks: tuple[WordCheck, ...] = ()
    typed: str = ""
    failed: Mapping[Method, AppError] = field(default_factory=dict, init=False)
    check_failed: AppError | None = field(default=None, init=False)
    _words: tuple[Word, ...] = field(default=(), init=False)
    _words_of: tuple[TokenStep, ...] = field(default=(), init=False)
    _checks: dict[tuple[MapChoice, int], Check] = field(default_factory=dict, init=False)
    _checks_of: tuple[WordCheck, ...] = field(default=(), init=False)

    def add_step(self, step: TokenStep) -> None:
        self.steps = (*self.steps, step)

    def end(self, outcome: GenerationOutcome, doubt: Doubt | None) -> None:
        """Note how it ended, and whether the answer is to be said with doubt."""
        self.outcome = outcome
        words, hedged = count_words(self.steps), outcome.hedge is not None
        self.unsure = hedged or (doubt is not None and doubt.about(words, outcome.certainty))

    def copy(self) -> Turn:
        """As it stands now, to be kept or to cross a thread: without what is still being measured,
        and ended, if it is still being answered."""
        turn = copy.copy(self)
        turn.outcome = self.outcome or GenerationOutcome(self.job_id, "cancelled", Timings())
        turn.maps = tuple(maps for maps in self.maps if maps.done >= 1)
        return turn

    def numbered(self, job_id: int) -> Turn:
        """The same turn of an ended answer as another job's."""
        outcome = replace(self.outcome, job_id=job_id) if self.outcome is not None else None
        return replace(
            self,
            request=replace(self.request, job_id=job_id),
            steps=tuple(replace(step, job_id=job_id) for step in self.steps),
            outcome=outcome,
        )

    @property
    def job_id(self) -> int:
        return self.request.job_id

    @property
    def fusion(self) -> str | None:
        """The one that answers; None for the model's default."""
        return self.request.fusion

    @property
    def question(self) -> str:
        """For people to read."""
        return self.typed or with_numbers(self.text)

    @property
    def text(self) -> str:
        """The question as the model read it: with `PICTURE` where a picture stands in it."""
        return self.request.messages[-1].text

    @property
    def pictures(self) -> tuple[Photo, ...]:
        """Those that stand in the question's text, in order."""
        count = self.text.count(PICTURE)
        return self.request.images[-count:] if count else ()

    @property
    def about(self) -> tuple[Photo, ...]:
        """What the question itself is about, without the pictures of earlier ones."""
        if self.pictures:
            return self.pictures
        earlier = sum(message.text.count(PICTURE) for message in self.request.messages)
        return self.request.images[: len(self.request.images) - earlier]

    def photo_index(self, photo: Photo | None) -> int:
        """Which of the photos that were asked about this is; 0 also where it is none of them."""
        ids = [image.image_id for image in self.request.photos]
        return ids.index(photo.image_id) if photo is not None and photo.image_id in ids else 0

    @property
    def answer(self) -> str:
        return "".join(step.text for step in self.steps)

    @property
    def reply(self) -> Reply | None:
        """What the app itself said instead of an answer."""
        return self.outcome.reply if self.outcome is not None else None

    @property
    def hedge(self) -> Hedge | None:
        """Why the answer is doubted, if not for its certainty."""
        return self.outcome.hedge if self.outcome is not None else None

    @property
    def leads_to_a_guess(self) -> bool:
        """Whether who asks this once more wants to hear the model's guess."""
        return self.request.anyway or (self.reply is not None and self.reply.leaves_a_guess)

    @property
    def words(self) -> tuple[Word, ...]:
        """Grouped once for each step that comes: the panes ask several times."""
        if self._words_of is not self.steps:
            self._words, self._words_of = group_words(self.steps), self.steps
        return self._words

    @property
    def words_per_second(self) -> float:
        """After the first token; 0 for an answer that is too short to tell."""
        if self.outcome is None or len(self.words) < _ENOUGH_WORDS:
            return 0.0
        return self.outcome.timings.tokens_per_second * len(self.words) / len(self.steps)

    @cached_property
    def explanation(self) -> Explanation | None:
        """What can be explained once the answer has ended: None without a picture."""
        if not self.request.images or not self.steps:
            return None
        return Explanation(self.request, tuple(step.token_id for step in self.steps))

    def boxes(self, span: Span) -> tuple[Box, ...]:
        """Where the model says that these steps of its answer are on the photo; a box that it
        gave without words belongs to the whole answer alone."""
        groundings = self.outcome.groundings if self.outcome is not None else ()
        start, stop = span
        everything = start == 0 and stop == len(self.steps)
        return tuple(
            box
            for each in groundings
            if everything or (each.start < stop and each.stop > start)
            for box in each.boxes
        )

    # What was measured

    def found(self, method: Method) -> Found | None:
        """What the engine found out for the method, as far as it is known."""
        maps = next((each for each in self.maps if each.method is method), None)
        return self.neutral if maps is None and method.about.needs is Needs.NEUTRAL else maps

    def take(self, method: Method, found: Found) -> None:
        """Maps come in the place of those that the method had."""
        if isinstance(found, CellMaps):
            self.maps = (*(each for each in self.maps if each.method is not method), found)
        else:
            self.neutral = found

    def fail(self, method: Method, error: AppError) -> None:
        """There are no maps of the method, and none will come."""
        self.failed = {**self.failed, method: error}

    def is_measured(self, method: Method) -> bool:
        """All that the method needs beside the answer's own attention is here."""
        found = self.found(method)
        done = found.done >= 1 if isinstance(found, CellMaps) else found is not None
        return done or method.about.needs is Needs.ATTENTION

    def answer_maps(self, choice: MapChoice, index: int = 0) -> AnswerMaps | None:
        """What the maps on the request's photo number `index` are made of; None while they can't
        be made. What is found out beside the attention is about the first photo alone."""
        found, attention = self.found(choice.method), attention_maps(self.steps, index)
        if index and not choice.method.of_each_photo:
            return None
        if isinstance(found, CellMaps) or (attention and self.is_measured(choice.method)):
            return AnswerMaps(choice, attention, found)
        return None

    def check(self, choice: MapChoice, word: int) -> Check | None:
        """None until it was measured."""
        if self._checks_of is not self.checks:
            self._checks = {(each.choice, each.word): each.check for each in self.checks}
            self._checks_of = self.checks
        return self._checks.get((choice, word))

    def add_check(self, choice: MapChoice, word: int, check: Check) -> None:
        self.checks = (*self.checks, WordCheck(check, word, choice.heads))

    def verdict(self, choice: MapChoice, word: int) -> Verdict | None:
        """None until it was measured."""
        check = self.check(choice, word)
        return check.verdict if check is not None else None

    @property
    def progress(self) -> tuple[int, ...]:
        """How much there is of it: no part ever falls."""
        whole = sum(maps.done >= 1 for maps in self.maps)
        ended, neutral = self.outcome is not None, self.neutral is not None
        return len(self.steps), int(ended), whole, len(self.checks), int(neutral)


@dataclass(eq=False)
class Conversation:
    """The turns about one photo, or about none.

    A turn about several photos stands in the conversation of each of them. A photo that was drawn
    here has its `drawing`.
    """

    photo: Photo | None = None
    turns: list[Turn] = field(default_factory=list)
    drawing: Drawing | None = None  # older sessions lack it

    @property
    def clip(self) -> str:
        """What the frames of one video or animation share; empty for a photo."""
        moment = self.photo.moment if self.photo is not None else None
        return moment.clip if moment is not None else ""

    def insists(self, question: Question) -> bool:
        """Whether this was the last question too, and the app replied to it."""
        last = self.turns[-1] if self.turns else None
        same = last is not None and last.question.casefold() == question.typed.casefold()
        return last is not None and same and last.leads_to_a_guess

    def answered(self, question: Question) -> list[Turn]:
        """The turns that a model is told of before the question. Without answers to the same one:
        it would only repeat them."""
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
    before = asked[0].answered(question)
    messages: list[Message] = []
    for turn in before:
        messages += [Message("user", turn.text), Message("assistant", turn.answer)]
    messages.append(Message("user", question.text))
    shown = [each.photo for each in asked if each.photo is not None]
    if not sequences:
        plain = (replace(each, text=each.text.replace(PICTURE, "").strip()) for each in messages)
        return tuple(shown[:1]), tuple(plain)
    placed = [*itertools.chain(*(turn.pictures for turn in before)), *question.pictures]
    begun = {photo.image_id for photo in (before[0] if before else question).pictures}
    around = shown[:1] if question.pictures else shown
    return (*(photo for photo in around if photo.image_id not in begun), *placed), tuple(messages)
