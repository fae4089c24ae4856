"""How much of a photo's scene is in the encoder's cells at all?

A linear classifier reads all cells of a photo at once and may only say the names of the training
photos; what it misses, a decoder that reads the same cells will hardly find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.photo_texts import load_texts
from mmgpt_desktop.training.question_probe import probe_questions

STEPS, PENALTY = 150, 0.01  # of the optimiser; of the summed squares of the weights
_Named = Sequence[tuple[str, str]]  # photos and the names of their scenes


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
    middle, spread = known.mean(0), known.std(0) + 1e-3
    seen, asked = (torch.from_numpy((part - middle) / spread) for part in (known, new))
    layer, wanted = torch.nn.Linear(known.shape[1], names), torch.tensor(truths)
    torch.nn.init.zeros_(layer.weight)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        penalty = PENALTY * layer.weight.square().sum()
        value: torch.Tensor = torch.nn.functional.cross_entropy(layer(seen), wanted) + penalty
        value.backward()
        return value

    optimiser.step(loss)
    with torch.inference_mode():
        return [int(place) for place in layer(asked).argmax(1)]
