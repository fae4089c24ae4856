"""Stage 9: what a bundle can do on photos that it was not trained on, row by row.

The bundle runs as in the app. Beside each figure stands what was reached without looking:
the same model with a grey picture, and the most frequent training answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mmgpt_desktop.attention.faithfulness_metrics import pointing
from mmgpt_desktop.attention.maps import Heads
from mmgpt_desktop.attention.raw import cell_weights
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.messages import AttentionMap, ModelInfo
from mmgpt_desktop.training import wordnet
from mmgpt_desktop.training.evaluation.answering import Answered, Respondent
from mmgpt_desktop.training.evaluation.baselines import MostFrequent
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.evaluation.cases import NAMED, cases_of_things, cells_on
from mmgpt_desktop.training.evaluation.chinese_rows import chinese_rows
from mmgpt_desktop.training.evaluation.metrics import (
    CALIBRATION_BINS,
    Items,
    Statistic,
    accuracy_of_answered,
    calibration_error,
    mean,
    ratio,
    thresholded,
    wups,
)
from mmgpt_desktop.training.evaluation.scoring import (
    Answers,
    accuracy,
    by_title,
    measure_of,
    right_ones,
    row_of,
)
from mmgpt_desktop.training.evaluation.table import CENTRE, FREQUENT, GREY, RANDOM, USUAL, Row
from mmgpt_desktop.training.evaluation.tasks import (
    CAPTION_QUESTION,
    HUMAN_COLLECTION,
    PhotoQuestion,
    answer_set,
    draw_questions,
    in_new_words,
    words,
)
from mmgpt_desktop.training.evaluation.votes import ANSWER_TYPES, Votes, answer_type, read_votes
from mmgpt_desktop.training.labels import LabelMaps, Mask
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts, photos_of
from mmgpt_desktop.training.truth import Truth, is_invented, mapped_photos
from mmgpt_desktop.training.wordings import CHINESE

SURE = 0.9
LEFT_OUT = (0.0, 0.1, 0.25, 0.5)
ASKED_FIRST, ASKED_WHOLE = "asked for, first word", "asked for, whole answer"
NAMED_IN_A_LIST, HEATMAP = "named in a list of objects", "heatmap"
NOTES = (
    "Brackets: 95 % bootstrap intervals over photos. Shares in per cent, caption metrics as "
    "they are (1 is the most for BLEU-4 and ROUGE-L, 10 for CIDEr-D).",
    "Exact: lower-case words without punctuation; lists in any order; an action by its verb. "
    "Balanced: yes and no weigh the same. Most frequent: the training answers to questions of "
    "the same kind and collection that begin with the same three words, or two, or one, or any.",
    "By ten votes: VQA accuracy (Antol et al. 2015; Goyal et al. 2017), an answer that three "
    "people gave is right; only COCO's questions have votes, and only the dev split has those. "
    "Names of flowers, objects, garments and groceries: with or without an article.",
    "In new words: the same questions as somebody who had not seen training's words would ask "
    "them, without those wordings that are among these (`wordings.toml`), beside the usual words.",
    "In Chinese, if the model knows it: the made questions whose names `names_zh.toml` has, beside "
    "the same ones in English; captions by characters alone, greedy (no segmenter of Chinese words "
    "is among our dependencies). Human translation: of the photo's English captions, by people.",
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
            new = _in_new_words(respondent, captions, "captions in new words")
            rows += _caption_rows(list(new), new, {USUAL: shown}, "greedy, in new words")
    rows += _description_rows(respondent, photos, settings.limit)
    shown = respondent.answer_all(short, "questions")
    grey = respondent.answer_blindly(short, "questions, grey")
    blind = {GREY: grey, FREQUENT: _most_frequent(settings.data, short)}
    rows += _question_rows(short, shown, blind)
    new = _in_new_words(respondent, short, "questions in new words")
    rows += _question_rows(list(new), new, {USUAL: shown}, ", in new words")
    rows += _voted_rows(short, read_votes(settings.data), shown, blind)
    rows += _certainty_rows(short, shown)
    rows += _sure_rows(short, shown)
    if CHINESE in model.languages:
        rows += chinese_rows(respondent, photos, short, shown, settings.limit)
    return rows + list(_pointing_rows(respondent, heads, photos, settings.limit))


def _in_new_words(
    respondent: Respondent, questions: Sequence[PhotoQuestion], what: str
) -> dict[PhotoQuestion, Answered]:
    """The answers where these are asked once more in words that training has none of."""
    new = in_new_words(questions)
    answers = respondent.answer_all(list(new.values()), what)
    return {question: answers[other] for question, other in new.items()}


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
        blind = {other: found[name] for other, found in others.items()}
        yield row_of(asked[0].title, f"{name}, {way}", photos, statistic, blind, percent=False)


def _description_rows(
    respondent: Respondent, photos: Sequence[PhotoTexts], limit: int | None
) -> Iterator[Row]:
    """What descriptions of photos with a label map name."""
    truth = Truth(mapped_photos(photos, LabelMaps(respondent.data)))
    images = list(truth.photos)[:limit]
    if not images:
        return
    asked = [PhotoQuestion(image, "view", "", CAPTION_QUESTION, ()) for image in images]
    shown, grey = (
        [words(answers[question].text).split() for question in asked]
        for answers in (
            respondent.answer_all(asked, "descriptions"),
            respondent.answer_blindly(asked, "descriptions, grey"),
        )
    )

    def invented(texts: Sequence[list[str]]) -> Statistic:
        there = [truth.photos[image].present for image in images]
        return mean(list(map(is_invented, texts, there)))

    def agreement(texts: Sequence[list[str]]) -> Statistic:
        return mean(list(map(truth.score, images, texts)))

    named = [(len(right), len(wrong)) for right, wrong in map(truth.told_apart, images, shown)]
    there = ratio([right for right, _ in named], [sum(counts) for counts in named])
    task, made_up = "descriptions (ADE20K)", "person or animal made up (less is better)"
    yield row_of(task, made_up, images, invented(shown), {GREY: invented(grey)})
    yield row_of(task, "named things that are there", images, there)
    agreed = agreement(shown), {GREY: agreement(grey)}
    yield row_of(task, "agreement with the label map", images, *agreed)


def _question_rows(
    questions: Sequence[PhotoQuestion], shown: Answers, blind: Mapping[str, Answers], how: str = ""
) -> Iterator[Row]:
    """`how` they were asked, if not in the usual words."""
    for asked in by_title(questions).values():
        photos = [question.image for question in asked]
        others = {name: accuracy(asked, answers) for name, answers in blind.items()}
        measure = f"{measure_of(asked[0].kind)}{how}"
        yield row_of(asked[0].title, measure, photos, accuracy(asked, shown), others)
        if asked[0].collection == HUMAN_COLLECTION and not how:
            yield _wups_row(asked, shown, blind)


def _voted_rows(
    questions: Sequence[PhotoQuestion],
    votes: Mapping[tuple[str, str], Votes],
    shown: Answers,
    blind: Mapping[str, Answers],
) -> Iterator[Row]:
    """People's questions with ten answers each, by the kind of answer: exactly the most frequent
    one, and by all votes."""
    voted = [question for question in questions if (question.image, question.stem) in votes]

    def worth(asked: Sequence[PhotoQuestion], answers: Answers) -> Statistic:
        given = [
            (votes[question.image, question.stem], answers[question].text) for question in asked
        ]
        return mean([people.accuracy(text) for people, text in given])

    kinds = {kind: [q for q in voted if answer_type(q) == kind] for kind in ANSWER_TYPES}
    for what, asked in {"": voted, **kinds}.items():
        if not asked:
            continue
        title, photos = asked[0].title, [question.image for question in asked]
        measures = {"by ten votes": worth} | ({"exact": accuracy} if what else {})
        for name, measure in measures.items():
            others = {other: measure(asked, answers) for other, answers in blind.items()}
            called = f"{name}, {what}" if what else name
            yield row_of(title, called, photos, measure(asked, shown), others)


def _wups_row(asked: Sequence[PhotoQuestion], shown: Answers, blind: Mapping[str, Answers]) -> Row:
    if not wordnet.is_installed():
        return Row(asked[0].title, "WUPS 0.9", len(asked), "needs wordnet-base", {})
    similarity = lru_cache(maxsize=None)(thresholded(wordnet.Nouns.read().word_similarity))

    def measured(answers: Answers) -> Statistic:
        pairs = [(answer_set(answers[q].text), answer_set(q.answers[0])) for q in asked]
        return mean([wups(given, true, similarity) for given, true in pairs])

    photos, others = [q.image for q in asked], {name: measured(a) for name, a in blind.items()}
    return row_of(asked[0].title, "WUPS 0.9", photos, measured(shown), others)


def _certainty_rows(asked: Sequence[PhotoQuestion], answers: Answers) -> Iterator[Row]:
    """None of a model whose certainty nobody measured."""
    asked = [question for question in asked if answers[question].certainty is not None]
    if not asked:
        return
    photos = [question.image for question in asked]
    certainty = [answers[question].certainty or 0.0 for question in asked]
    right = right_ones(asked, answers)
    task = "certainty of short answers"
    error = calibration_error(certainty, right)
    yield row_of(task, "expected calibration error", photos, error)
    for share in LEFT_OUT:
        measure = f"right, least certain {share:.0%} left out" if share else "right, all answered"
        answered = accuracy_of_answered(certainty, right, share)
        yield row_of(task, measure.replace("%", " %"), photos, answered)


def _sure_rows(asked: Sequence[PhotoQuestion], answers: Answers) -> Iterator[Row]:
    """How many of the surest answers to people's questions are wrong."""
    sure = [q for q in asked if q.kind == "vqa" and (answers[q].certainty or 0.0) >= SURE]
    if sure:
        wrong = [not right for right in right_ones(sure, answers)]
        measure = f"wrong, of those at {SURE:.0%} or more (less is better)".replace("%", " %")
        photos = [question.image for question in sure]
        yield row_of("certainty of human questions", measure, photos, mean(wrong))


