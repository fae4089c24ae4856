"""Puts questions to a model as the app does: its engine, its settings, one photo at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import GenerationOutcome, GenerationRequest, Message, Photo, TokenStep
from mmgpt_desktop.training.evaluation.baselines import grey_photo
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion

_EVERY_SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Answered:
    """An answer, and how certain the model was of it, from 0 to 1; None if it can't tell."""

    text: str
    certainty: float | None


@dataclass(frozen=True, eq=False)
class Respondent:
    """A loaded engine, one of its fusions, and the folder whose photos it is asked about."""

    engine: EngineBase
    data: Path
    fusion: str | None = None

    def answer_all(
        self, questions: Sequence[PhotoQuestion], what: str, *, beams: int = 1
    ) -> dict[PhotoQuestion, Answered]:
        """Each question's answer; questions about one photo must follow one another."""
        answers: dict[PhotoQuestion, Answered] = {}
        for photo, question in self._with_photos(with_progress(what, questions)):
            answers[question] = _answered(*self.ask(photo, question.asked, beams=beams))
        return answers

    def answer_blindly(
        self, questions: Sequence[PhotoQuestion], what: str, *, beams: int = 1
    ) -> dict[PhotoQuestion, Answered]:
        """Each question's answer about a grey picture."""
        photo, answers = grey_photo(), dict[str, Answered]()
        asked = dict.fromkeys(question.asked for question in questions)
        for text in with_progress(what, list(asked)):
            answers[text] = _answered(*self.ask(photo, text, beams=beams))
        return {question: answers[question.asked] for question in questions}

    def photo(self, image: str) -> Photo:
        return load_photo(self.data / image)

    def ask(
        self, photo: Photo, text: str, *, beams: int = 1, attention: bool = False
    ) -> tuple[list[TokenStep], GenerationOutcome]:
        """The answer's tokens, and how it ended; what fails is raised."""
        return self.answer(self.request(photo, text, beams=beams, attention=attention))

    def request(
        self, photo: Photo, text: str, *, beams: int = 1, attention: bool = False
    ) -> GenerationRequest:
        sampling = replace(self.engine.model.sampling, beams=beams)
        messages = (Message("user", text),)
        return GenerationRequest(0, (photo,), messages, sampling, attention, self.fusion)

    def answer(self, request: GenerationRequest) -> tuple[list[TokenStep], GenerationOutcome]:
        """As `ask`."""
        steps: list[TokenStep] = []
        outcome = self.engine.generate(request, CancelToken(), steps.append)
        if outcome.error is not None:
            raise outcome.error
        return steps, outcome

    def _with_photos(
        self, questions: Iterable[PhotoQuestion]
    ) -> Iterator[tuple[Photo, PhotoQuestion]]:
        image, photo = "", grey_photo()
        for question in questions:
            if question.image != image:
                image, photo = question.image, self.photo(question.image)
            yield photo, question


def _answered(steps: Sequence[TokenStep], outcome: GenerationOutcome) -> Answered:
    return Answered("".join(step.text for step in steps).strip(), outcome.certainty)


def with_progress(what: str, items: Sequence[T]) -> Iterator[T]:
    """The same items; stderr says now and then how far they are."""
    started = told = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - told >= _EVERY_SECONDS:
            told, left = now, (now - started) / max(1, done) * (len(items) - done)
            print(f"{what}: {done} of {len(items)}, {left / 60:.0f} min left", file=sys.stderr)
        yield item
    print(f"{what}: {len(items)} in {time.monotonic() - started:.0f} s", file=sys.stderr)
