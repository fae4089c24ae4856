"""mmgpt-small's answers to many questions at once, on cached cells: to choose by, and to fit the
certainty on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import DynamicCache

from mmgpt_desktop.model.looking_llama import FlamingoForConditionalGeneration
from mmgpt_desktop.training.calibrate import TEMPERATURES
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.evaluation.tasks import TITLES, TWO_SIDED, PhotoQuestion, draw_questions
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.looks import photo_layout
from mmgpt_desktop.training.photo_texts import load_texts
from mmgpt_desktop.training.rows import TokenLayout

BATCH = 32
SHORT, LONG = 12, 40
"""Tokens of an answer at most, and of a description."""


class Written(NamedTuple):
    """An answer's tokens, less the end's, and its certainty at each of `TEMPERATURES`."""

    question: PhotoQuestion
    ids: list[int]
    levels: NDArray[Any]


def answers(
    model: FlamingoForConditionalGeneration,
    features: FeatureStore,
    tokenizer: Tokenizer,
    questions: Iterable[PhotoQuestion],
) -> Iterator[Written]:
    """Greedy ones; an answer that doesn't end is none. Questions of the same number of tokens are
    asked together, so none needs padding."""
    layout = photo_layout(tokenizer, model.config)
    by_length: dict[tuple[int, bool], list[tuple[PhotoQuestion, list[int]]]] = defaultdict(list)
    for question in questions:
        ids = prompt(layout, tokenizer, question.asked)
        by_length[len(ids), question.kind == "caption"].append((question, ids))
    for (_, long), asked in sorted(by_length.items()):
        for first in range(0, len(asked), BATCH):
            batch = asked[first : first + BATCH]
            cells = features.batch([question.image for question, _ in batch])
            prompts = torch.tensor([ids for _, ids in batch])
            found = _greedy(model, *cells, prompts, layout.end, LONG if long else SHORT)
            for (question, _), (ids, levels) in zip(batch, found, strict=True):
                if ids[-1] == layout.end:
                    yield Written(question, ids[:-1], levels)


def prompt(layout: TokenLayout, tokenizer: Tokenizer, question: str) -> list[int]:
    asked = tokenizer.encode(layout.blank + question).ids
    return [*layout.before, *layout.asked, *asked, *layout.answered]


@torch.inference_mode()
def _greedy(
    model: FlamingoForConditionalGeneration,
    fine: Tensor,
    coarse: Tensor,
    prompts: Tensor,
    end: int,
    longest: int,
) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """Each row's tokens to the end, if it came, and their geometric means."""
    kept, levels = list[Tensor](), list[Tensor]()
    with torch.autocast("cpu", torch.bfloat16):
        photos = model.encode_cells(fine, coarse)
        past, ids = DynamicCache(config=model.config), prompts
        ended = torch.zeros(len(prompts), dtype=torch.bool)
        while len(kept) < longest and not ended.all():
            given = model(ids, photos=photos, past_key_values=past, logits_to_keep=1)
            logits = given.logits[:, -1].float()
            ids = logits.argmax(dim=-1, keepdim=True)
            ended |= ids[:, 0] == end
            kept.append(ids)
            means = [(logits / t).log_softmax(dim=-1).gather(1, ids) for t in TEMPERATURES]
            levels.append(torch.cat(means, dim=1))
    rows, every = torch.cat(kept, dim=1).tolist(), torch.stack(levels, dim=1)
    for row, level in zip(rows, every, strict=True):
        length = row.index(end) + 1 if end in row else len(row)
        yield row[:length], level[:length].mean(dim=0).exp().numpy()


def check(
    model: FlamingoForConditionalGeneration,
    features: FeatureStore,
    tokenizer: Tokenizer,
    data: Path,
    limit: int,
) -> Iterator[str]:
    """A line for each task of the dev split, up to `limit` questions of each: what share is right.
    An answer without an end is wrong."""
    questions = draw_questions(load_texts(data, ["dev"]), limit)
    said = {
        each.question: tokenizer.decode(each.ids).strip()
        for each in answers(model, features, tokenizer, questions)
    }
    for task, title in TITLES.items():
        asked = [each for each in questions if (each.kind, each.group) == task]
        if asked:
            yield f"{title}: {_figure(asked, [said.get(each, '') for each in asked])}"


def _figure(asked: Sequence[PhotoQuestion], said: Sequence[str]) -> str:
    if asked[0].kind == "caption":
        references = {each.image: each.answers for each in asked}
        written = {each.image: text for each, text in zip(asked, said, strict=True)}
        measures = caption_measures(references, written)
        ones = np.ones(len(asked))
        return ", ".join(f"{name} {float(of(ones)):.3f}" for name, of in measures.items())
    right = [each.is_right(text) for each, text in zip(asked, said, strict=True)]
    how = ""
    if asked[0].kind in TWO_SIDED:
        sides = {each.answers[0] for each in asked}
        shares = [_share(right, asked, side) for side in sorted(sides)]
        how = f", {sum(shares) / len(shares):.1%} balanced"
    return f"{sum(right) / len(right):.1%} of {len(right)}{how}"


def _share(right: Sequence[bool], asked: Sequence[PhotoQuestion], side: str) -> float:
    of_side = [ok for ok, each in zip(right, asked, strict=True) if each.answers[0] == side]
    return sum(of_side) / len(of_side)
