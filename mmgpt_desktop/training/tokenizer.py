"""Stage 2: a byte-level BPE tokenizer, trained on what the model will read and write.

Byte-level: every input can be encoded, and there is no unknown token.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mmgpt_desktop.model.configuration import SPECIAL_TOKENS, MMGPTConfig
from mmgpt_desktop.training.corpus import definitions, split_definitions
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask, in_english, load_texts

NAMES_REPEATED = 30
"""Class names count this often, so that a name takes few tokens."""
DEFINITIONS_SHARE = 5
"""Each fifth of WordNet's definitions is read: they are to be spelt, not to rule."""


def train_tokenizer(data: Path, work: Path) -> None:
    """Train on the training split and write `work/tokenizer.json`."""
    known, _ = split_definitions(definitions())
    texts = [*_texts(in_english(load_texts(data, ["train"]))), *known[::DEFINITIONS_SHARE]]
    texts += [f"It is {name}." for name in class_names()] * NAMES_REPEATED
    train_on(texts, MMGPTConfig().vocab_size).save(str(work / "tokenizer.json"))


def train_on(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of at most `vocabulary` entries, the special tokens first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _texts(photos: Sequence[PhotoTexts]) -> Iterator[str]:
    """Every question in one wording, and every answer."""
    rng = random.Random(0)
    for photo in photos:
        for kind, pairs in photo.pairs.items():
            for question, answer in pairs:
                yield ask(kind, question, rng)
                yield answer
