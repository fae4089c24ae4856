"""How well a painter draws what it is told: by what our model sees in its pictures, by how like
photos they are, and by what a word's map says of that word.

What is told comes from test photos. A picture's flower, garment or colour is asked of mmgpt as of
any photo, and compared with the prompt, and with another prompt of the same kind. The Frechet
distance (Heusel et al., 2017) is over our encoder's pooled coarse cells. A word's map is true if
the picture changes where it points when the word is left out, with the same seed.
"""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mmgpt_desktop.attention.left_out import left_out, without_word
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.model import MMGPTImageProcessor
from mmgpt_desktop.model.encoder import EfficientNetLite2
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.painted import Painting, PaintRequest
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training.evaluation.answering import Respondent, with_progress
from mmgpt_desktop.training.evaluation.metrics import Score, bootstrap, mean
from mmgpt_desktop.training.evaluation.reconstruction import reconstruction
from mmgpt_desktop.training.evaluation.table import Row
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion
from mmgpt_desktop.training.painting.prompts import labels
from mmgpt_desktop.training.painting.seen_colour import seen_colour
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.painting.shown import part
from mmgpt_desktop.training.painting.titles import as_typed, colour_and_thing
from mmgpt_desktop.training.photo_texts import PhotoTexts, images_of, read_rows, split_of
from mmgpt_desktop.training.questions import naming

OTHER_PROMPT, BLURRED, TEST_PHOTOS = "another prompt", "blurred photos", "test photos"
_ASKED = {"flowers102": "What flower is this?", "clothing": "What piece of clothing is this?"}
_THING = {"flowers102": "flower", "clothing": "clothing"}
_TITLES = {"flowers102": "drawn flowers", "clothing": "drawn garments"}
_TITLED, _WARES = "drawn wares", "fashion"
_NAMED = ("t-shirt", "shirt", "shoes", "shorts", "dress")
"""What titles and mmgpt call alike."""
_BLUR = 6 / 128  # of a photo's side
NOTES = (
    "Agreement: what the model answers about a drawing is what was told, beside what was told of"
    " another one. By its pixels: the colour that prevails in the drawing's middle is, which is how"
    " photos' colours were named. The Frechet distance is of the encoder's pooled coarse cells,"
    " times 1000, and depends on the number of pictures. Nearest training photo: 1 less the cosine"
    " of the same. A different look is the distance of what the encoder's first blocks make of"
    " both.",
)


@dataclass(frozen=True)
class Told:
    """A prompt, what is asked of its picture, and the answer; `named` is the word that is left
    out, if one is."""

    task: str
    image: str
    prompt: str
    asked: str
    answer: str
    named: str = ""


def told_of(data: Path, limit: int | None, split: str = "test") -> list[Told]:
    """By photos' labels and the colours that are seen there, and by shops' titles; up to `limit` of
    a task."""
    pools: dict[str, list[Told]] = defaultdict(list)
    for image, label in labels(data, split).items():
        collection = PhotoTexts(image).collection
        if collection not in _ASKED:
            continue
        title, thing = _TITLES[collection], _THING[collection]
        name, asked = naming(label), _ASKED[collection]
        pools[f"{title}, name"].append(Told(f"{title}, name", image, name, asked, label))
        if colour := seen_colour(load_photo(data / image).pixels):
            prompt, question = naming(f"{colour} {label}"), f"What colour is the {thing}?"
            task = f"{title}, colour"
            pools[task].append(Told(task, image, prompt, question, colour, named=colour))
    for row in read_rows(data):
        found = colour_and_thing(row["answer"]) if row["kind"] == "title" else None
        if found is not None and split_of(row) == split:
            colour, thing = found
            prompt, question = as_typed(f"{colour} {thing}"), f"What colour is the {thing}?"
            task, image = f"{_TITLED}, colour", row["image"]
            pools[task].append(Told(task, image, prompt, question, colour, named=colour))
            if thing in _NAMED:
                asked, task = _ASKED["clothing"], f"{_TITLED}, name"
                pools[task].append(Told(task, image, as_typed(thing), asked, thing))
    return _some_of(pools, limit)


