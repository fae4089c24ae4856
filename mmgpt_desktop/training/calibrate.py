"""How certain an answer is: a temperature and a threshold, fitted on the dev split.

An answer's certainty is the geometric mean of its tokens' probabilities, the end token's
included, after the logits are divided by a temperature (Guo et al., "On Calibration of
Modern Neural Networks", 2017). Which answer is written does not depend on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.training.data import load_texts
from mmgpt_desktop.training.evaluation.metrics import calibration_error
from mmgpt_desktop.training.evaluation.tasks import Question, draw_questions
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.rows import ASSISTANT_ID, END_ID, USER_ID

TEMPERATURES = tuple(round(0.5 + 0.05 * step, 2) for step in range(51))
"""From 0.5 to 3."""
QUESTIONS_OF_A_KIND = 125
LONGEST = 32
"""Tokens of an answer; the few that are longer are left out."""
BATCH = 32
DOUBTED = 0.35
"""Once certainty is calibrated, short answers below it are right about one time in three or
less."""
DOUBTED_DESCRIPTIONS = 0.25
"""This share of the dev photos' descriptions, the least certain, are doubted."""


@dataclass(frozen=True)
class Certainty:
    """A manifest's `certainty`, and what was found: errors are expected calibration errors."""

    temperature: float
    doubt: float
    doubt_long: float
    questions: int = 0
    error_before: float = 0.0
    error: float = 0.0

    def how(self) -> str:
        return (
            f"Temperature {self.temperature}: calibration error {self.error:.3f} on "
            f"{self.questions} dev questions, {self.error_before:.3f} without it. Short answers "
            f"with a certainty below {self.doubt} are doubted, descriptions below "
            f"{self.doubt_long}."
        )


def calibrate(data: Path, work: Path, model: MMGPTForConditionalGeneration) -> Certainty:
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


def fit(certainty: NDArray[Any], right: Sequence[bool], descriptions: NDArray[Any]) -> Certainty:
    """From certainties [answer, temperature] at `TEMPERATURES`, of short answers and of
    descriptions.

    Without answers the temperature is 1, and nothing is doubted.
    """
    if not right:
        return Certainty(1.0, 0.0, 0.0)
    ones = np.ones(len(right))
    errors = [calibration_error(column, right)(ones) for column in certainty.T]
    best = int(np.argmin(errors))
    doubt_long = 0.0
    if len(descriptions):
        doubt_long = float(np.quantile(descriptions[:, best], DOUBTED_DESCRIPTIONS))
    before = errors[TEMPERATURES.index(1.0)]
    temperature = TEMPERATURES[best]
    return Certainty(temperature, DOUBTED, round(doubt_long, 2), len(right), before, errors[best])


def answers(
    model: MMGPTForConditionalGeneration,
    features: FeatureStore,
    tokenizer: Tokenizer,
    questions: Sequence[Question],
) -> Iterator[tuple[Question, list[int], NDArray[Any]]]:
    """Each question with its greedy answer's tokens and certainty at each temperature.

    Questions of the same number of tokens are asked together, so none needs padding.
    """
    by_length: dict[int, list[tuple[Question, list[int]]]] = defaultdict(list)
    for question in questions:
        ids = [USER_ID, *tokenizer.encode(question.asked).ids, ASSISTANT_ID]
        by_length[len(ids)].append((question, ids))
    for asked in by_length.values():
        for first in range(0, len(asked), BATCH):
            batch = asked[first : first + BATCH]
            cells = [features.cells(question.image) for question, _ in batch]
            fine, coarse = (
                torch.from_numpy(np.stack(maps)).float() for maps in zip(*cells, strict=True)
            )
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
    image, _ = model.encode_cells(fine, coarse)
    keys, values = (torch.stack(parts) for parts in zip(*image, strict=True))
    past = model.empty_past(len(prompts))
    feed, tokens, levels = prompts, [], []
    for _ in range(LONGEST):
        scores, past, _ = model.decode_step(feed, keys, values, past)
        logits = scores[:, -1]
        feed = logits.argmax(dim=-1, keepdim=True)
        tokens.append(feed)
        levels.append(_log_probabilities(logits, feed))
        if (torch.cat(tokens, dim=1) == END_ID).any(dim=1).all():
            break
    found = []
    for ids, level in zip(torch.cat(tokens, dim=1).tolist(), torch.stack(levels, 1), strict=True):
        length = ids.index(END_ID) + 1 if END_ID in ids else len(ids)
        found.append((ids[:length], level[:length].mean(dim=0).exp().numpy()))
    return found


def _log_probabilities(logits: Tensor, chosen: Tensor) -> Tensor:
    """Of the chosen tokens [B, 1], at each temperature: [B, temperatures]."""
    return torch.cat(
        [(logits / warmth).log_softmax(dim=-1).gather(1, chosen) for warmth in TEMPERATURES], dim=1
    )
