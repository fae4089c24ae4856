"""Stage 9: what a bundle can do on photos that it was not trained on, row by row.

The bundle runs as in the app. Beside each figure stands what was reached without looking:
the same model with a grey picture, and the most frequent training answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.training import wordnet
from mmgpt_desktop.training.evaluation.answering import Answered, Respondent
from mmgpt_desktop.training.evaluation.baselines import MostFrequent
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.evaluation.grounding import Hits, ground
from mmgpt_desktop.training.evaluation.invented import is_invented
from mmgpt_desktop.training.evaluation.metrics import (
    CALIBRATION_BINS,
    Statistic,
    accuracy_of_answered,
    balanced,
    bootstrap,
    calibration_error,
    mean,
    ratio,
    thresholded,
    wups,
)
from mmgpt_desktop.training.evaluation.table import CENTRE, FREQUENT, GREY, RANDOM, USUAL, Row
from mmgpt_desktop.training.evaluation.tasks import (
    CAPTION_QUESTION,
    TITLES,
    TWO_SIDED,
    PhotoQuestion,
    answer_set,
    draw_questions,
    in_new_words,
    words,
)
from mmgpt_desktop.training.labels import LabelMaps
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts, photos_of
from mmgpt_desktop.training.truth import Truth, mapped_photos

LEFT_OUT = (0.0, 0.1, 0.25, 0.5)
NOTES = (
    "Brackets: 95 % bootstrap intervals over photos. Shares in per cent, caption metrics as "
    "they are (1 is the most for BLEU-4 and ROUGE-L, 10 for CIDEr-D).",
    "Exact: lower-case words without punctuation; lists in any order; an action by its verb. "
    "Balanced: yes and no weigh the same. Most frequent: the training answers to questions of "
    "the same kind and collection that begin with the same three words, or two, or one, or any.",
    "In new words: the same questions as somebody who had not seen training's words would ask "
    "them, without those wordings that are among these (`wordings.toml`), beside the usual words.",
    "Caption metrics: pycocoevalcap, on the same words (apostrophes begin a word, hyphens "
    "separate); CIDEr-D's word weights come from this split's references.",
    "Made up: a description names a person, or an animal, where the label map has none. Agreement: "
    "the harmonic mean of how much of what is named is there, and how much of what is there is "
    "named, the place and the four largest things; rare names weigh more.",
    "Certainty: the one that the app shows, from the geometric mean of the tokens' probabilities, "
    "the end's included; all kinds but captions together, "
    f"{CALIBRATION_BINS} bins of equal width.",
    "Pointing: the strongest cell of the heatmap of the model's chosen heads has its centre in "
    "the thing's mask (things of 1 to 25 % of the picture).",
)

Answers = Mapping[PhotoQuestion, Answered]


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured; no `limit` means all, one beam means greedy captions alone, and no
    `fusion` the model's default.
    """

    data: Path
    split: str = "test"
    limit: int | None = None
    beams: int = 3
    fusion: str | None = None


def evaluate(engine: EngineBase, model: ModelInfo, settings: EvaluationSettings) -> list[Row]:
    """Every row of the table, for a loaded engine and what it loaded. Raises AppError."""
    heads = model.fusion_info(settings.fusion).head_choice.heads
    photos = photos_of(settings.data, settings.split)
    questions = draw_questions(photos, settings.limit)
    respondent = Respondent(engine, settings.data, settings.fusion)
    captions = [question for question in questions if question.kind == "caption"]
    short = [question for question in questions if question.kind != "caption"]
    rows: list[Row] = []
    for beams in sorted({1, settings.beams}) if captions else ():
        way = "greedy" if beams == 1 else f"beam {beams}"
        shown = respondent.answer_all(captions, f"captions, {way}", beams=beams)
        grey = respondent.answer_blindly(captions, f"captions, grey, {way}", beams=beams)
        rows += _caption_rows(captions, shown, {GREY: grey}, way)
        if beams == 1:
            rows += _new_caption_rows(respondent, captions, shown)
    rows += _description_rows(respondent, photos, settings.limit)
    shown = respondent.answer_all(short, "questions")
    grey = respondent.answer_blindly(short, "questions, grey")
    rows += _question_rows(short, [shown, grey, _most_frequent(settings.data, short)])
    rows += _new_words_rows(respondent, short, shown)
    rows += _certainty_rows(short, shown)
    return rows + list(_grounding_rows(ground(respondent, heads, photos, settings.limit)))


def _most_frequent(data: Path, questions: Iterable[PhotoQuestion]) -> Answers:
    frequent = MostFrequent(load_texts(data, ["train"]))
    return {question: Answered(frequent.answer(question), 1.0) for question in questions}


def _caption_rows(
    asked: Sequence[PhotoQuestion], shown: Answers, compared: Mapping[str, Answers], way: str
) -> Iterator[Row]:
    photos = [question.image for question in asked]
    references = {question.image: question.answers for question in asked}

    def measures(answers: Answers) -> dict[str, Statistic]:
        written = {question.image: answers[question].text for question in asked}
        return caption_measures(references, written)

    others = {name: measures(answers) for name, answers in compared.items()}
    for name, statistic in measures(shown).items():
        scores = {other: bootstrap(found[name], photos) for other, found in others.items()}
        score, measure = bootstrap(statistic, photos), f"{name}, {way}"
        yield Row(TITLES["caption"], measure, len(asked), score, scores, percent=False)