def _some_of(pools: Mapping[str, list[Told]], limit: int | None) -> list[Told]:
    """Up to `limit` of each."""
    found: list[Told] = []
    for task, pool in pools.items():
        random.Random(task).shuffle(pool)
        found += pool[:limit]
    return found


def evaluate_drawing(
    painter: PaintEngine,
    engine: EngineBase,
    data: Path,
    limit: int | None,
    coder: PictureCoder | None = None,
) -> list[Row]:
    """All measures of a loaded painter; `engine` answers about its pictures, and the encoder of the
    model that comes with the app says how alike they look. A `coder` makes codes of photos."""
    encoder = load_packed(mini_path()).encoder
    told = told_of(data, limit)
    drawn: dict[Told, Painting] = {}
    for seed, each in enumerate(with_progress("drawing", told)):
        with contextlib.suppress(PromptError):  # of words that it was never taught
            drawn[each] = draw(painter, each.prompt, seed)
    refused = bootstrap(
        mean([float(each not in drawn) for each in told]), [each.image for each in told]
    )
    return [
        Row("prompts", "refused", len(told), refused, {}),
        *agreement(Respondent(engine, data), drawn),
        *likeness(encoder, data, drawn),
        *truth_of_maps(painter, drawn),
        *([] if coder is None else reconstruction(data, coder, SeenDifference(encoder), limit)),
    ]


def draw(painter: PaintEngine, prompt: str, seed: int) -> Painting:
    """Raises AppError."""
    outcome = painter.paint(PaintRequest(0, prompt, seed), CancelToken(), lambda _step: None)
    if outcome.error is not None:
        raise outcome.error
    return outcome.paintings[0]


def agreement(respondent: Respondent, drawn: Mapping[Told, Painting]) -> list[Row]:
    """How often the model answers what was told, and what was told of another picture; and the
    same of the colour that prevails in the middle of the picture."""
    said = {
        each: respondent.say(as_photo(painting), each.asked)
        for each, painting in with_progress("asking", list(drawn.items()))
    }
    coloured = {each: painting for each, painting in drawn.items() if each.named}
    seen = {each: seen_colour(painting.pixels) for each, painting in coloured.items()}
    return [
        *_compared("agreement", said, _is_right),
        *_compared("by its pixels", seen, lambda told, colour: told.answer == colour),
    ]


def _compared(
    measure: str, found: Mapping[Told, str], is_right: Callable[[Told, str], bool]
) -> list[Row]:
    """How often what was found of a picture is what was told, by tasks."""
    rows = []
    for task in dict.fromkeys(each.task for each in found):
        group = [each for each in found if each.task == task]
        right = [is_right(each, found[each]) for each in group]
        others = [is_right(other, found[each]) for each, other in _paired(group)]
        images = [each.image for each in group]
        model, other = (
            bootstrap(mean([float(hit) for hit in hits]), images[: len(hits)])
            for hits in (right, others)
        )
        rows.append(Row(task, measure, len(group), model, {OTHER_PROMPT: other}))
    return rows


def _paired(group: Sequence[Told]) -> list[tuple[Told, Told]]:
    """Each with one that was told something else; none where all were told the same."""
    order = random.Random(0).sample(list(group), len(group))
    pairs = []
    for number, each in enumerate(order):
        rest = [*order[number + 1 :], *order[:number]]
        other = next((one for one in rest if one.answer != each.answer), None)
        if other is not None:
            pairs.append((each, other))
    return pairs


def _is_right(told: Told, said: str) -> bool:
    kind = "colour" if told.named else "flower"
    return PhotoQuestion(told.image, kind, "", told.asked, (told.answer,)).is_right(said)


def as_photo(painting: Painting) -> Photo:
    return Photo(
        painting.pixels, f"drawn {painting.drawing.seed} {painting.drawing.prompt}", "drawing"
    )


