"""Stage 2: every photo's conversations, and how they are packed into rows of tokens."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import Dataset

from mmgpt_desktop.model.configuration import ASSISTANT, END, PAD, SPECIAL_TOKENS, USER
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training import prompts
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.labels import (
    Region,
    class_names,
    label_questions,
    presence_questions,
    regions,
)
from mmgpt_desktop.training.questions import QA, caption_questions, things_named

Row = Mapping[str, Any]
PAD_ID, USER_ID, ASSISTANT_ID, END_ID = map(SPECIAL_TOKENS.index, (PAD, USER, ASSISTANT, END))

KIND_WEIGHTS = {
    "caption": 5.0,
    "brief": 0.7,
    "detail": 0.7,
    "colour": 1.2,
    "count": 1.0,
    "action": 1.2,
    "place": 0.8,
    "animal": 0.5,
    "yesno": 1.2,
    "vqa": 4.0,
    "scene": 2.0,
    "objects": 1.5,
    "where": 1.5,
    "side": 0.7,
    "largest": 0.5,
    "sentence": 1.5,
    "label": 3.0,
    "title": 3.0,
    "wearer": 1.0,
    "item": 1.5,
    "actions": 1.0,
    "truefalse": 2.0,
}
"""How often a kind is drawn, against the other kinds that the photo has."""
VISITS = {
    "flickr8k": 1.0,
    "daquar": 2.0,
    "coco": 1.2,
    "ade20k": 1.5,
    "grocery": 0.5,
    "fashion": 0.5,
}
"""How often a collection's photos come, against the others'."""
NO_PICTURE_SHARE = 0.02


@dataclass
class PhotoTexts:
    """All that is said of one photo: question-answer pairs by kind."""

    image: str
    pairs: dict[str, list[QA]] = field(default_factory=lambda: defaultdict(list))

    @property
    def collection(self) -> str:
        return Path(self.image).parts[1]

    def draw(self, rng: random.Random) -> QA:
        kinds = list(self.pairs)
        kind = rng.choices(kinds, [KIND_WEIGHTS[k] for k in kinds])[0]
        question, answer = rng.choice(self.pairs[kind])
        return ask(kind, question, rng), answer


_WAYS = {
    "caption": prompts.DESCRIBE,
    "brief": prompts.BRIEF,
    "detail": prompts.DETAIL,
    "sentence": prompts.SENTENCE,
    "scene": prompts.SCENE,
    "objects": prompts.OBJECTS,
    "actions": prompts.ACTIONS,
    "label": prompts.LABEL,
    "title": prompts.TITLE,
}


def ask(kind: str, question: str, rng: random.Random) -> str:
    """The question in one of the ways in which people ask it."""
    if kind == "truefalse":
        return rng.choice(prompts.TRUE_FALSE).format(question)
    if kind in _WAYS:
        return rng.choice(_WAYS[kind])
    return prompts.spoken(question, rng)


def load_texts(data: Path, splits: Iterable[str]) -> list[PhotoTexts]:
    """The photos of these splits with all their pairs, made ones too; in a fixed order."""
    wanted = set(splits)
    photos: dict[str, PhotoTexts] = {}
    captions: dict[str, list[str]] = defaultdict(list)
    with (data / "texts.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["split"] in wanted:
                photo = photos.setdefault(row["image"], PhotoTexts(row["image"]))
                _add_row(photo, row)
                if row["kind"] == "caption":
                    captions[row["image"]].append(sentence(row["answer"]))
    _add_captions(photos, captions)
    _add_labels(data, photos)
    _add_presence(photos)
    return [photos[image] for image in sorted(photos) if photos[image].pairs]


def sentence(text: str) -> str:
    """A caption as written prose: one capital, one full stop, single blanks."""
    words = " ".join(text.split()).rstrip(" .").replace(" ,", ",").replace(" '", "'")
    return words[:1].upper() + words[1:] + "."


def _add_row(photo: PhotoTexts, row: Row) -> None:
    kind, question, answer = row["kind"], row["question"], row["answer"]
    if kind == "caption" or (kind == "scene" and answer == "misc"):
        return
    if isinstance(answer, list):
        answer = ", ".join(answer)
    if kind == "sentence":
        answer = sentence(answer)
    if kind in {"vqa", "scene", "actions"}:
        answer = answer.replace("_", " ")
    photo.pairs[kind].append((question, answer))
    if kind == "title":
        _add_title(photo, answer)


def _add_title(photo: PhotoTexts, title: str) -> None:
    words = title.split()
    photo.pairs["item"].append(("what kind of item is this", " ".join(words[-2:]).lower()))
    for wearer in ("Men", "Women", "Boys", "Girls"):
        if wearer in words:
            photo.pairs["wearer"].append(("who is it for", wearer.lower()))


def _add_captions(photos: Mapping[str, PhotoTexts], captions: Mapping[str, Sequence[str]]) -> None:
    lower = {image: [text.lower() for text in texts] for image, texts in captions.items()}
    everything = [thing for texts in lower.values() for thing in things_named(texts)]
    for image, texts in captions.items():
        pairs = photos[image].pairs
        pairs["caption"] += [("", caption) for caption in texts]
        if len(texts) > 2:
            by_length = sorted(texts, key=len)
            pairs["brief"] += [("", by_length[0])]
            pairs["detail"] += [("", by_length[-1]), ("", " ".join(by_length[-2:]))]
        made = caption_questions(lower[image], everything, random.Random(image))
        for kind, found in made.items():
            pairs[kind] += found


def _add_labels(data: Path, photos: Mapping[str, PhotoTexts]) -> None:
    table = data / "labels" / "ade20k_objects.txt"
    if not table.exists():
        return
    names = class_names(table)
    found: dict[str, list[Region]] = {}
    for image in photos:
        label_map = data / "labels" / "ade20k" / f"{Path(image).stem}.png"
        if label_map.exists():
            found[image] = regions(label_map, names)
    everything = [region.name for photo in found.values() for region in photo]
    for image, photo_regions in found.items():
        made = label_questions(photo_regions, everything, random.Random(image))
        for kind, pairs in made.items():
            photos[image].pairs[kind] += pairs


def _add_presence(photos: Mapping[str, PhotoTexts]) -> None:
    """Yes and no about the categories of object lists that people wrote."""
    lists = {
        image: photo.pairs["objects"][0][1].split(", ")
        for image, photo in photos.items()
        if photo.collection == "coco" and "objects" in photo.pairs
    }
    everything = [name for names in lists.values() for name in names]
    for image, names in lists.items():
        photos[image].pairs["yesno"] += presence_questions(names, everything, random.Random(image))


class Packer:
    """Fills rows of tokens with conversations about one photo.

    A row is a sequence of segments that don't see one another; each is a conversation of
    one to three turns. Labels stand at the answers' tokens alone.
    """

    def __init__(self, encode: Callable[[str], list[int]], length: int) -> None:
        self.encode = encode
        self.length = length

    def turn(self, question: str, answer: str) -> tuple[list[int], list[int]]:
        """Token ids and labels of one question with its answer."""
        asked = [USER_ID, *self.encode(question), ASSISTANT_ID]
        answered = [*self.encode(answer), END_ID]
        return asked + answered, [IGNORED] * len(asked) + answered

    def row(self, draw: Callable[[], QA], rng: random.Random) -> dict[str, list[int]]:
        """One row of exactly `length` tokens, padded at its end."""
        ids: list[int] = []
        labels: list[int] = []
        segments: list[int] = []
        segment = 1
        for attempt in range(12):
            tokens, targets = self.turn(*draw())
            if len(ids) + len(tokens) > self.length:
                if attempt > 8 or len(ids) > 0.8 * self.length:
                    break
                continue
            if ids and rng.random() < 0.7:
                segment += 1
            ids += tokens
            labels += targets
            segments += [segment] * len(tokens)
        missing = self.length - len(ids)
        return {
            "input_ids": ids + [PAD_ID] * missing,
            "labels": labels + [IGNORED] * missing,
            "segments": segments + [0] * missing,
        }


class VisitDataset(Dataset[dict[str, Any]]):
    """Item i is the i-th visit to a photo: its cached cells and some rows of text.

    Everything about a visit follows from the seed and i, so a run that is resumed at a
    step sees what it would have seen.
    """

    def __init__(
        self,
        photos: Sequence[PhotoTexts],
        features: FeatureStore,
        tokenizer: Tokenizer,
        *,
        visits: int,
        rows: int,
        length: int,
        seed: int = 0,
    ) -> None:
        self.photos = photos
        self.features = features
        self.rows = rows
        self.seed = seed
        self.packer = Packer(lambda text: tokenizer.encode(text).ids, length)
        self.order = _visit_order(photos, visits, seed)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, visit: int) -> dict[str, Any]:
        rng = random.Random(self.seed * 1_000_003 + visit)
        photo = self.photos[self.order[visit]]
        has_image = rng.random() >= NO_PICTURE_SHARE

        def draw() -> QA:
            question, answer = photo.draw(rng)
            return (question, answer) if has_image else (question, prompts.NO_PICTURE)

        row = self.features.index[photo.image]
        return {
            "fine": self.features.fine[row],
            "coarse": self.features.coarse[row],
            "has_image": has_image,
            "rows": [self.packer.row(draw, rng) for _ in range(self.rows)],
        }


def _visit_order(photos: Sequence[PhotoTexts], visits: int, seed: int) -> list[int]:
    """Photo numbers in the order of visits: shuffled passes, collections weighted."""
    rng = random.Random(seed)
    order: list[int] = []
    while len(order) < visits:
        once = []
        for number, photo in enumerate(photos):
            share = VISITS.get(photo.collection, 1.0)
            times = int(share) + (rng.random() < share % 1)
            once += [number] * times
        rng.shuffle(once)
        order += once
    return order[:visits]


def collate(visits: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack visits: cells [B, ...], text [B * rows, length]."""
    texts = [row for visit in visits for row in visit["rows"]]
    batch = {name: torch.tensor([row[name] for row in texts]) for name in texts[0]}
    batch["has_image"] = torch.tensor([visit["has_image"] for visit in visits])
    for name in ("fine", "coarse"):
        batch[name] = torch.from_numpy(np.stack([visit[name] for visit in visits])).float()
    return batch
