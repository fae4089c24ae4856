"""Every photo's questions and answers: people's own, and those made from captions and maps."""

from __future__ import annotations

import json
import random
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.labels import (
    STUFF,
    Cells,
    LabelMaps,
    Region,
    label_questions,
    presence_questions,
)
from mmgpt_desktop.training.questions import (
    QA,
    WORDS,
    caption_questions,
    listed,
    mirrored,
    naming,
    plain_place,
    things_named,
)
from mmgpt_desktop.training.wordings import Wordings, blurred, spoken, typed, usual, wordings

PEOPLE = WORDS.people | {"men", "women", "boys", "girls", "children", "kids"}
Row = Mapping[str, Any]


@dataclass
class PhotoTexts:
    """All that is said of one photo: question-answer pairs by kind.

    `masks` says where named things lie: for each name the share of each cell that the thing
    covers, [rows, columns].
    """

    image: str
    pairs: dict[str, list[QA]] = field(default_factory=lambda: defaultdict(list))
    masks: dict[str, Cells] = field(default_factory=dict)

    @property
    def collection(self) -> str:
        return Path(self.image).parts[1]

    @property
    def shows_people(self) -> bool:
        """Whether any answer names a person."""
        answers = (answer for pairs in self.pairs.values() for _, answer in pairs)
        return any(PEOPLE.intersection(answer.lower().split()) for answer in answers)

    @property
    def place(self) -> str:
        """The name of its scene; empty where it has none."""
        return next((name for _, name in self.pairs.get("scene", ())), "")

    def draw(self, weights: Mapping[str, float], rng: random.Random, *, mirror: bool = False) -> QA:
        """A question and its answer; with `mirror` as they are of the mirrored photo."""
        kinds = list(self.pairs)
        kind = rng.choices(kinds, [weights[k] for k in kinds])[0]
        question, answer = rng.choice(self.pairs[kind])
        if mirror:
            question, answer = mirrored(question), mirrored(answer)
        words = trained_words(rng)
        asked = ask(kind, question, rng, words)
        return blurred(asked, rng) if words and kind != "truefalse" else asked, answer


_DESCRIBING = ("caption", "view")
_IN_OTHER_WORDS = 0.6  # of the questions in training


def trained_words(rng: random.Random) -> Wordings | None:
    """For a question in training: the usual words, or others."""
    return wordings("training") if rng.random() < _IN_OTHER_WORDS else None


def ask(kind: str, question: str, rng: random.Random, words: Wordings | None = None) -> str:
    """The question in one of the ways in which people ask it: in `words`, where they have some
    for it, else in the usual ones."""
    if kind == "name" and question:
        return question
    if kind == "truefalse":
        return rng.choice(usual(kind)).format(question)
    if words and (asked := in_other_words(kind, question, rng, words)):
        return asked
    if ways := usual(_asked_as(kind)):
        return typed(rng.choice(ways), rng) if words else rng.choice(ways)
    return spoken(question, rng)


def in_other_words(kind: str, question: str, rng: random.Random, words: Wordings) -> str:
    """The question in some of these words, as people type it; empty where they have none."""
    asked = words.worded(_asked_as(kind), question, rng)
    return typed(asked, rng) if asked else ""


def _asked_as(kind: str) -> str:
    return "describe" if kind in _DESCRIBING else kind


def read_rows(data: Path) -> Iterator[Row]:
    """The data's texts, in the file's order."""
    with (data / "texts.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def load_texts(data: Path, splits: Iterable[str]) -> list[PhotoTexts]:
    """The photos of these splits with all their pairs, made ones too; in a fixed order."""
    wanted = set(splits)
    photos: dict[str, PhotoTexts] = {}
    captions: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(data):
        if split_of(row) in wanted:
            photo = photos.setdefault(row["image"], PhotoTexts(row["image"]))
            _add_row(photo, row)
            if row["kind"] == "caption":
                captions[row["image"]].append(sentence(row["answer"]))
    _add_captions(photos, captions)
    _add_labels(data, photos)
    _add_presence(photos)
    return [photos[image] for image in sorted(photos) if photos[image].pairs]


def photos_of(data: Path, split: str) -> list[PhotoTexts]:
    """A split's photos. Raises AppError where there are none."""
    if not (data / "texts.jsonl").is_file():
        title = "The folder {name} holds no texts.jsonl."
        raise AppError(title, "Give the data folder with --data.", name=str(data))
    photos = load_texts(data, [split])
    if not photos:
        raise AppError("The data folder has no {split} photos.", split=split)
    return photos


def split_of(row: Row) -> str:
    """A text's split. The data's own dev split has captions alone, so each fortieth
    training photo joins it."""
    kept_back = row["split"] == "train" and zlib.crc32(row["image"].encode()) % 40 == 0
    return "dev" if kept_back else str(row["split"])


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
    maps = LabelMaps(data)
    found: dict[str, list[Region]] = {}
    for image in filter(maps.has, photos):
        found[image] = maps.regions(image)
        photos[image].masks = {region.name: region.cells for region in found[image]}
    everything = [region.name for photo in found.values() for region in photo]
    for image, photo_regions in found.items():
        rng = random.Random(image)
        made = label_questions(photo_regions, maps.present(image), everything, rng)
        for kind, pairs in made.items():
            photos[image].pairs[kind] += pairs
        _add_view(photos[image], [region.name for region in photo_regions])


def _add_view(photo: PhotoTexts, things: Sequence[str]) -> None:
    """A description of a photo that nobody described: its place, and what is large there."""
    named = [thing for thing in things if thing not in STUFF][:3]
    if named:
        whole = naming(plain_place(photo.place) or "place").capitalize()
        photo.pairs["view"].append(("", f"{whole} with {listed(named)}."))


def _add_presence(photos: Mapping[str, PhotoTexts]) -> None:
    """Yes and no about the categories of object lists that people wrote."""
    lists = {
        image: photo.pairs["objects"][0][1].split(", ")
        for image, photo in photos.items()
        if photo.collection == "coco" and "objects" in photo.pairs
    }
    everything = [name for names in lists.values() for name in names]
    for image, names in lists.items():
        if "caption" not in photos[image].pairs:
            photos[image].pairs["view"] += [("", f"A photo with {listed(names[:3])}.")]
        photos[image].pairs["yesno"] += presence_questions(names, everything, random.Random(image))
