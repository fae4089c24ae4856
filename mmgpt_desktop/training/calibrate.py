"""How certain an answer is: what turns probabilities to certainty, fitted on the dev split.

The logits are divided by a temperature (Guo et al., "On Calibration of Modern Neural
Networks", 2017). The geometric mean of an answer's token probabilities, the end token's
included, then becomes its chance to be right by a logistic regression on its log-odds (Platt,
"Probabilistic outputs for support vector machines", 1999). All three numbers are chosen together:
those under which it is likeliest that the right answers are right, and the wrong ones wrong. Which
answer is written does not depend on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from mmgpt_desktop.engine.folder.bundle import Certainty
from mmgpt_desktop.model.decoder import stacked
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.training.evaluation.metrics import calibration_error
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion, draw_questions
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.many_answers import decode_rows, until_end
from mmgpt_desktop.training.photo_texts import load_texts
from mmgpt_desktop.training.rows import END_ID, question_tokens

TEMPERATURES = tuple(round(0.5 + 0.05 * step, 2) for step in range(51))
"""From 0.5 to 3."""
QUESTIONS_OF_A_KIND = 125
LONGEST = 32
"""Tokens of an answer; the few that are longer are left out."""
BATCH = 32
PULL = 1.0
DOUBTED = 0.35
"""Once certainty is calibrated, short answers below it are right about one time in three or
less."""
DOUBTED_DESCRIPTIONS = 0.25
"""This share of the dev photos' descriptions, the least certain, are doubted."""


@dataclass(frozen=True)
class Calibration:
    """What goes into a manifest, and how well it does: expected calibration errors."""

    certainty: Certainty
    questions: int = 0
    error_before: float = 0.0
    error: float = 0.0

    def how(self) -> str:
        found = self.certainty
        return (
            f"Temperature {found.temperature}, odds to the power of {found.power:.2f} times "
            f"{found.scale:.2f}: calibration error {self.error:.3f} on {self.questions} dev "
            f"questions, {self.error_before:.3f} without them. Short answers "
            f"with a certainty below {found.doubt} are doubted, descriptions below "
            f"{found.doubt_long}."
        )


def calibrate(data: Path, work: Path, model: MMGPTForConditionalGeneration) -> Calibration:
    """Ask the dev split's questions, with the model's own fusion."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    features = FeatureStore.open(work / "features")
    questions = draw_questions(load_texts(data, ["dev"]), QUESTIONS_OF_A_KIND)
    certainty, right, descriptions = [], [], []
    for question, ids, levels in answers(model, features, tokenizer, questions):
        if question.kind == "caption":
            descriptions.append(levels)
        else:
            certainty.append(levels)
            right.append(question.is_right(tokenizer.decode(ids)))
    return fit(np.array(certainty), right, np.array(descriptions))


def fit(certainty: NDArray[Any], right: Sequence[bool], descriptions: NDArray[Any]) -> Calibration:
    """From certainties [answer, temperature] at `TEMPERATURES`, of short answers and of
    descriptions.

    Without answers the temperature is 1, and nothing is doubted.
    """
    if not right:
        return Calibration(Certainty(1.0, 0.0, 0.0))
    fits = [platt(column, right) for column in certainty.T]
    best = int(np.argmin([each.loss for each in fits]))
    power, scale = fits[best].power, fits[best].scale
    found = Certainty(TEMPERATURES[best], DOUBTED, 0.0, power, scale)
    shown = [found.of(mean) for mean in certainty[:, best]]
    ones, warm = np.ones(len(right)), certainty[:, TEMPERATURES.index(1.0)]
    if len(descriptions):
        levels = [found.of(mean) for mean in descriptions[:, best]]
        least = float(np.quantile(levels, DOUBTED_DESCRIPTIONS))
        found = replace(found, doubt_long=round(least, 2))
    return Calibration(
        found,
        questions=len(right),
        error_before=calibration_error(warm.tolist(), right)(ones),
        error=calibration_error(shown, right)(ones),
    )


class Odds(NamedTuple):
    """The power and the factor of the odds, and the loss that they leave, in nats an answer."""

    power: float
    scale: float
    loss: float


def platt(means: NDArray[Any], right: Sequence[bool]) -> Odds:
    """The power and the factor of the odds that make the answers likeliest.

    Newton's method, each step halved until it helps; a weak pull to 1 and 1 keeps few answers
    from extremes.
    """
    odds = np.clip(means, 1e-6, 1 - 1e-6)
    x = np.stack([np.log(odds / (1 - odds)), np.ones(len(odds))], axis=1)
    truth, start = np.asarray(right, np.float64), np.array([1.0, 0.0])

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
    power, shift = max(0.0, float(weights[0])), float(weights[1])
    return Odds(round(power, 3), round(float(np.exp(shift)), 3), loss(weights) / len(truth))


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