def _pointing_rows(
    respondent: Respondent, heads: Heads, photos: Sequence[PhotoTexts], limit: int | None
) -> Iterator[Row]:
    """Do these heads' heatmaps point at what is asked for, or named?"""
    found = {way: Items() for way in (ASKED_FIRST, ASKED_WHOLE, NAMED_IN_A_LIST)}
    for case in cases_of_things(respondent, photos, limit):
        for target in case.targets:
            maps = case.attention[slice(*target.steps)]
            ways = {ASKED_FIRST: maps[:1], ASKED_WHOLE: maps}
            for way, part in ({NAMED_IN_A_LIST: maps} if case.task == NAMED else ways).items():
                assert target.mask is not None
                found[way].add(case.image, hits(part, heads, target.mask))
    for way, items in found.items():
        if items.photos:
            heatmap, *blind = (mean(items.values[name]) for name in (HEATMAP, RANDOM, CENTRE))
            others = dict(zip((RANDOM, CENTRE), blind, strict=True))
            yield row_of("pointing (ADE20K)", way, items.photos[HEATMAP], heatmap, others)


def hits(maps: Sequence[AttentionMap], heads: Heads, mask: Mask) -> dict[str, float]:
    """Whether, or how likely, a way to point hits a thing (Zhang et al. 2016): the heads'
    strongest cell, a random cell, and the picture's centre."""
    on_thing = cells_on(mask, maps[0].grid)
    height, width = mask.shape
    return {
        HEATMAP: pointing(cell_weights(maps, heads), on_thing),
        RANDOM: float(on_thing.mean()),
        CENTRE: float(mask[height // 2, width // 2]),
    }
