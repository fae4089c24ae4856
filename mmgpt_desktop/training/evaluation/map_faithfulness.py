"""Stage 10: which method's maps tell what the model needed, and where things are.

Each method explains the same answers, beside a random map and one of the photo's centre.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.faithfulness_metrics import (
    CHECKED,
    brightness,
    centre_map,
    cover,
    curves,
    mask_iou,
    pointing,
    random_map,
)
from mmgpt_desktop.attention.maps import Cells, Heads, Maps, over_tokens
from mmgpt_desktop.attention.words import is_content_word, is_function_word
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.occlusion import photo_cells
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.text import in_markdown
from mmgpt_desktop.training.evaluation.answering import Respondent
from mmgpt_desktop.training.evaluation.cases import (
    ASKED,
    DESCRIBED,
    NAMED,
    Case,
    Target,
    cases,
    cells_on,
)
from mmgpt_desktop.training.evaluation.metrics import Items, Score, bootstrap, mean, ratio
from mmgpt_desktop.training.labels import Mask
from mmgpt_desktop.training.photo_texts import photos_of

RANDOM, CENTRE = "random", "centre"
BASELINES = (RANDOM, CENTRE)

EFFECT, DELETION, INSERTION = "deletion effect", "deletion area", "insertion area"
FALL = f"fall at {CHECKED:.0%}".replace("%", " %")
POINTING, IOU = "pointing game", "mask IoU"
MEANS = (
    *(FALL, EFFECT, DELETION, INSERTION),
    *(f"{measure}, {task}" for measure in (POINTING, IOU) for task in (ASKED, NAMED)),
)
TIMES = {FALL: f"{FALL}, times random", EFFECT: f"{EFFECT}, times random"}
DARKNESS, SECONDS = "function-word darkness", "seconds a word"
DARKER, CONTENT = "how much darker function words are", "brightness of content words"
TIME, WORDS = "seconds an answer", "words"
LOW_IS_GOOD = (DELETION, SECONDS)
TABLES = (
    (FALL, TIMES[FALL], EFFECT, TIMES[EFFECT], DELETION, INSERTION),
    (*MEANS[4:], DARKNESS, SECONDS),
)
NOTES = (
    "Numbers of items in the heads, 95 % bootstrap intervals over photos in brackets, the best "
    "method of each column bold; all but times and seconds in per cent.",
    "Deletion and insertion: the word's probability, teacher-forced, while the map's strongest "
    "cells are blurred first, or shown first; the area under that curve over the share of cells. "
    "Fall: how far below its probability with the whole photo the word is without the strongest "
    "fifth; deletion effect: on average over the curve. Times random: against a random map's. "
    "Occlusion hides cells too, so these measures are its own; pointing and IoU are not.",
    "Words: a content word drawn from each description, the things of a list that the photo's "
    "label map has, and whole answers to the question where a thing is.",
    "Pointing game: the strongest cell has its centre in the thing's mask (things of 1 to 25 % of "
    "the picture). Mask IoU: with as many of the strongest cells as the thing is large.",
    "Function-word darkness: how much darker than content words they are drawn, on one scale for "
    "the description; 100 is black, 0 as bright.",
    "Seconds: what the map costs beyond the answer, for all words of an answer together, divided "
    "by their number. Attention comes with the answer.",
)


@dataclass(frozen=True)
class FaithfulnessSettings:
    """What is measured; no `limit` means all photos, and no `fusion` the model's default."""

    data: Path
    split: str = "test"
    limit: int | None = None
    fusion: str | None = None
    methods: tuple[Method, ...] = tuple(Method)


@dataclass(frozen=True)
class Figure:
    """One measure of one way to explain: of how many items, with its interval."""

    way: str
    measure: str
    items: int
    score: Score


@dataclass(frozen=True)
class FaithfulnessReport:
    """Every figure, and for each method that can't be had a sentence on why."""

    figures: tuple[Figure, ...]
    missing: Mapping[str, str]


def measure(
    engine: EngineBase, model: ModelInfo, settings: FaithfulnessSettings
) -> FaithfulnessReport:
    """Explain answers of a loaded engine with every method. Raises AppError."""
    heads = model.fusion_info(settings.fusion).head_choice.heads
    photos = photos_of(settings.data, settings.split)
    respondent = Respondent(engine, settings.data, settings.fusion)
    items: dict[str, Items] = {way: Items() for way in (*settings.methods, *BASELINES)}
    missing: dict[str, str] = {}
    for number, case in enumerate(cases(respondent, photos, settings.limit)):
        judge = _Judge(engine, case)
        for way in [way for way in items if way not in missing]:
            try:
                if number == 0:
                    _maps(engine, case, way, heads)  # what loads once tells nothing of its speed
                began = time.perf_counter()
                maps = _maps(engine, case, way, heads)
            except AppError as error:
                missing[way] = str(error)
                continue
            spent = {TIME: time.perf_counter() - began, WORDS: len(case.words)}
            items[way].add(case.image, spent)
            judge.judge(maps, items[way])
    found = {way: each for way, each in items.items() if way not in missing and each.values}
    if not found:
        title = "The data folder has no {split} photos that can be explained."
        hint = "It takes photos with label maps, or with captions of Flickr8k."
        raise AppError(title, hint, split=settings.split)
    return FaithfulnessReport(tuple(_figures(found)), missing)


def _maps(engine: EngineBase, case: Case, way: str, heads: Heads) -> Maps:
    """A map for each token of the case's answer."""
    grid, tokens = case.attention[0].grid, len(case.attention)
    if way == RANDOM:
        random = _chance(case, "map")
        return np.stack([random_map(grid, random) for _ in range(tokens)])
    if way == CENTRE:
        return np.stack([centre_map(grid)] * tokens)
    choice = MapChoice(Method(way), tuple(heads))
    return engine.find_maps(case.explanation, choice, tuple(case.attention)).weights


