"""What a model can do in Chinese: captions beside people's, and the made questions beside the
same ones in English."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.training.chinese import chinese_pair
from mmgpt_desktop.training.evaluation.answering import Respondent
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.evaluation.metrics import Statistic, Values
from mmgpt_desktop.training.evaluation.scoring import (
    Answers,
    accuracy_of,
    by_title,
    measure_of,
    right_ones,
    row_of,
)
from mmgpt_desktop.training.evaluation.table import GREY, Row
from mmgpt_desktop.training.evaluation.tasks import CAPTION_COLLECTION, PhotoQuestion
from mmgpt_desktop.training.photo_texts import CAPTIONS_ZH, TRANSLATIONS_ZH, PhotoTexts, ask
from mmgpt_desktop.training.wordings import CHINESE

CAPTION_QUESTION_ZH = "描述这张图片。"
CAPTIONS_TASK, QUESTIONS_TASK = "captions in Chinese (Flickr8K-CN)", "questions in Chinese"
Places = NDArray[np.intp]
IN_ENGLISH, TRANSLATED = "in English", "human translation"


def chinese_rows(
    respondent: Respondent,
    photos: Sequence[PhotoTexts],
    questions: Sequence[PhotoQuestion],
    shown: Answers,
    limit: int | None,
) -> Iterator[Row]:
    """`shown` are the answers to the `questions` in English."""
    described = [photo for photo in photos if photo.collection == CAPTION_COLLECTION]
    described = [photo for photo in described if photo.pairs.get(CAPTIONS_ZH)][:limit]
    if described:
        yield from _caption_rows(respondent, described)
    chinese = in_chinese_words(questions)
    if chinese:
        answers = respondent.answer_all(list(chinese.values()), "questions in Chinese")
        yield from _question_rows(chinese, answers, shown)


def in_chinese_words(questions: Sequence[PhotoQuestion]) -> dict[PhotoQuestion, PhotoQuestion]:
    """The same in Chinese, for the made ones whose names the tables have."""
    found: dict[PhotoQuestion, PhotoQuestion] = {}
    for question in questions:
        made = (
            chinese_pair(question.kind, question.stem, answer, question.collection)
            for answer in question.answers
        )
        if known := [pair for pair in made if pair]:
            stem, rng = known[0][0], random.Random(f"{question.image} {question.stem}")
            asked = ask(question.kind, stem, rng, language=CHINESE)
            answers = tuple(dict.fromkeys(answer for _, answer in known))
            found[question] = replace(question, stem=stem, asked=asked, answers=answers)
    return found


def _question_rows(
    chinese: dict[PhotoQuestion, PhotoQuestion], answers: Answers, shown: Answers
) -> Iterator[Row]:
    """Task by task, beside the same questions in English; and the mean over the tasks."""
    right: list[tuple[Places, Statistic]] = []
    english: list[tuple[Places, Statistic]] = []
    photos: list[str] = []
    for title, asked in by_title(list(chinese)).items():
        images = [question.image for question in asked]
        ours = accuracy_of(asked, right_ones([chinese[each] for each in asked], answers))
        theirs = accuracy_of(asked, right_ones(asked, shown))
        measure = f"{measure_of(asked[0].kind)}, in Chinese"
        yield row_of(title, measure, images, ours, {IN_ENGLISH: theirs})
        places = np.arange(len(photos), len(photos) + len(images))
        right.append((places, ours))
        english.append((places, theirs))
        photos += images
    blind = {IN_ENGLISH: _mean_over(english)}
    yield row_of(QUESTIONS_TASK, "mean over tasks", photos, _mean_over(right), blind)


def _mean_over(tasks: Sequence[tuple[Places, Statistic]]) -> Statistic:
    """The mean of statistics that are each of some of the items."""

    def statistic(weights: Values) -> float:
        return float(np.mean([each(weights[places]) for places, each in tasks]))

    return statistic


def _caption_rows(respondent: Respondent, described: Sequence[PhotoTexts]) -> Iterator[Row]:
    """Over characters. On the photos whose English captions people translated, the translations
    stand beside the model's: what people reach who didn't see the others' words."""
    asked = [
        PhotoQuestion(photo.image, "caption", "", CAPTION_QUESTION_ZH, ()) for photo in described
    ]
    shown = respondent.answer_all(asked, "captions in Chinese")
    grey = respondent.answer_blindly(asked, "captions in Chinese, grey")
    references = {
        photo.image: [text for _, text in photo.pairs[CAPTIONS_ZH]] for photo in described
    }
    model, blind = _written(asked, shown), _written(asked, grey)
    images = list(references)
    grey_measures = caption_measures(references, blind)
    for name, statistic in caption_measures(references, model).items():
        others = {GREY: grey_measures[name]}
        measure = f"{name} over characters"
        yield row_of(CAPTIONS_TASK, measure, images, statistic, others, percent=False)
    yield from _ceiling_rows(described, references, model)


def _written(asked: Sequence[PhotoQuestion], answers: Answers) -> dict[str, str]:
    return {question.image: answers[question].text for question in asked}


def _ceiling_rows(
    described: Sequence[PhotoTexts], references: dict[str, list[str]], model: dict[str, str]
) -> Iterator[Row]:
    """Each translation counts by itself, and its photo as often as it has some."""
    translated = {
        photo.image: [text for _, text in photo.pairs[TRANSLATIONS_ZH]]
        for photo in described
        if photo.pairs.get(TRANSLATIONS_ZH)
    }
    if not translated:
        return
    places = np.array([place for place, image in enumerate(references) if image in translated])
    ours = caption_measures(references, model)
    most = max(map(len, translated.values()))
    people = [
        caption_measures(
            references,
            {**model, **{image: texts[n % len(texts)] for image, texts in translated.items()}},
        )
        for n in range(most)
    ]
    for name, statistic in ours.items():
        theirs = _mean_of([_among(each[name], places, len(references)) for each in people])
        own = _among(statistic, places, len(references))
        measure = f"{name} over characters, photos with a translation"
        blind = {TRANSLATED: theirs}
        yield row_of(CAPTIONS_TASK, measure, list(translated), own, blind, percent=False)


def _among(statistic: Statistic, places: Places, items: int) -> Statistic:
    """The statistic over some of its items; the others count nothing."""

    def over(weights: Values) -> float:
        every = np.zeros(items)
        every[places] = weights
        return statistic(every)

    return over


def _mean_of(statistics: Sequence[Statistic]) -> Statistic:
    return lambda weights: float(np.mean([each(weights) for each in statistics]))
