"""How certain an answer is: what turns probabilities to certainty, fitted on the dev split.

The logits are divided by a temperature (Guo et al., "On Calibration of Modern Neural
Networks", 2017). The geometric mean of an answer's token probabilities, the end token's
included, then becomes its chance to be right by a logistic regression on its log-odds (Platt,
"Probabilistic outputs for support vector machines", 1999). All three numbers are chosen together:
those under which it is likeliest that the right answers are right, and the wrong ones wrong. Which
answer is written does not depend on them.

A count is wrong more often than its words let think, yes or no seldom: each kind of question with
enough dev questions in a language has a regression of its own, on people's questions where these
are enough, and what has too few keeps that of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from mmgpt_desktop.engine.folder.bundle import Certainty, KindOfCertainty
from mmgpt_desktop.honesty import is_many
from mmgpt_desktop.model.decoder import stacked
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.question_kinds import BEYOND, QuestionKind, kind_of, language_of
from mmgpt_desktop.training.evaluation.chinese_rows import CAPTION_QUESTION_ZH, in_chinese_words
from mmgpt_desktop.training.evaluation.metrics import calibration_error
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion, draw_questions
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.many_answers import decode_rows, until_end
from mmgpt_desktop.training.photo_texts import (
    APART,
    CAPTIONS_ZH,
    COCO,
    PhotoTexts,
    is_kept_back,
    load_texts,
)
from mmgpt_desktop.training.rows import END_ID, question_tokens
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH

HUMAN = "vqa"
TEMPERATURES = tuple(round(0.5 + 0.05 * step, 2) for step in range(51))
"""From 0.5 to 3."""
QUESTIONS_OF_A_KIND = 125
"""Of those that were made; people's are all asked."""
LEAST_OF_A_KIND = 40
LONGEST = 32
"""Tokens of an answer; the few that are longer are left out."""
BATCH = 32
PULL = 1.0
DOUBTED = 0.35
"""Once certainty is calibrated, short answers below it are right about one time in three or
less."""
DOUBTED_DESCRIPTIONS = 0.25
"""This share of the dev photos' descriptions, the least certain, are doubted."""


class Odds(NamedTuple):
    """The power and the factor of the odds, and the loss that they leave, in nats an answer."""

    power: float
    scale: float
    loss: float


AS_THEY_ARE = Odds(1.0, 1.0, 0.0)


class Judged(NamedTuple):
    """An answer to a question, by people or made: certainty [temperature] at `TEMPERATURES`."""

    kind: QuestionKind
    language: str
    by_people: bool
    levels: NDArray[Any]
    right: bool


class KindFit(NamedTuple):
    """What was found of a kind in a language: the share of right answers, and the mean certainty
    that they had by the regression of all kinds."""

    kind: QuestionKind
    language: str
    odds: Odds
    questions: int
    by_people: bool
    right: float
    before: float

    def certainty(self) -> KindOfCertainty:
        power, scale, _ = self.odds
        return KindOfCertainty(kind=self.kind, language=self.language, power=power, scale=scale)

    def how(self) -> str:
        whose = "by people" if self.by_people else "made ones among them"
        return (
            f"{self.kind} ({self.language}): {self.right:.0%} of {self.questions} right ({whose}), "
            f"{self.before:.0%} certain by the regression of all kinds; now odds to the power of "
            f"{self.odds.power:.2f} times {self.odds.scale:.2f}."
        )


@dataclass(frozen=True)
class Calibration:
    """What goes into a manifest, and how well it does: expected calibration errors."""

    certainty: Certainty
    questions: int = 0
    error_before: float = 0.0
    error: float = 0.0
    kinds: tuple[KindFit, ...] = ()

    def how(self) -> str:
        found = self.certainty
        whole = (
            f"Temperature {found.temperature}, odds to the power of {found.power:.2f} times "
            f"{found.scale:.2f}: calibration error {self.error:.3f} on {self.questions} dev "
            f"questions, {self.error_before:.3f} without them. Short answers "
            f"with a certainty below {found.doubt} are doubted, descriptions below "
            f"{found.doubt_long}."
        )
        return "\n".join([whole, *(each.how() for each in self.kinds)])