def _new_caption_rows(
    respondent: Respondent, captions: Sequence[PhotoQuestion], usual: Answers
) -> Iterator[Row]:
    new = in_new_words(captions)
    answers = respondent.answer_all(list(new.values()), "captions in new words")
    others = {question: answers[new[question]] for question in new}
    yield from _caption_rows(list(new), others, {USUAL: usual}, "greedy, in new words")


def _description_rows(
    respondent: Respondent, photos: Sequence[PhotoTexts], limit: int | None
) -> Iterator[Row]:
    """What descriptions of photos with a label map name."""
    truth = Truth(mapped_photos(photos, LabelMaps(respondent.data)))
    images = list(truth.photos)[:limit]
    if not images:
        return
    asked = [PhotoQuestion(image, "view", "", CAPTION_QUESTION, ()) for image in images]
    shown = respondent.answer_all(asked, "descriptions")
    grey = respondent.answer_blindly(asked, "descriptions, grey")

    def invented(answers: Answers) -> Statistic:
        there = {image: truth.photos[image].present for image in images}
        return mean([is_invented(answers[q].text, there[q.image]) for q in asked])

    def agreement(answers: Answers) -> Statistic:
        return mean([truth.score(q.image, words(answers[q].text).split()) for q in asked])

    named = [truth.told_apart(q.image, words(shown[q].text).split()) for q in asked]
    right, all_named = zip(*((len(r), len(r) + len(w)) for r, w in named), strict=True)
    measures = {
        "person or animal made up (less is better)": (invented(shown), {GREY: invented(grey)}),
        "named things that are there": (ratio(right, all_named), {}),
        "agreement with the label map": (agreement(shown), {GREY: agreement(grey)}),
    }
    for measure, (statistic, blind) in measures.items():
        scores = {name: bootstrap(other, images) for name, other in blind.items()}
        task, score = "descriptions (ADE20K)", bootstrap(statistic, images)
        yield Row(task, measure, len(images), score, scores)


def _question_rows(questions: Sequence[PhotoQuestion], ways: Sequence[Answers]) -> Iterator[Row]:
    """`ways` to answer: the model, the model with a grey picture, the most frequent answer."""
    for kind in TITLES:
        asked = [question for question in questions if question.kind == kind]
        if not asked:
            continue
        yield _row(kind, _measure(kind), asked, [_accuracy(asked, answers) for answers in ways])
        if kind == "vqa":
            yield _wups_row(asked, ways)


def _measure(kind: str) -> str:
    return {"action": "exact verb"}.get(kind, "balanced" if kind in TWO_SIDED else "exact")


def _new_words_rows(
    respondent: Respondent, questions: Sequence[PhotoQuestion], usual: Answers
) -> Iterator[Row]:
    """Questions that were answered in the `usual` words, asked once more in others."""
    new = in_new_words(questions)
    answers = respondent.answer_all(list(new.values()), "questions in new words")
    for kind in TITLES:
        asked = [question for question in new if question.kind == kind]
        if asked:
            photos = [question.image for question in asked]
            others = {question: answers[new[question]] for question in asked}
            score, known = (bootstrap(_accuracy(asked, way), photos) for way in (others, usual))
            measure = f"{_measure(kind)}, in new words"
            yield Row(TITLES[kind], measure, len(asked), score, {USUAL: known})


def _row(kind: str, measure: str, asked: Sequence[PhotoQuestion], ways: Sequence[Statistic]) -> Row:
    photos = [question.image for question in asked]
    model, grey, frequent = (bootstrap(statistic, photos) for statistic in ways)
    return Row(TITLES[kind], measure, len(asked), model, {GREY: grey, FREQUENT: frequent})


def _accuracy(asked: Sequence[PhotoQuestion], answers: Answers) -> Statistic:
    right = _right(asked, answers)
    if asked[0].kind in TWO_SIDED:
        return balanced(right, [question.answers[0] for question in asked])
    return mean(right)


def _right(asked: Sequence[PhotoQuestion], answers: Answers) -> list[bool]:
    return [question.is_right(answers[question].text) for question in asked]


def _wups_row(asked: Sequence[PhotoQuestion], ways: Sequence[Answers]) -> Row:
    if not wordnet.is_installed():
        return Row(TITLES["vqa"], "WUPS 0.9", len(asked), "needs wordnet-base", {})
    similarity = lru_cache(maxsize=None)(thresholded(wordnet.Nouns.read().word_similarity))
    statistics = [
        mean(
            [wups(answer_set(answers[q].text), answer_set(q.answers[0]), similarity) for q in asked]
        )
        for answers in ways
    ]
    return _row("vqa", "WUPS 0.9", asked, statistics)


def _certainty_rows(asked: Sequence[PhotoQuestion], answers: Answers) -> Iterator[Row]:
    """None of a model whose certainty nobody measured."""
    asked = [question for question in asked if answers[question].certainty is not None]
    if not asked:
        return
    photos = [question.image for question in asked]
    certainty = [answers[question].certainty or 0.0 for question in asked]
    right = _right(asked, answers)
    task = "certainty of short answers"
    error = bootstrap(calibration_error(certainty, right), photos)
    yield Row(task, "expected calibration error", len(asked), error, {})
    for share in LEFT_OUT:
        score = bootstrap(accuracy_of_answered(certainty, right, share), photos)
        measure = f"right, least certain {share:.0%} left out" if share else "right, all answered"
        yield Row(task, measure.replace("%", " %"), len(asked), score, {})


def _grounding_rows(found: Mapping[str, Hits]) -> Iterator[Row]:
    for way, hits in found.items():
        if hits.photos:
            model, chance, centre = hits.scores()
            blind = {RANDOM: chance, CENTRE: centre}
            yield Row("pointing (ADE20K)", way, len(hits.photos), model, blind)
