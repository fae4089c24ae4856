"""Every photo's questions and answers: people's own, and those made from captions and maps."""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.boxes import (
    Known,
    box_masks,
    box_questions,
    present_names,
    read_boxes,
    scenes_of,
)
from mmgpt_desktop.training.claims import Pool, claims
from mmgpt_desktop.training.deeds import by_deed, does_questions, held_questions
from mmgpt_desktop.training.label_kinds import (
    Labelled,
    flower_yes_no,
    label_answer,
    label_kind,
    label_view,
    label_yes_no,
)
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
    sentence,
)
from mmgpt_desktop.training.wordings import (
    ENGLISH,
    Wordings,
    blurred,
    spoken,
    typed,
    usual,
    wordings,
)

PEOPLE = WORDS.people | {"men", "women", "boys", "girls", "children", "kids"}
Row = Mapping[str, Any]


@dataclass
class PhotoTexts:
    """All that is said of one photo: question-answer pairs by kind.

    `masks` says where named things lie: for each name the share of each cell that the thing
    covers, [rows, columns]. `counted` are the questions whose answers come from boxes.
    All of it is in one `language`, but for people's Chinese captions, a kind of their own.
    """

    image: str
    pairs: dict[str, list[QA]] = field(default_factory=lambda: defaultdict(list))
    masks: dict[str, Cells] = field(default_factory=dict)
    counted: frozenset[str] = frozenset()
    language: str = ENGLISH

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
        """A question and its answer; with `mirror` as they are of the mirrored photo.

        A kind without a weight is never drawn; one of the photo's must have one.
        """
        kinds = list(self.pairs)
        kind = rng.choices(kinds, [weights.get(k, 0.0) for k in kinds])[0]
        question, answer = rng.choice(self.pairs[kind])
        if mirror:
            question, answer = mirrored(question), mirrored(answer)
        words = trained_words(rng, self.language)
        asked = ask(kind, question, rng, words, self.language)
        hurried = words and kind not in _STATING
        return blurred(asked, rng, self.language) if hurried else asked, answer

    def only(self, kinds: Collection[str]) -> PhotoTexts:
        """The same with pairs of these kinds alone."""
        pairs = {kind: found for kind, found in self.pairs.items() if kind in kinds and found}
        return replace(self, pairs=pairs)


def with_weight(photos: Iterable[PhotoTexts], weights: Mapping[str, float]) -> list[PhotoTexts]:
    """The photos that have something to draw, without what is never drawn."""
    drawn = {kind for kind, weight in weights.items() if weight > 0}
    return [photo for each in photos if (photo := each.only(drawn)).pairs]


COCO = "images/coco/"
APART, COCO_APART = 40, 8
"""Of so many training photos one is kept back; of COCO, whose questions by people have no test
photos, more."""
CAPTIONS_ZH, TRANSLATIONS_ZH = "caption-zh", "translation-zh"
IN_CHINESE = frozenset([CAPTIONS_ZH, TRANSLATIONS_ZH])
"""Kinds in Chinese, captions and translated ones; all others are in English."""


def in_english(photos: Iterable[PhotoTexts]) -> list[PhotoTexts]:
    kinds = {kind for photo in photos for kind in photo.pairs} - IN_CHINESE
    return with_weight(photos, dict.fromkeys(kinds, 1.0))


_DESCRIBING = ("caption", "view")
_STATING = ("truefalse", "claim")
_IN_OTHER_WORDS = 0.6  # of the questions in training


def trained_words(rng: random.Random, language: str = ENGLISH) -> Wordings | None:
    """For a question in training: the usual words, or others."""
    return wordings("training", language) if rng.random() < _IN_OTHER_WORDS else None


def ask(
    kind: str,
    question: str,
    rng: random.Random,
    words: Wordings | None = None,
    language: str = ENGLISH,
) -> str:
    """The question in one of the ways in which people ask it: in `words`, where they have some
    for it, else in the usual ones. All of it is in the one language."""
    if kind == "name" and question and language == ENGLISH:
        return question
    if words and (asked := in_other_words(kind, question, rng, words, language)):
        return asked
    ways = usual(_asked_as(kind), language)
    if ways and not (kind == "name" and question):
        asked = rng.choice(ways).format(question)
        return typed(asked, rng, language) if words else asked
    return spoken(question, rng, language)


def in_other_words(
    kind: str, question: str, rng: random.Random, words: Wordings, language: str = ENGLISH
) -> str:
    """The question in some of these words, as people type it; empty where they have none."""
    asked = words.worded(_asked_as(kind), question, rng)
    return typed(asked, rng, language) if asked else ""


def _asked_as(kind: str) -> str:
    if kind in _STATING:
        return "truefalse"
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
    labels: dict[str, str] = {}
    for row in read_rows(data):
        if split_of(row) in wanted:
            photo = photos.setdefault(row["image"], PhotoTexts(row["image"]))
            _add_row(photo, row)
            if row["kind"] == "caption":
                captions[row["image"]].append(sentence(row["answer"]))
            if row["kind"] == "label":
                labels[row["image"]] = row["answer"]
    _add_captions(photos, captions)
    mapped = _add_labels(data, photos)
    lists = _object_lists(photos)
    _add_presence(photos, lists)
    _add_boxes(data, photos, Known(captions, mapped, lists))
    _add_names_of_one(photos, labels)
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
    """A text's split. The data's own dev split has Flickr8k's photos alone, so each fortieth
    training photo joins it, and each eighth of COCO, whose questions by people have no test
    photos."""
    apart = COCO_APART if row["image"].startswith(COCO) else APART
    kept = row["split"] == "train" and is_kept_back(row["image"], apart)
    return "dev" if kept else str(row["split"])