def calibrate(
    data: Path, work: Path, model: MMGPTForConditionalGeneration, *, never_seen: bool = False
) -> Calibration:
    """Ask the dev split's questions, with the model's own fusion; only those that were kept back
    at all times, if `never_seen`."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    features = FeatureStore.open(work / "features")
    asked = dev_questions(data, model.config.languages, never_seen=never_seen)
    return judge(answers(model, features, tokenizer, asked), tokenizer)


def judge(
    written: Iterable[tuple[PhotoQuestion, list[int], NDArray[Any]]], tokenizer: Tokenizer
) -> Calibration:
    """Fit what was answered: questions, answers' tokens, and certainty at `TEMPERATURES`.

    Those to which the app replies itself, and counts that it hedges, have no certainty.
    """
    judged, descriptions = [], []
    for question, ids, levels in written:
        kind, text = kind_of(question.asked), tokenizer.decode(ids)
        if question.kind == "caption":
            descriptions.append(levels)
        elif kind not in BEYOND and not is_many(question.asked, text):
            by_people, right = question.kind == HUMAN, question.is_right(text)
            judged.append(Judged(kind, language_of(question.asked), by_people, levels, right))
    return fit(judged, np.array(descriptions))


def dev_questions(
    data: Path, languages: Collection[str] = (ENGLISH,), *, never_seen: bool = False
) -> list[PhotoQuestion]:
    """In these languages; those by people are in English alone. If `never_seen`, of COCO's photos
    those that were kept back before more of them were."""
    photos = load_texts(data, ["dev"])
    if never_seen:
        photos = [
            photo
            for photo in photos
            if not photo.image.startswith(COCO) or is_kept_back(photo.image, APART)
        ]
    people = [each for each in draw_questions(photos, None) if each.kind == HUMAN]
    made = [each for each in draw_questions(photos, QUESTIONS_OF_A_KIND) if each.kind != HUMAN]
    return people + made + (chinese_questions(photos, made) if CHINESE in languages else [])


def chinese_questions(
    photos: Sequence[PhotoTexts], made: Sequence[PhotoQuestion]
) -> list[PhotoQuestion]:
    """The made ones that have their Chinese, and as many descriptions as of another kind."""
    described = [photo for photo in photos if photo.pairs.get(CAPTIONS_ZH)][:QUESTIONS_OF_A_KIND]
    wanted = [
        PhotoQuestion(photo.image, "caption", "", CAPTION_QUESTION_ZH, ()) for photo in described
    ]
    return [*in_chinese_words(made).values(), *wanted]


def fit(judged: Sequence[Judged], descriptions: NDArray[Any]) -> Calibration:
    """From short answers, and the certainties [answer, temperature] of descriptions.

    Without answers the temperature is 1, and nothing is doubted.
    """
    if not judged:
        return Calibration(Certainty(1.0, 0.0, 0.0))
    right, levels = [each.right for each in judged], np.array([each.levels for each in judged])
    fits = [platt(column, right) for column in levels.T]
    best = int(np.argmin([each.loss for each in fits]))
    kinds = fit_kinds(judged, best, fits[best])
    own = tuple(each.certainty() for each in kinds)
    power, scale, _ = fits[best]
    found = Certainty(TEMPERATURES[best], DOUBTED, 0.0, power, scale, own)
    shown = [found.of(each.levels[best], each.kind, each.language) for each in judged]
    ones, warm = np.ones(len(right)), levels[:, TEMPERATURES.index(1.0)]
    if len(descriptions):
        described = [found.of(mean, QuestionKind.DESCRIPTION) for mean in descriptions[:, best]]
        least = float(np.quantile(described, DOUBTED_DESCRIPTIONS))
        found = replace(found, doubt_long=round(least, 2))
    return Calibration(
        found,
        questions=len(right),
        error_before=calibration_error(warm.tolist(), right)(ones),
        error=calibration_error(shown, right)(ones),
        kinds=kinds,
    )


def fit_kinds(judged: Sequence[Judged], temperature: int, all_kinds: Odds) -> tuple[KindFit, ...]:
    """Of the kinds with enough answers; pulled a little to the regression of all kinds."""
    usual = Certainty(1.0, 0.0, 0.0, all_kinds.power, all_kinds.scale)
    found = []
    for kind, language in sorted({(each.kind, each.language) for each in judged}):
        every = [each for each in judged if (each.kind, each.language) == (kind, language)]
        people = [each for each in every if each.by_people]
        chosen = people if len(people) >= LEAST_OF_A_KIND else every
        if len(chosen) >= LEAST_OF_A_KIND:
            means = np.array([each.levels[temperature] for each in chosen])
            right = [each.right for each in chosen]
            before = float(np.mean([usual.of(mean) for mean in means]))
            odds, share = platt(means, right, all_kinds), float(np.mean(right))
            found.append(
                KindFit(kind, language, odds, len(chosen), chosen is people, share, before)
            )
    return tuple(found)


def platt(means: NDArray[Any], right: Sequence[bool], pulled_to: Odds = AS_THEY_ARE) -> Odds:
    """The power and the factor of the odds that make the answers likeliest.

    Newton's method, each step halved until it helps; a weak pull to 1 and 1, or to others, keeps
    few answers from extremes.
    """
    odds = np.clip(means, 1e-6, 1 - 1e-6)
    x = np.stack([np.log(odds / (1 - odds)), np.ones(len(odds))], axis=1)
    truth = np.asarray(right, np.float64)
    start = np.array([pulled_to.power, np.log(max(pulled_to.scale, 1e-3))])
    (power, shift), loss = _likeliest_weights(x, truth, start)
    if power < 0:  # the surer, the more often wrong: then all are of one certainty
        (_, shift), loss = _likeliest_weights(x * [0, 1], truth, start)
        power = 0.0
    return Odds(round(power, 3), round(float(np.exp(shift)), 3), loss)


def _likeliest_weights(
    x: NDArray[Any], truth: NDArray[Any], start: NDArray[Any]
) -> tuple[tuple[float, float], float]:
    """Of the columns of `x` [answer, 2], and the loss that they leave, in nats an answer."""

    def loss(weights: NDArray[Any]) -> float:
        z = x @ weights
        wrong = np.logaddexp(0, z) - truth * z
        return float(wrong.sum() + PULL / 2 * ((weights - start) ** 2).sum())

    weights = start
    for _ in range(30):
        chance = np.exp(-np.logaddexp(0, -x @ weights))
        slope = x.T @ (chance - truth) + PULL * (weights - start)
        curvature = (x.T * (chance * (1 - chance))) @ x + PULL * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights - step
    return (float(weights[0]), float(weights[1])), loss(weights) / len(truth)


def answers(
    model: MMGPTForConditionalGeneration,
    features: FeatureStore,
    tokenizer: Tokenizer,
    questions: Sequence[PhotoQuestion],
) -> Iterator[tuple[PhotoQuestion, list[int], NDArray[Any]]]:
    """Each question with its greedy answer's tokens and certainty at each temperature.

    Questions of the same number of tokens are asked together, so none needs padding.
    """
    by_length: dict[int, list[tuple[PhotoQuestion, list[int]]]] = defaultdict(list)
    for question in questions:
        ids = question_tokens(tokenizer, question.asked)
        by_length[len(ids)].append((question, ids))
    for asked in by_length.values():
        for first in range(0, len(asked), BATCH):
            batch = asked[first : first + BATCH]
            fine, coarse = features.batch([question.image for question, _ in batch])
            prompts = torch.tensor([ids for _, ids in batch])
            written = _greedy(model, fine, coarse, prompts)
            for (question, _), (ids, levels) in zip(batch, written, strict=True):
                if ids[-1] == END_ID:
                    yield question, ids[:-1], levels


@torch.inference_mode()
def _greedy(
    model: MMGPTForConditionalGeneration, fine: Tensor, coarse: Tensor, prompts: Tensor
) -> list[tuple[list[int], NDArray[Any]]]:
    """For each row the tokens to the end token, if it came, and their geometric means."""
    image, _ = model.encode_cached(fine, coarse)
    tokens, levels = [], []
    for ids, logits in decode_rows(model, stacked(image), prompts, _likeliest, LONGEST):
        tokens.append(ids)
        levels.append(_log_probabilities(logits, ids))
    rows = map(until_end, torch.cat(tokens, dim=1).tolist())
    return [
        (ids, level[: len(ids)].mean(dim=0).exp().numpy())
        for ids, level in zip(rows, torch.stack(levels, 1), strict=True)
    ]


def _likeliest(logits: Tensor) -> Tensor:
    return logits.argmax(dim=-1, keepdim=True)


def _log_probabilities(logits: Tensor, chosen: Tensor) -> Tensor:
    """Of the chosen tokens [B, 1], at each temperature: [B, temperatures]."""
    return torch.cat(
        [(logits / warmth).log_softmax(dim=-1).gather(1, chosen) for warmth in TEMPERATURES], dim=1
    )
