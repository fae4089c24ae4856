"""Does the heatmap's strongest cell lie on the thing that is asked about, or named?

The pointing game of Zhang et al. 2016, "Top-down neural attention by excitation backprop",
with the label maps' masks: a hit is a strongest cell whose centre lies in the mask.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.reduce import cell_weights
from mmgpt_desktop.attention.words import Word, group_words
from mmgpt_desktop.messages import AttentionMap, PatchGrid, Photo, TokenStep
from mmgpt_desktop.training.evaluation.answering import Respondent, with_progress
from mmgpt_desktop.training.evaluation.metrics import Score, bootstrap, mean
from mmgpt_desktop.training.labels import POINTING_QUESTION, LabelMaps, Mask
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask

Heads = Sequence[tuple[int, int]]  # (layer, head)

ASKED_FIRST = "asked for, first word"
ASKED_WHOLE = "asked for, whole answer"
NAMED = "named in a list of objects"


@dataclass
class Hits:
    """For each thing: its photo, and whether or how likely a way to point hits it."""

    photos: list[str] = field(default_factory=list)
    heatmap: list[float] = field(default_factory=list)
    random_cell: list[float] = field(default_factory=list)
    centre: list[float] = field(default_factory=list)

    def add(self, image: str, maps: Sequence[AttentionMap], heads: Heads, mask: Mask) -> None:
        on_thing = cells_on(mask, maps[0].grid)
        self.photos.append(image)
        self.heatmap.append(float(on_thing.flat[cell_weights(maps, heads).argmax()]))
        self.random_cell.append(float(on_thing.mean()))
        height, width = mask.shape
        self.centre.append(float(mask[height // 2, width // 2]))

    def scores(self) -> tuple[Score, Score, Score]:
        """Of the heatmap, of a random cell, and of the picture's centre."""
        ways = (self.heatmap, self.random_cell, self.centre)
        heatmap, chance, centre = (bootstrap(mean(way), self.photos) for way in ways)
        return heatmap, chance, centre


def ground(
    respondent: Respondent, heads: Heads, photos: Sequence[PhotoTexts], limit: int | None
) -> dict[str, Hits]:
    """Point at the things of up to `limit` photos that have label maps, with these heads."""
    maps = LabelMaps(respondent.data)
    mapped = [photo for photo in photos if maps.has(photo.image)][:limit]
    hits = {way: Hits() for way in (ASKED_FIRST, ASKED_WHOLE, NAMED)}
    for texts in with_progress("grounding", mapped):
        photo = respondent.photo(texts.image)
        masks = maps.things(texts.image)
        for name, mask in masks.items():
            steps, _ = respondent.ask(photo, POINTING_QUESTION.format(name), attention=True)
            if looked := _looked(steps):
                hits[ASKED_FIRST].add(texts.image, looked[:1], heads, mask)
                hits[ASKED_WHOLE].add(texts.image, looked, heads, mask)
        for name, looked in _named_things(respondent, photo, texts):
            if name in masks and looked:
                hits[NAMED].add(texts.image, looked, heads, masks[name])
    return hits


def cells_on(mask: Mask, grid: PatchGrid) -> NDArray[np.bool_]:
    """Which cells' centres lie in the mask, [cell]; beyond the photo none does.

    The mask may have another size than the photo, but the same frame.
    """
    height, width = mask.shape
    boxes = [grid.cell_box(cell) for cell in range(grid.cells)]
    x = np.array([(box.left + box.right) / 2 for box in boxes]) / grid.photo_width
    y = np.array([(box.top + box.bottom) / 2 for box in boxes]) / grid.photo_height
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    columns = np.clip(x * width, 0, width - 1).astype(int)
    rows = np.clip(y * height, 0, height - 1).astype(int)
    return np.asarray(mask[rows, columns] & inside)


def _named_things(
    respondent: Respondent, photo: Photo, texts: PhotoTexts
) -> Iterator[tuple[str, list[AttentionMap]]]:
    """Each thing of the list that the model writes, with what its words looked at."""
    question = ask("objects", "", random.Random(texts.image))
    steps, _ = respondent.ask(photo, question, attention=True)
    for name, (start, stop) in list_items(group_words(steps)):
        yield name, _looked(steps[start:stop])


def list_items(written: Sequence[Word]) -> Iterator[tuple[str, tuple[int, int]]]:
    """The items of "wall, floor lamp, bed." with the steps that wrote each."""
    ends = [place + 1 for place, word in enumerate(written) if word.text.rstrip().endswith(",")]
    for start, stop in itertools.pairwise([0, *ends, len(written)]):
        if item := written[start:stop]:
            name = "".join(word.text for word in item).strip(" ,.").lower()
            yield name, (item[0].start, item[-1].stop)


def _looked(steps: Sequence[TokenStep]) -> list[AttentionMap]:
    return [step.attention for step in steps if step.attention is not None]
