"""Puts questions to a model as the app does: its engine, its settings, one photo at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import GenerationOutcome, GenerationRequest, Message, Photo, TokenStep
from mmgpt_desktop.training.evaluation.baselines import grey_photo
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion

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
        shown = with_progress(what, questions)
        for image, asked in itertools.groupby(shown, lambda question: question.image):
            photo = self.photo(image)
            for question in asked:
                answers[question] = self._say(photo, question.asked, beams)
        return answers

    def answer_blindly(
        self, questions: Sequence[PhotoQuestion], what: str, *, beams: int = 1
    ) -> dict[PhotoQuestion, Answered]:
        """Each question's answer about a grey picture."""
        photo, asked = grey_photo(), list(dict.fromkeys(question.asked for question in questions))
        answers = {text: self._say(photo, text, beams) for text in with_progress(what, asked)}
        return {question: answers[question.asked] for question in questions}

    def photo(self, image: str) -> Photo:
        return load_photo(self.data / image)

    def request(
        self, photo: Photo, text: str, *, beams: int = 1, attention: bool = False
    ) -> GenerationRequest:
        sampling = replace(self.engine.model.sampling, beams=beams)
        messages = (Message("user", text),)
        return GenerationRequest(
            0, (photo,), messages, sampling, attention, self.fusion, anyway=True
        )

    def answer(self, request: GenerationRequest) -> tuple[list[TokenStep], GenerationOutcome]:
        """The answer's tokens, and how it ended; what fails is raised."""
        steps: list[TokenStep] = []
        outcome = self.engine.generate(request, CancelToken(), steps.append)
        if outcome.error is not None:
            raise outcome.error
        return steps, outcome

    def say(self, photo: Photo, text: str) -> str:
        """The greedy answer to a question about a photo."""
        return self._say(photo, text, 1).text

    def _say(self, photo: Photo, text: str, beams: int) -> Answered:
        steps, outcome = self.answer(self.request(photo, text, beams=beams))
        return Answered("".join(step.text for step in steps).strip(), outcome.certainty)


def with_progress(what: str, items: Sequence[T]) -> Iterable[T]:
    """The same items; stderr says how far they are, each second at most."""
    found: Iterable[T] = tqdm(items, desc=what, mininterval=1)
    return found