def likeness(encoder: EfficientNetLite2, data: Path, drawn: Mapping[Told, Painting]) -> list[Row]:
    """Of drawings and test photos, and of these and blurred ones; then how near a training photo
    each is, as a test photo is by itself: what is copied is nearer."""
    paintings = list(drawn.values())
    size = paintings[0].pixels.shape[0]
    images = list(dict.fromkeys(each.image for each in drawn))
    photos = [part(load_photo(data / image).pixels, size, None) for image in images]
    seen = seen_by(encoder)
    ours, real = seen([each.pixels for each in paintings]), seen(photos)
    blurred = seen([_blurred(each) for each in photos])
    known = seen(
        [
            part(load_photo(data / image).pixels, size, None)
            for image in images_of(data, "train")
            if PhotoTexts(image).collection in (*_ASKED, _WARES)
        ]
    )
    distances = {
        name: frechet_distance(each, real) for name, each in (("", ours), (BLURRED, blurred))
    }
    near = {
        name: float(np.mean(nearest(each, known)))
        for name, each in (("", ours), (TEST_PHOTOS, real))
    }
    return [
        _row("drawings", "Frechet distance", len(paintings), distances),
        _row("drawings", "nearest training photo", len(paintings), near),
    ]


def _row(task: str, measure: str, items: int, values: dict[str, float]) -> Row:
    own = values.pop("")
    blind = {name: Score(value, value, value) for name, value in values.items()}
    return Row(task, measure, items, Score(own, own, own), blind, percent=False)


def _blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    blur = ImageFilter.GaussianBlur(_BLUR * len(pixels))
    return np.array(Image.fromarray(pixels).filter(blur))


Seer = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float64]]


def seen_by(encoder: EfficientNetLite2) -> Seer:
    """What makes features [n, 352] of pictures: coarse cells, pooled, of length 1."""
    spec = MMGPTImageProcessor().spec

    @torch.inference_mode()
    def seen(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        found = []
        for pixels in pictures:
            ready, _ = prepare(Photo(pixels, "", ""), spec)
            _, coarse = encoder.backbone(torch.from_numpy(ready))
            found.append(coarse.mean(dim=(2, 3))[0].double().numpy())
        features: NDArray[np.float64] = np.array(found)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        return features

    return seen


def frechet_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Between two normal distributions of the features' means and covariances, times 1000."""
    gap = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.cov(each, rowvar=False) for each in (one, other))
    # tr((AB)^(1/2)) by the eigenvalues of A^(1/2) B A^(1/2), which is symmetric.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ second @ root).clip(min=0)
    whole = gap @ gap + np.trace(first) + np.trace(second) - 2 * np.sqrt(product).sum()
    return float(1000 * max(whole, 0.0))


def nearest(these: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each one's distance to the nearest of the known: 1 less the cosine."""
    found: NDArray[np.float64] = 1 - (these @ known.T).max(axis=1)
    return found


def truth_of_maps(painter: PaintEngine, drawn: Mapping[Told, Painting]) -> list[Row]:
    """Without its colour a picture changes: how much more where that word's map is strong?"""
    ratios, images = [], []
    for each, painting in with_progress("leaving words out", list(drawn.items())):
        drawing = painting.drawing
        number = next((n for n, word in enumerate(drawing.words) if word.text == each.named), None)
        if number is None:
            continue
        without = draw(painter, without_word(drawing, number), drawing.seed)
        ratio = left_out(painting, number, without).ratio
        if ratio is not None:
            ratios.append(ratio)
            images.append(each.image)
    if not ratios:
        return []
    logs = bootstrap(mean([float(np.log(each)) for each in ratios]), images)
    score = replace(logs, **{name: float(np.exp(value)) for name, value in vars(logs).items()})
    task = "word left out: change inside its map against outside"
    return [Row(task, "geometric mean", len(ratios), score, {}, percent=False)]
