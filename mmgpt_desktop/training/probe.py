"""How much of what is asked of a photo is in the encoder's cells at all?

Of scenes: a linear classifier reads all cells of a photo at once and may only say the names of the
training photos. Of people's questions (DAQUAR): a small classifier reads which words, pairs and
triples of words a question has, and the means and maxima of the photo's coarse cells; it may only
give the training answers. What these miss, a decoder that reads the same cells will hardly find.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.evaluation.tasks import HUMAN_COLLECTION
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts

STEPS, PENALTY = 150, 0.01  # of the optimiser; of the summed squares of the weights
WIDTH, PASSES, BATCH, RATE = 512, 10, 64, 1e-3  # of the classifier of questions
LONGEST = 3  # words in a row that are looked at together
_Named = Sequence[tuple[str, str]]  # photos and the names of their scenes
_Asked = Sequence[tuple[str, str, str]]  # photo, question, answer
_Values = TypeVar("_Values", NDArray[np.float32], Tensor)


@dataclass(frozen=True)
class Probe:
    """`known` of the test photos' names are names of training photos; `right` were said."""

    trained: int
    tested: int
    names: int
    known: float
    right: float

    def __str__(self) -> str:
        return (
            f"A linear classifier of {self.names} scenes, taught on {self.trained} photos, names "
            f"{self.right:.1%} of {self.tested} test photos; {self.known:.1%} have a name that a "
            "training photo has."
        )


def probe_all(data: Path, work: Path) -> str:
    """What is found of scenes, and of what people ask. Raises AppError."""
    found = probe(data, work), probe_questions(data, work)
    return "\n".join(str(each) for each in found if each is not None)


def probe(data: Path, work: Path) -> Probe:
    """Raises AppError where no scene is named."""
    store = FeatureStore.open(work / "features")
    taught, asked = _scenes(data, "train"), _scenes(data, "test")
    if not taught or not asked:
        raise AppError("No photo's scene is named in this data.")
    names = sorted({name for _, name in taught})
    turned = [_pooled(store, taught, mirrored=mirrored) for mirrored in (False, True)]
    truths = [names.index(name) for _, name in taught]
    said = _said(np.concatenate(turned), truths * 2, _pooled(store, asked), len(names))
    pairs = list(zip(said, (name for _, name in asked), strict=True))
    return Probe(
        len(taught),
        len(asked),
        len(names),
        float(np.mean([name in names for _, name in pairs])),
        float(np.mean([names[place] == name for place, name in pairs])),
    )


def _scenes(data: Path, split: str) -> _Named:
    photos = load_texts(data, [split])
    return [(photo.image, name) for photo in photos for _, name in photo.pairs.get("scene", ())]


def _pooled(store: FeatureStore, named: _Named, *, mirrored: bool = False) -> NDArray[np.float32]:
    """[photo, 1296]: mean and spread of each channel over the cells, and the coarse ones' most."""
    rows = []
    for image, _ in named:
        fine, coarse = (c.astype(np.float32) for c in store.cells(image, mirrored=mirrored))
        parts = [fine.mean(0), fine.std(0), coarse.mean(0), coarse.std(0), coarse.max(0)]
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def _said(
    known: NDArray[np.float32], truths: Sequence[int], new: NDArray[np.float32], names: int
) -> list[int]:
    """Each new photo's name, by multinomial logistic regression."""
    seen, asked = map(torch.from_numpy, _scaled(known, new))
    layer, wanted = nn.Linear(known.shape[1], names), torch.tensor(truths)
    nn.init.zeros_(layer.weight)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        penalty = PENALTY * layer.weight.square().sum()
        value: Tensor = nn.functional.cross_entropy(layer(seen), wanted) + penalty
        value.backward()
        return value

    optimiser.step(loss)
    with torch.inference_mode():
        return [int(place) for place in layer(asked).argmax(1)]


def _scaled(known: _Values, new: _Values) -> tuple[_Values, _Values]:
    """Both by the known ones' mean and spread."""
    middle, spread = known.mean(0), known.std(0) + 1e-3
    return (known - middle) / spread, (new - middle) / spread


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
    cells, new_cells = _scaled(_seen(store, taught), _seen(store, asked))
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
