"""The names of the encoder's 1,000 classes, as everyday words.

ImageNet's classes are WordNet synsets; the order is that of the 2012 challenge. Most names
are the synset's first word; where that is odd or ambiguous, we chose a plainer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from mmgpt_desktop.model.configuration import PAD, SPECIAL_TOKENS
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.questions import naming
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH, usual

CERTAIN = 0.5
"""A photo whose likeliest class has this probability is asked about by the class's name."""
IN_PLACE = 0.4
"""Where a class's activation is at least this share of its maximum, there the thing is."""
ANIMALS = range(398)
DOGS = range(151, 269)
_TABLES = {
    ENGLISH: Path(__file__).with_name("imagenet_names.txt"),
    CHINESE: Path(__file__).with_name("imagenet_names_zh.txt"),
}


@cache
def class_names(language: str = ENGLISH) -> Sequence[str]:
    lines = _TABLES[language].read_text(encoding="utf-8").splitlines()
    return tuple(line.split(" ", 1)[1] for line in lines)


def name_tokens(tokenizer: Tokenizer, length: int, languages: Sequence[str] = (ENGLISH,)) -> Tensor:
    """Token ids [1000, languages * length] of the names as they stand in mid-sentence, each padded
    or cut."""
    return torch.cat([padded(tokenizer, class_names(each), each, length) for each in languages], 1)


def padded(tokenizer: Tokenizer, names: Sequence[str], language: str, length: int) -> Tensor:
    """Token ids [names, length] of names in this language."""
    pad = SPECIAL_TOKENS.index(PAD)
    rows = (in_mid_sentence(tokenizer, name, language)[:length] for name in names)
    return torch.tensor([row + [pad] * (length - len(row)) for row in rows])


def in_mid_sentence(tokenizer: Tokenizer, name: str, language: str) -> list[int]:
    """A name's tokens."""
    return list(tokenizer.encode(name if language == CHINESE else f" {name}").ids)


def add_names(photos: Iterable[PhotoTexts], features: FeatureStore) -> None:
    """Questions that the encoder itself answers: its class name, and where it sees that."""
    guesses, names = features.guesses, class_names()
    if guesses is None:
        return
    for photo in photos:
        row = features.index[photo.image]
        number = int(guesses.classes[row])
        if (
            number >= len(names)
            or photo.collection in LABELLED
            or guesses.probabilities[row] < CERTAIN
        ):
            continue
        if number not in ANIMALS and photo.shows_people:
            continue  # "What is this?" is not about a jersey there
        name = names[number]
        answer = naming(name)
        photo.pairs["name"] += [("", answer)] * 2
        if number in ANIMALS:
            photo.pairs["name"] += [(question, answer) for question in usual("animal_name")]
        if number in DOGS:
            photo.pairs["name"] += [(question, answer) for question in usual("dog_name")]
        place = (guesses.places[row] >= IN_PLACE).astype(np.float16)
        photo.masks.setdefault(name, place.repeat(2, axis=0).repeat(2, axis=1))


LABELLED = frozenset(["grocery", "fashion", "flowers102", "caltech101", "clothing"])
"""Collections whose own labels say better what a photo shows."""
