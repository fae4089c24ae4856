"""Answers to explain: a model's own, about photos on which things have a known place."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mmgpt_desktop.attention.maps import Span
from mmgpt_desktop.attention.words import Word, group_words, is_content_word
from mmgpt_desktop.messages import AttentionMap, Explanation, Photo
from mmgpt_desktop.training.evaluation.answering import Respondent, with_progress
from mmgpt_desktop.training.evaluation.grounding import list_items
from mmgpt_desktop.training.evaluation.tasks import CAPTION_COLLECTION, CAPTION_QUESTION
from mmgpt_desktop.training.labels import POINTING_QUESTION, LabelMaps, Mask
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask

ASKED, NAMED, DESCRIBED = "asked for", "named in a list", "described"
ASKED_A_PHOTO = 2


@dataclass(frozen=True, eq=False)
class Target:
    """Steps of an answer, and the mask of the thing that they are about if it is known."""

    steps: Span
    mask: Mask | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """An answer with its attention, one map a token, and what of it is to be explained."""

    task: str
    image: str
    explanation: Explanation
    attention: tuple[AttentionMap, ...]
    words: tuple[Word, ...]
    targets: tuple[Target, ...]


def cases(
    respondent: Respondent, photos: Sequence[PhotoTexts], limit: int | None
) -> Iterator[Case]:
    """Of up to `limit` photos with label maps, and of as many that people described."""
    maps = LabelMaps(respondent.data)
    mapped = [photo for photo in photos if maps.has(photo.image)][:limit]
    for texts in with_progress("things", mapped):
        photo = respondent.photo(texts.image)
        masks = maps.things(texts.image)
        yield from _asked(respondent, texts.image, photo, masks)
        yield from _named(respondent, texts.image, photo, masks)
    described = [photo for photo in photos if photo.collection == CAPTION_COLLECTION][:limit]
    for texts in with_progress("descriptions", described):
        yield from _described(respondent, texts.image)


def _asked(
    respondent: Respondent, image: str, photo: Photo, masks: dict[str, Mask]
) -> Iterator[Case]:
    """Where a thing is: the whole answer is about it."""
    names = sorted(masks)
    for name in random.Random(image).sample(names, min(ASKED_A_PHOTO, len(names))):
        case = _case(respondent, ASKED, image, photo, POINTING_QUESTION.format(name))
        yield from _with_targets(case, [Target((0, len(case.attention)), masks[name])])


def _named(
    respondent: Respondent, image: str, photo: Photo, masks: dict[str, Mask]
) -> Iterator[Case]:
    """What is there: those of the list that are."""
    case = _case(respondent, NAMED, image, photo, ask("objects", "", random.Random(image)))
    items = list_items(case.words)
    yield from _with_targets(case, [Target(s, masks[name]) for name, s in items if name in masks])


def _described(respondent: Respondent, image: str) -> Iterator[Case]:
    """A description: one of its content words, drawn by chance."""
    photo = respondent.photo(image)
    case = _case(respondent, DESCRIBED, image, photo, CAPTION_QUESTION)
    content = [word for word in case.words if is_content_word(word.text)]
    drawn = random.Random(image).sample(content, min(1, len(content)))
    yield from _with_targets(case, [Target(word.span) for word in drawn])


def _case(respondent: Respondent, task: str, image: str, photo: Photo, question: str) -> Case:
    request = respondent.request(photo, question, attention=True)
    steps, _ = respondent.answer(request)
    attention = tuple(step.attention for step in steps if step.attention is not None)
    explanation = Explanation(request, tuple(step.token_id for step in steps))
    return Case(task, image, explanation, attention, group_words(steps), ())


def _with_targets(case: Case, targets: Sequence[Target]) -> Iterator[Case]:
    """Nothing where there is nothing to explain, as in an empty answer."""
    if case.attention and targets:
        yield replace(case, targets=tuple(targets))
