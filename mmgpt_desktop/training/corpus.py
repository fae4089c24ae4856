"""The text that the GPT is pretrained on: captions, questions, answers, definitions, translations,
in both languages."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch.utils.data import Dataset

from mmgpt_desktop.model.configuration import END, PAD, SPECIAL_TOKENS
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.text import plainly_typed
from mmgpt_desktop.training import wordnet
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask

HELD_OUT = 100
"""Each hundredth definition is for measuring alone."""
_PAD_ID, _END_ID = SPECIAL_TOKENS.index(PAD), SPECIAL_TOKENS.index(END)


def definitions(folder: Path = wordnet.FOLDER) -> list[str]:
    """WordNet's definitions without their examples, as "word: definition.". Raises AppError."""
    found = []
    for part in wordnet.PARTS_OF_SPEECH:
        for synset in wordnet.read_synsets(folder, part):
            meaning = synset.gloss.split('"')[0].strip(" ;")
            found.append(f"{synset.lemmas[0]}: {meaning}.")
    return found


def split_definitions(found: Sequence[str]) -> tuple[list[str], list[str]]:
    """Training and held-out ones."""
    kept = [text for place, text in enumerate(found) if place % HELD_OUT]
    return kept, list(found[::HELD_OUT])


def photo_texts(photos: Iterable[PhotoTexts]) -> list[str]:
    """Every question that the data has in one wording, as the app gives it to the model, with its
    answer."""
    rng = random.Random(0)
    texts = []
    for photo in photos:
        for kind, pairs in photo.pairs.items():
            for question, answer in pairs:
                asked = ask(kind, question, rng, language=photo.language) if question else ""
                texts.append(f"{plainly_typed(asked)} {answer}".strip())
    return texts


class TextRows(Dataset[dict[str, Any]]):
    """Shuffled texts, one after another, cut into rows of `length` tokens.

    A text sees nothing of the others in its row. `rows` None takes each text once; else
    texts come again, newly shuffled, until there are that many rows.
    """

    def __init__(
        self, texts: Sequence[str], tokenizer: Tokenizer, length: int, rows: int | None, seed: int
    ) -> None:
        encoded = [[*ids.ids, _END_ID] for ids in tokenizer.encode_batch(list(texts))]
        self.rows = _packed(encoded, length, random.Random(seed), rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        ids, segments = self.rows[place]
        return {
            "input_ids": ids,
            "segments": segments,
            "labels": [
                token if place and 0 < segments[place] == segments[place - 1] else IGNORED
                for place, token in enumerate(ids)
            ],
        }


def _packed(
    encoded: Sequence[list[int]], length: int, rng: random.Random, wanted: int | None
) -> list[tuple[list[int], list[int]]]:
    rows: list[tuple[list[int], list[int]]] = []
    ids: list[int] = []
    segments: list[int] = []
    while True:
        for number in rng.sample(range(len(encoded)), len(encoded)):
            ids += encoded[number][:length]
            segments += [segments[-1] + 1 if segments else 1] * len(encoded[number][:length])
            while len(ids) >= length:
                rows.append((ids[:length], segments[:length]))
                ids, segments = ids[length:], [1] * (len(ids) - length)
                if len(rows) == wanted:
                    return rows
        if wanted is None:
            missing = length - len(ids)
            return [*rows, (ids + [_PAD_ID] * missing, segments + [0] * missing)]
