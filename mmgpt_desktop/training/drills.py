"""Drills: a class that the photo does not show is put first among the encoder's guesses, and asked
for or described. So copying is learned for all names, in all languages, and not only for those of
the training photos."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from mmgpt_desktop.training.imagenet_names import ANIMALS, DOGS, LABELLED, class_names
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask, trained_words
from mmgpt_desktop.training.questions import QA, naming
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH, usual

OTHER_ANIMALS = sorted(set(ANIMALS) - set(DOGS))
_DOG = {
    ENGLISH: re.compile(r"\b(?:([Aa])n? )?dog\b"),
    CHINESE: re.compile(r"()(?<![热狗])狗(?![狗链窝屋粮绳])"),
}
_ASKED_ZH = "这是什么动物"


def drilled_class(captions: Sequence[str], rng: random.Random) -> int:
    """An animal where it shall stand in a dog's place in one of the captions, else any class."""
    return rng.choice(OTHER_ANIMALS) if captions else rng.randrange(len(class_names()))


def drill(photo: PhotoTexts, named: int, rng: random.Random) -> QA:
    """A question and an answer with the name of the class, in the photo's language."""
    language = photo.language
    chinese = language == CHINESE
    name = class_names(language)[named]
    words, captions = trained_words(rng, language), dog_captions(photo)
    answer = name if chinese else naming(name)
    if captions and named in OTHER_ANIMALS and rng.random() < 0.6:
        asked = ask("caption", "", rng, words, language)
        return asked, with_animal(rng.choice(captions), name, language)
    if photo.collection in LABELLED and rng.random() < 0.4:
        told = f"一张{name}的照片。" if chinese else f"A photo of {answer}."
        return ask("caption", "", rng, words, language), told
    if named in ANIMALS and rng.random() < 0.3:
        if chinese:
            return ask("name", _ASKED_ZH, rng, words, language), answer
        return rng.choice(usual("animal_name")), answer
    return ask("name", "", rng, words, language), answer


def dog_captions(photo: PhotoTexts) -> list[str]:
    """The captions that speak of one dog."""
    captions = [caption for _, caption in photo.pairs.get("caption", ())]
    return [each for each in captions if len(_DOG[photo.language].findall(each)) == 1]


def with_animal(caption: str, animal: str, language: str = ENGLISH) -> str:
    """The caption with another animal in the dog's place."""

    def renamed(found: re.Match[str]) -> str:
        if not found[1]:
            return animal
        return f"{found[1]}{'n' if animal[0] in 'aeiou' else ''} {animal}"

    return _DOG[language].sub(renamed, caption)
