"""Stage 8: which attention heads look at the thing that is asked about.

For each photo with a label map and each sizeable thing in it, the model is asked where the
thing is, and each head's attention as the answer begins (the row that predicts its first
word) is compared with the thing's mask. The score is the pointing game's (Zhang et al.,
"Top-down neural attention by excitation backprop", 2016): how often the cell with the
largest weight lies in the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from mmgpt_desktop.engine.head_choice import find_best, strongest
from mmgpt_desktop.model.decoder import stacked
from mmgpt_desktop.model.fusion import over_cells
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.note import Note
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.labels import POINTING_QUESTION, LabelMaps, cells_of
from mmgpt_desktop.training.photo_texts import read_rows
from mmgpt_desktop.training.rows import question_tokens


@dataclass(frozen=True)
class HeadScores:
    """Hits and mean share of the masks, both in 0..1; `scores` [image layer][head]."""

    scores: list[list[float]]
    chance: float
    things: int

    def best(self) -> list[list[int]]:
        """The few (layer, head) pairs with the highest scores."""
        return [list(pair) for pair in strongest(np.array(self.scores))]

    def how(self) -> Note:
        shares = [self.scores[layer][head] for layer, head in self.best()]
        return find_best(shares, self.things, self.chance)


@torch.inference_mode()
def score_heads(
    data: Path, work: Path, model: MMGPTForConditionalGeneration, fusion: str, *, photos: int = 400
) -> HeadScores:
    """Score one fusion's heads on the first training photos that have label maps."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    features = FeatureStore.open(work / "features")
    hits: list[Any] = []
    shares: list[float] = []
    for image, things in _photos(data, photos, model.config.grid_of(fusion)):
        encoded, mixed = model.encode_cached(*features.batch([image]), fusion)
        keys, values = stacked(encoded)
        for name, mask in things:
            ids = question_tokens(tokenizer, POINTING_QUESTION.format(name))
            _, _, attention = model.decode_step(
                torch.tensor([ids]), keys, values, model.empty_past(), fusion
            )
            # [layer, head, cell]: no names, and not the copier, which is last
            places = over_cells(attention[0, :-1], mask.size, mixed.reading).numpy()
            hits.append(mask.reshape(-1)[places.argmax(axis=-1)])
            shares.append(float(mask.mean()))
    scores = np.mean(hits, axis=0)
    return HeadScores(scores.round(4).tolist(), round(float(np.mean(shares)), 4), len(hits))


def _photos(data: Path, limit: int, grid: int) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Training photos with the masks [grid, grid] of their things, at the cells' size."""
    maps = LabelMaps(data)
    rows = (row for row in read_rows(data) if row["split"] == "train" and row["kind"] == "scene")
    images = sorted({row["image"] for row in rows})
    for image in images[:limit]:
        things = maps.things(image).items()
        yield image, [(name, cells_of(mask, grid) > 0.5) for name, mask in things]
