"""Answers to explain: a model's own, about photos on which things have a known place."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.maps import Span
from mmgpt_desktop.attention.words import Word, group_words, is_content_word
from mmgpt_desktop.messages import AttentionMap, Explanation, PatchGrid, Photo
from mmgpt_desktop.training.evaluation.answering import Respondent, with_progress
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
    yield from cases_of_things(respondent, photos, limit, ASKED_A_PHOTO)
    described = [photo for photo in photos if photo.collection == CAPTION_COLLECTION][:limit]
    for texts in with_progress("descriptions", described):
        yield from _described(respondent, texts.image)


def cases_of_things(
    respondent: Respondent,
    photos: Sequence[PhotoTexts],
    limit: int | None,
    asked: int | None = None,
) -> Iterator[Case]:
    """Of up to `limit` photos with label maps, where up to `asked` things are asked for of each:
    all their targets have masks. The whole answer to where a thing is is about it."""
    maps = LabelMaps(respondent.data)
    mapped = [photo for photo in photos if maps.has(photo.image)][:limit]
    for texts in with_progress("things", mapped):
        photo = respondent.photo(texts.image)
        masks = maps.things(texts.image)
        count = len(masks) if asked is None else min(asked, len(masks))
        for name in random.Random(texts.image).sample(sorted(masks), count):
            question = POINTING_QUESTION.format(name)
            case = _case(respondent, ASKED, texts.image, photo, question)
            yield from _with_targets(case, [Target((0, len(case.attention)), masks[name])])
        yield from _named(respondent, texts.image, photo, masks)


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


def list_items(written: Sequence[Word]) -> Iterator[tuple[str, Span]]:
    """The items of "wall, floor lamp, bed." with the steps that wrote each."""
    ends = [place + 1 for place, word in enumerate(written) if word.text.rstrip().endswith(",")]
    for start, stop in itertools.pairwise([0, *ends, len(written)]):
        if item := written[start:stop]:
            name = "".join(word.text for word in item).strip(" ,.").lower()
            yield name, (item[0].start, item[-1].stop)


def cells_on(mask: Mask, grid: PatchGrid) -> NDArray[np.bool_]:
    """Which cells' centres lie in the mask, [row, column]; beyond the photo none does.

    The mask may have another size than the photo, but the same frame.
    """
    height, width = mask.shape
    boxes = [grid.cell_box(cell) for cell in range(grid.cells)]
    x = np.array([(box.left + box.right) / 2 for box in boxes]) / grid.photo_width
    y = np.array([(box.top + box.bottom) / 2 for box in boxes]) / grid.photo_height
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    columns = np.clip(x * width, 0, width - 1).astype(int)
    rows = np.clip(y * height, 0, height - 1).astype(int)
    return np.asarray(mask[rows, columns] & inside).reshape(grid.rows, grid.columns)