def images_of(data: Path, split: str) -> list[str]:
    """All of the split of which a text speaks, in a fixed order."""
    return sorted({row["image"] for row in read_rows(data) if split_of(row) == split})


def is_kept_back(image: str, apart: int) -> bool:
    """Whether a training photo is among those of which one in so many is never trained on."""
    return zlib.crc32(image.encode()) % apart == 0


def chinese_sentence(text: str) -> str:
    """The same of a Chinese one, which has no blanks."""
    return "".join(text.split()).rstrip("。.") + "。"


def _add_row(photo: PhotoTexts, row: Row) -> None:
    kind, question, answer = row["kind"], row["question"], row["answer"]
    if kind == "caption" or (kind == "scene" and answer == "misc"):
        return
    if isinstance(answer, list):
        answer = ", ".join(answer)
    if kind == "sentence":
        answer = sentence(answer)
    if kind == CAPTIONS_ZH:
        answer = chinese_sentence(answer)
        kind = TRANSLATIONS_ZH if "translated" in row.get("source", "") else kind
    if kind == "label":
        kind = label_kind(photo.collection)
        answer = label_answer(answer)
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
    pool, done = Pool.of(lower.values()), by_deed(lower.values())
    for image, texts in captions.items():
        pairs = photos[image].pairs
        pairs["caption"] += [("", caption) for caption in texts]
        if len(texts) > 2:
            by_length = sorted(texts, key=len)
            pairs["brief"] += [("", by_length[0])]
            pairs["detail"] += [("", by_length[-1]), ("", " ".join(by_length[-2:]))]
        made = caption_questions(lower[image], pool.things, random.Random(image))
        made["held"] = held_questions(lower[image])
        made["does"] = does_questions(lower[image], done, random.Random(image))
        made["claim"] = claims(lower[image], pool, random.Random(image))
        for kind, found in made.items():
            if found:
                pairs[kind] += found


def _add_labels(data: Path, photos: Mapping[str, PhotoTexts]) -> dict[str, frozenset[str]]:
    """Those of label maps; all that each photo's map names."""
    maps = LabelMaps(data)
    found: dict[str, list[Region]] = {}
    for image in filter(maps.has, photos):
        found[image] = maps.regions(image)
        photos[image].masks = {region.name: region.cells for region in found[image]}
    everything = [region.name for photo in found.values() for region in photo]
    present = {image: maps.present(image) for image in found}
    for image, photo_regions in found.items():
        rng = random.Random(image)
        made = label_questions(photo_regions, present[image], everything, rng)
        for kind, pairs in made.items():
            photos[image].pairs[kind] += pairs
        _add_view(photos[image], [region.name for region in photo_regions])
    return present


def _add_view(photo: PhotoTexts, things: Sequence[str]) -> None:
    """A description of a photo that nobody described: its place, and what is large there."""
    named = [thing for thing in things if thing not in STUFF][:3]
    if named:
        whole = naming(plain_place(photo.place) or "place").capitalize()
        photo.pairs["view"].append(("", f"{whole} with {listed(named)}."))


def _object_lists(photos: Mapping[str, PhotoTexts]) -> dict[str, list[str]]:
    """The categories of COCO that people found in a photo."""
    return {
        image: photo.pairs["objects"][0][1].split(", ")
        for image, photo in photos.items()
        if photo.collection in {"coco", "coco2"} and "objects" in photo.pairs
    }


def _add_presence(photos: Mapping[str, PhotoTexts], lists: Mapping[str, Sequence[str]]) -> None:
    """Yes and no about the categories of object lists that people wrote."""
    everything = [name for names in lists.values() for name in names]
    for image, names in lists.items():
        if "caption" not in photos[image].pairs:
            photos[image].pairs["view"] += [("", f"A photo with {listed(names[:3])}.")]
        photos[image].pairs["yesno"] += presence_questions(names, everything, random.Random(image))


def _add_boxes(data: Path, photos: Mapping[str, PhotoTexts], known: Known) -> None:
    boxes = {image: scene for image, scene in read_boxes(data).items() if image in photos}
    scenes = scenes_of(boxes, known)
    everything = Counter(name for scene in scenes.values() for name in present_names(scene))
    for image, scene in scenes.items():
        made = box_questions(scene, everything, random.Random(f"boxes {image}"))
        for kind, pairs in made.items():
            said = {question for question, _ in photos[image].pairs[kind]}
            new = [pair for pair in pairs if pair[0] not in said]
            photos[image].pairs[kind] += new
            if kind == "count":
                photos[image].counted = frozenset(question for question, _ in new)
        photos[image].masks = {**box_masks(scene), **photos[image].masks}


def _add_names_of_one(photos: Mapping[str, PhotoTexts], labels: Mapping[str, str]) -> None:
    """What is made of the name of the one thing that a photo shows."""
    names: dict[str, set[str]] = defaultdict(set)
    for image, label in labels.items():
        names[photos[image].collection].add(label)
    for image, label in labels.items():
        photo, rng = photos[image], random.Random(image)
        one = Labelled(photo.collection, label)
        photo.pairs["yesno"] += label_yes_no(one, sorted(names[photo.collection]), rng)
        photo.pairs["yesno"] += flower_yes_no(one, rng)
        if view := label_view(one):
            photo.pairs["view"].append(("", view))