def _chance(case: Case, purpose: str) -> np.random.Generator:
    """The same for every method, and in every run."""
    name = f"{case.image} {case.task} {case.explanation.token_ids} {purpose}"
    return np.random.default_rng(zlib.crc32(name.encode()))


class _Judge:
    """Measures maps of one case; what the engine scored once, it keeps."""

    def __init__(self, engine: EngineBase, case: Case) -> None:
        self._engine, self._case = engine, case
        self._grid = case.attention[0].grid
        self._photo = photo_cells(self._grid)
        self._known: dict[bytes, NDArray[np.float32]] = {}  # a mask's bytes to [token]

    def judge(self, maps: Maps, items: Items) -> None:
        case = self._case
        shown = np.where(self._photo, maps, np.nan).astype(np.float32)
        for place, target in enumerate(case.targets):
            cells = over_tokens(shown, *target.steps)
            items.add(case.image, self._hide(cells, target, place))
            if target.mask is not None:
                items.add(case.image, self._point(cells, target.mask, place))
        if case.task == DESCRIBED:
            function, content = (
                [word.span for word in case.words if is_kind(word.text)]
                for is_kind in (is_function_word, is_content_word)
            )
            bright = brightness(shown, [*function, *content])
            if function and content:
                dark, light = np.mean(bright[: len(function)]), np.mean(bright[len(function) :])
                items.add(case.image, {DARKER: float(light - dark), CONTENT: float(light)})

    def _hide(self, cells: Cells, target: Target, place: int) -> dict[str, float]:
        start, stop = target.steps

        def score(hidden: NDArray[np.bool_]) -> NDArray[np.floating]:
            return np.asarray(self._probabilities(hidden)[:, start:stop].prod(axis=1))

        found = curves(cells, score, _chance(self._case, f"hide {place}"))
        return {
            FALL: found.fall,
            EFFECT: found.effect,
            DELETION: found.deletion,
            INSERTION: found.insertion,
        }

    def _point(self, cells: Cells, mask: Mask, place: int) -> dict[str, float]:
        chance = _chance(self._case, f"thing {place}")
        return {
            f"{POINTING}, {self._case.task}": pointing(cells, cells_on(mask, self._grid)),
            f"{IOU}, {self._case.task}": mask_iou(cells, cover(mask, self._grid), chance),
        }

    def _probabilities(self, hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        """[mask, token]; methods share masks, the whole photo and none of it at least."""
        keys = [mask.tobytes() for mask in hidden]
        new = {key: mask for key, mask in zip(keys, hidden, strict=True) if key not in self._known}
        if new:
            masks = np.stack(list(new.values()))
            found = self._engine.hidden(self._case.explanation, masks, CancelToken())
            self._known.update(zip(new, found, strict=True))
        return np.stack([self._known[key] for key in keys])


def _figures(found: Mapping[str, Items]) -> Iterator[Figure]:
    by_chance = found[RANDOM].values
    for way, items in found.items():
        values = items.values
        statistics = {name: (mean(values[name]), name) for name in MEANS}
        for name, times in TIMES.items():
            statistics[times] = ratio(values[name], by_chance[name]), name
        statistics[DARKNESS] = ratio(values[DARKER], values[CONTENT]), CONTENT
        if way not in BASELINES:
            statistics[SECONDS] = ratio(values[TIME], values[WORDS]), WORDS
        for name, (statistic, of) in statistics.items():
            if photos := items.photos[of]:
                score = bootstrap(statistic, photos)
                if math.isfinite(score.value):
                    yield Figure(way, name, len(photos), score)


def as_json(report: FaithfulnessReport, about: Mapping[str, Any]) -> dict[str, Any]:
    figures = [asdict(figure) for figure in report.figures]
    return {**about, "figures": figures, "missing": dict(report.missing), "notes": list(NOTES)}


def as_markdown(report: FaithfulnessReport) -> str:
    """The tables, a row a way; each column's best method is bold."""
    lines = []
    for columns in TABLES:
        lines += [in_markdown(list(_table(report.figures, columns))), ""]
    lines += [f"{way}: left out. {why}" for way, why in report.missing.items()]
    return "\n".join([*lines, *NOTES])


def _table(figures: Sequence[Figure], columns: Sequence[str]) -> Iterator[list[str]]:
    found = {(figure.way, figure.measure): figure for figure in figures}
    ways = list(dict.fromkeys(figure.way for figure in figures))
    counts = [max((f.items for f in figures if f.measure == name), default=0) for name in columns]
    heads = [f"{name} ({count})" for name, count in zip(columns, counts, strict=True)]
    best = [_best(figures, name) for name in columns]
    yield ["method", *heads]
    for way in ways:
        row = [found.get((way, name)) for name in columns]
        yield [way, *(_shown(figure, figure in best) for figure in row)]


def _best(figures: Sequence[Figure], measure: str) -> Figure | None:
    of_methods = [f for f in figures if f.measure == measure and f.way not in BASELINES]
    pick = min if measure in LOW_IS_GOOD else max
    return pick(of_methods, key=lambda figure: figure.score.value, default=None)


def _shown(figure: Figure | None, best: bool) -> str:
    if figure is None:
        return "-"
    scale, digits = (1, 2) if figure.measure in (*TIMES.values(), SECONDS) else (100, 1)
    value, _, interval = figure.score.shown(scale, digits, " to ").partition(" ")
    return f"**{value}** {interval}" if best else f"{value} {interval}"
