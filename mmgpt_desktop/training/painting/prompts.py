"""What a painter is told to draw: what is said of photos, and names with the colours seen there."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.training.chinese import in_chinese
from mmgpt_desktop.training.chinese_names import named
from mmgpt_desktop.training.label_kinds import label_section, plain_label
from mmgpt_desktop.training.painting.seen_colour import seen_colour
from mmgpt_desktop.training.painting.titles import said_by_title
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts, read_rows, split_of
from mmgpt_desktop.training.questions import naming

_TOLD = ("caption", "view", "title", "flower", "thing", "garment", "label")
"""The kinds whose answers say what a photo shows."""
_COLOURED = frozenset(["flowers102", "clothing", "caltech101"])
_BOTH = 2
_SIDED = re.compile(r"\b(left|right)\b|[左右]")


def prompts(data: Path, split: str) -> dict[str, list[str]]:
    """By the photo, in both languages; not what a mirrored photo would belie."""
    photos = load_texts(data, [split])
    found: dict[str, list[str]] = defaultdict(list)
    for photo in [*photos, *in_chinese(photos)]:
        found[photo.image] += _said(photo)
    for image, label in labels(data, split).items():
        if PhotoTexts(image).collection in _COLOURED:
            colour = seen_colour(load_photo(data / image).pixels)
            found[image] += with_colour(image, label, colour)
    told = {image: [one for one in each if not _SIDED.search(one)] for image, each in found.items()}
    return {image: each for image, each in told.items() if each}


def labels(data: Path, split: str) -> dict[str, str]:
    """The name of the one thing on a photo that has a label."""
    return {
        row["image"]: plain_label(row["answer"])
        for row in read_rows(data)
        if row["kind"] == "label" and split_of(row) == split
    }


def _said(photo: PhotoTexts) -> Iterator[str]:
    for kind in _TOLD:
        for _, answer in photo.pairs.get(kind, ()):
            yield answer
            if kind == "title":
                yield from said_by_title(answer)


def with_colour(image: str, label: str, colour: str) -> Iterator[str]:
    """ "a yellow rose", "黄色的玫瑰", as often as all else that is said of the photo."""
    if not colour:
        return
    yield from [naming(f"{colour} {label}")] * _BOTH
    chinese = named(label, label_section(PhotoTexts(image).collection))
    shade = named(colour, ["colours"])
    if chinese and shade:
        yield from [f"{shade}的{chinese}"] * _BOTH


def drawn_from(said: Sequence[str], rng: random.Random) -> str:
    """One of a photo's prompts as people may type it."""
    prompt = rng.choice(said)
    if rng.random() < _PLAIN:
        prompt = prompt.rstrip(".。")
    return prompt[:1].lower() + prompt[1:] if rng.random() < _PLAIN else prompt


_PLAIN = 0.5


def numbers(tokenizer: Tokenizer, prompts: Iterable[str], length: int, pad: int) -> list[list[int]]:
    """Tokens of each, filled up or cut to `length`."""
    rows = [ids.ids[:length] for ids in tokenizer.encode_batch(list(prompts))]
    return [row + [pad] * (length - len(row)) for row in rows]
