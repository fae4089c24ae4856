"""Stage 2: a byte-level BPE tokenizer, trained on the training texts.

Byte-level: every input can be encoded, and there is no unknown token.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mmgpt_desktop.model.configuration import SPECIAL_TOKENS, MMGPTConfig
from mmgpt_desktop.training.data import PhotoTexts, ask, load_texts


def train_tokenizer(data: Path, work: Path) -> None:
    """Train on the training split and write `work/tokenizer.json`."""
    texts = _texts(load_texts(data, ["train"]))
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
