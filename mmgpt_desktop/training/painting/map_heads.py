"""Which heads' attention says where a word mattered: where leaving it out changes the picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.left_out import changed, inside_against_outside, without_word
from mmgpt_desktop.attention.word_maps import word_maps, word_readings, word_shares
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_runtime import (
    CellToPaint,
    MovedPictures,
    PaintedCell,
    PicturesToBegin,
)
from mmgpt_desktop.engine.painting.painter_source import PainterSource
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.training.embedded_bundle import MANIFEST
from mmgpt_desktop.training.evaluation.answering import with_progress
from mmgpt_desktop.training.evaluation.drawn_pictures import draw, told_of
from mmgpt_desktop.writing import write_json

CHOSEN = 6
Pair = tuple[int, int]


class LeftOutLook(NamedTuple):
    """A picture, and what leaving a word out changed in each cell, [row, column]; what each (layer,
    head) pair's map says of that word."""

    change: NDArray[np.float32]
    maps: Mapping[Pair, NDArray[np.float32]]


class Recorder:
    """A painter's runtime, and what the picture read since it was begun: attention [cell, layer,
    head, text], of one that grows cell by cell or step by step."""

    def __init__(self, runtime: Any) -> None:
        self._runtime, self.info = runtime, runtime.info
        self._cells: list[NDArray[np.float32]] = []
        self._steps: list[NDArray[np.float32]] = []

    @property
    def attention(self) -> NDArray[np.float32]:
        """Of the first picture."""
        if self._steps:
            mean: NDArray[np.float32] = np.mean([each[0] for each in self._steps], axis=0)
            return np.moveaxis(mean, 2, 0)
        return np.stack([each[0] for each in self._cells])

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> Any:
        self._cells = []
        return self._runtime.read(ids, cancel)

    def paint(self, cell: CellToPaint, past: Any, cancel: CancelToken) -> PaintedCell:
        found: PaintedCell = self._runtime.paint(cell, past, cancel)
        self._cells.append(found.attention)
        return found

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> Any:
        self._steps = []
        return self._runtime.begin(pictures, cancel)

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        found: MovedPictures = self._runtime.step(state, number, cancel)
        self._steps.append(found.attention)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


def choose_heads(data: Path, painter: Path, pictures: int = 30) -> str:
    """Draw dev prompts with and without their colour, and write the heads that tell best where that
    changed the picture into the manifest. Says how well, as `evaluate --draw` measures it."""
    recorders: list[Recorder] = []

    def make(name: RuntimeName, source: PainterSource) -> Any:
        recorders.append(Recorder(source.runtime(name, card=False)))
        return recorders[-1]

    engine = PaintEngine(painter, make=make)
    engine.load()
    looks: list[LeftOutLook] = []
    told = [each for each in told_of(data, pictures, "dev") if each.named]
    for seed, each in enumerate(with_progress("leaving words out", told)):
        whole = draw(engine, each.prompt, seed)
        attention = recorders[-1].attention
        prompt = engine.source.read_prompt(each.prompt, known_only=False)
        number = next((n for n, word in enumerate(prompt.words) if word.text == each.named), None)
        if number is None:
            continue
        without = draw(engine, without_word(whole.drawing, number), seed)
        side, measure = engine.info.side, word_readings if engine.info.at_once else word_shares
        maps = {
            pair: word_maps(measure(attention, prompt.spans, [pair]), side)[number]
            for pair in np.ndindex(attention.shape[1:3])
        }
        looks.append(LeftOutLook(changed(whole.pixels, without.pixels, (side, side)), maps))
    engine.close()
    looks = [look for look in looks if look.change.any()]
    if not looks:
        title = "No picture changed when a word was left out, so that nothing tells heads apart."
        raise AppError(title, "Take more pictures, or a painter that was trained.")
    best = chosen(looks)
    manifest = json.loads((painter / MANIFEST).read_text(encoding="utf-8"))
    write_json(painter / MANIFEST, {**manifest, "heads": [list(pair) for pair in best]})
    ratios = [truth(looks, best[: number + 1]) for number in range(len(best))]
    return "\n".join(
        f"with layer {layer}, head {head}: {ratio:.2f}"
        for (layer, head), ratio in zip(best, ratios, strict=True)
    )


def chosen(looks: Sequence[LeftOutLook]) -> list[Pair]:
    """The pair whose maps tell best, and those that make the mean of all better, one by one."""
    best, reached = list[Pair](), 0.0
    while len(best) < CHOSEN:
        rest = [pair for pair in looks[0].maps if pair not in best]
        found = max(rest, key=lambda pair: truth(looks, [*best, pair]), default=None)
        if found is None or truth(looks, [*best, found]) <= reached:
            break
        best.append(found)
        reached = truth(looks, best)
    return best


def truth(looks: Sequence[LeftOutLook], pairs: Sequence[Pair]) -> float:
    """How many times as much pictures changed where these pairs' maps are strongest as elsewhere,
    the geometric mean."""
    ratios = [
        inside_against_outside(
            look.change, np.mean([look.maps[pair] for pair in pairs], axis=0, dtype=np.float32)
        )
        for look in looks
    ]
    return float(np.exp(np.mean([np.log(ratio) for ratio in ratios if ratio is not None])))
