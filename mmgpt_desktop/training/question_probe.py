"""How many of people's questions (DAQUAR) can be answered from their words, and from the cells too?

A small classifier reads which words, pairs and triples of words a question has, and the means and
maxima of the photo's coarse cells; it may only give the training answers. A decoder that reads the
same can be expected to answer about as many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmgpt_desktop.training.evaluation.tasks import HUMAN_COLLECTION
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts

WIDTH, PASSES, BATCH, RATE = 512, 10, 64, 1e-3
LONGEST = 3  # words in a row that are looked at together
_Asked = Sequence[tuple[str, str, str]]  # photo, question, answer


@dataclass(frozen=True)
class QuestionProbe:
    """Shares of the test questions with the right answer."""

    taught: int
    asked: int
    by_words: float
    by_cells: float

    def __str__(self) -> str:
        return (
            f"A classifier taught {self.taught} of people's questions answers {self.by_words:.1%} "
            f"of {self.asked} others by their words alone, {self.by_cells:.1%} with the cells."
        )


def probe_questions(data: Path, work: Path) -> QuestionProbe | None:
    """None where the data has no such questions."""
    store = FeatureStore.open(work / "features")
    taught, asked = _human(load_texts(data, ["train", "dev"])), _human(load_texts(data, ["test"]))
    if not taught or not asked:
        return None
    parts = Counter(part for _, question, _ in taught for part in set(_parts(question)))
    usual = sorted(part for part, count in parts.items() if count > 1)  # the same in each run
    known = {part: place for place, part in enumerate(usual)}
    answers = sorted({answer for _, _, answer in taught})
    words, new_words = _spoken(taught, known), _spoken(asked, known)
    cells, new_cells = _seen(store, taught), _seen(store, asked)
    middle, spread = cells.mean(0), cells.std(0) + 1e-3
    cells, new_cells = (cells - middle) / spread, (new_cells - middle) / spread
    truths = torch.tensor([answers.index(answer) for _, _, answer in taught])
    shares = []
    for shown in (0.0, 1.0):
        torch.manual_seed(0)
        reader = _Reader(words.shape[1], cells.shape[1], len(answers))
        _teach(reader, words, shown * cells, truths)
        with torch.inference_mode():
            said = reader.eval()(new_words, shown * new_cells).argmax(1).tolist()
        right = [
            answers[place] == answer for place, (_, _, answer) in zip(said, asked, strict=True)
        ]
        shares.append(float(np.mean(right)))
    return QuestionProbe(len(taught), len(asked), *shares)


def _human(photos: Sequence[PhotoTexts]) -> _Asked:
    return [
        (photo.image, question, answer)
        for photo in photos
        if photo.collection == HUMAN_COLLECTION
        for question, answer in photo.pairs.get("vqa", ())
    ]


def _parts(question: str) -> Iterator[str]:
    words = re.findall(r"[a-z0-9]+", question.lower())
    for length in range(1, LONGEST + 1):
        yield from (" ".join(words[n : n + length]) for n in range(len(words) - length + 1))


def _spoken(asked: _Asked, known: dict[str, int]) -> Tensor:
    """[question, part], 1 where the question has it."""
    found = torch.zeros(len(asked), len(known))
    for row, (_, question, _) in enumerate(asked):
        found[row, [known[part] for part in _parts(question) if part in known]] = 1
    return found


def _seen(store: FeatureStore, asked: _Asked) -> Tensor:
    """[question, channel]: mean and maximum of the photo's coarse cells."""
    rows: dict[str, Tensor] = {}
    for image in {image for image, _, _ in asked}:
        coarse = torch.from_numpy(store.cells(image)[1].astype(np.float32))
        rows[image] = torch.cat([coarse.mean(0), coarse.amax(0)])
    return torch.stack([rows[image] for image, _, _ in asked])


class _Reader(nn.Module):
    """What the cells say changes what the words say."""

    def __init__(self, parts: int, channels: int, answers: int) -> None:
        super().__init__()
        self.words, self.cells = nn.Linear(parts, WIDTH), nn.Linear(channels, WIDTH)
        self.forget = nn.Dropout(0.5)
        self.answers = nn.Linear(WIDTH, answers)

    def forward(self, words: Tensor, cells: Tensor) -> Tensor:
        read = self.words(words).tanh()
        looked = read + self.cells(cells).tanh() * (1 + read)
        scores: Tensor = self.answers(self.forget(looked))
        return scores


def _teach(reader: _Reader, words: Tensor, cells: Tensor, truths: Tensor) -> None:
    optimiser = torch.optim.AdamW(reader.parameters(), RATE)
    for _ in range(PASSES):
        for rows in torch.randperm(len(truths)).split(BATCH):
            scores = reader(words[rows], cells[rows])
            loss = nn.functional.cross_entropy(scores, truths[rows], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
