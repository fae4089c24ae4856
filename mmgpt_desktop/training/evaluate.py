"""Stage 7: what a bundle can do on photos that it was not trained on, as one table.

The bundle runs as in the app: ONNX Runtime, greedy. Beside each figure stands the same
model's with a grey picture: what it answers without looking.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider

from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.engine.images import load_photo
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.messages import GenerationRequest, Message, Photo, TokenStep
from mmgpt_desktop.training.data import PhotoTexts, ask, load_texts

TITLES = {
    "caption": "captions (Flickr8k)",
    "vqa": "human questions (DAQUAR), exact answer",
    "scene": "scene names (ADE20K), exact name",
    "label": "grocery products, exact name",
    "yesno": "made yes/no questions, balanced",
    "colour": "made colour questions",
    "count": "made count questions",
    "where": "made where questions",
    "item": "kinds of shop items, exact words",
}
"""The kinds that the table shows; all but captions count exact answers."""


@dataclass(frozen=True)
class Question:
    """One question about one photo and every answer that counts as right."""

    image: str
    kind: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """A share or a metric, with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ({100 * self.low:.1f}-{100 * self.high:.1f})"


def evaluate(data: Path, bundle: Path, *, limit: int, split: str = "test") -> str:
    """The table as Markdown; `limit` questions of a kind, drawn with a fixed seed."""
    engine = Engine(bundle)
    engine.load()
    questions = draw_questions(load_texts(data, [split]), limit)
    seen = _answers(engine, data, questions, grey=False)
    blind = _answers(engine, data, questions, grey=True)
    lines = ["| task | questions | score | with a grey picture |", "| --- | --- | --- | --- |"]
    for kind in TITLES:
        asked = [q for q in questions if q.kind == kind]
        if asked:
            lines += _rows(kind, asked, seen, blind)
    return "\n".join(lines)


def draw_questions(photos: Sequence[PhotoTexts], limit: int) -> list[Question]:
    """Up to `limit` of each kind; captions once a photo, yes and no in equal numbers."""
    pools: dict[str, list[Question]] = defaultdict(list)
    for photo in photos:
        for kind in TITLES:
            pools[kind] += _questions(photo, kind)
    drawn = []
    for kind, pool in pools.items():
        rng = random.Random(kind)
        rng.shuffle(pool)
        drawn += _balanced(pool, limit) if kind == "yesno" else pool[:limit]
    return sorted(drawn, key=lambda question: question.image)


def _questions(photo: PhotoTexts, kind: str) -> Iterator[Question]:
    pairs = photo.pairs.get(kind, [])
    rng = random.Random(photo.image)
    if kind == "caption" and photo.collection == "flickr8k":
        yield Question(photo.image, kind, "Describe this picture.", tuple(a for _, a in pairs))
    elif kind != "caption":
        by_question: dict[str, list[str]] = defaultdict(list)
        for question, answer in pairs:
            by_question[question].append(answer)
        for question, answers in by_question.items():
            if kind != "yesno" or len(set(answers)) == 1:
                yield Question(photo.image, kind, ask(kind, question, rng), tuple(answers))


def _balanced(pool: Sequence[Question], limit: int) -> list[Question]:
    yes = [q for q in pool if q.answers[0] == "yes"]
    no = [q for q in pool if q.answers[0] == "no"]
    half = min(limit // 2, len(yes), len(no))
    return yes[:half] + no[:half]


def _answers(
    engine: Engine, data: Path, questions: Iterable[Question], *, grey: bool
) -> dict[Question, str]:
    """Every question's answer; the photos are in order, so each is encoded once."""
    answers = {}
    photo: Photo | None = None
    for place, question in enumerate(questions):
        if photo is None or photo.name != question.image:
            photo = _photo(data / question.image, question.image, grey=grey)
        answers[question] = answer(engine, place, photo, question.question)
    return answers


def _photo(path: Path, name: str, *, grey: bool) -> Photo:
    if not grey:
        photo = load_photo(path)
        return Photo(photo.pixels, photo.image_id, name)
    pixels = np.full((64, 64, 3), 127, np.uint8)
    return Photo(pixels, "grey", name)


def answer(engine: Engine, job: int, photo: Photo, question: str) -> str:
    """The engine's greedy answer; its failures are raised."""
    steps: list[TokenStep] = []
    request = GenerationRequest(
        job, (photo,), (Message("user", question),), engine.bundle.manifest.sampling, False
    )
    outcome = engine.generate(request, CancelToken(), steps.append)
    if outcome.error is not None:
        raise outcome.error
    return "".join(step.text for step in steps).strip()


def words(text: str) -> str:
    """Lower case, words and numbers alone: what metrics compare."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


def _rows(
    kind: str,
    asked: Sequence[Question],
    seen: Mapping[Question, str],
    blind: Mapping[Question, str],
) -> Iterator[str]:
    if kind == "caption":
        shown, hidden = _caption_scores(asked, seen), _caption_scores(asked, blind)
        for metric, value in shown.items():
            scores = f"{value:.3f} | {hidden[metric]:.3f}"
            yield f"| {TITLES[kind]}, {metric} | {len(asked)} | {scores} |"
        return
    shares = [_share([_right(q, answers[q]) for q in asked]) for answers in (seen, blind)]
    yield f"| {TITLES[kind]}, % | {len(asked)} | {shares[0]} | {shares[1]} |"


def _right(question: Question, given: str) -> bool:
    return words(given) in {words(answer) for answer in question.answers}


def _share(right: Sequence[bool], draws: int = 1000) -> Score:
    values = np.array(right, dtype=float)
    rng = np.random.default_rng(0)
    means = rng.choice(values, (draws, values.size)).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Score(float(values.mean()), float(low), float(high))


def _caption_scores(asked: Sequence[Question], given: Mapping[Question, str]) -> dict[str, float]:
    """BLEU-4 and CIDEr-D by pycocoevalcap, on lower-case words without punctuation."""
    references = {q.image: [words(answer) for answer in q.answers] for q in asked}
    candidates = {q.image: [words(given[q])] for q in asked}
    bleu, _ = Bleu(4).compute_score(references, candidates, verbose=0)
    cider, _ = Cider().compute_score(references, candidates)
    return {"BLEU-4": float(bleu[3]), "CIDEr-D": float(cider)}
