"""Stage 2: a byte-level BPE tokenizer, trained on what the model will read and write.

Byte-level: every input can be encoded, and there is no unknown token. Chinese has no blanks
between its words, so runs of it are cut at little words: what stands between them, a name above
all, has the same tokens wherever it stands.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from mmgpt_desktop.model.configuration import SPECIAL_TOKENS
from mmgpt_desktop.text import plainly_typed
from mmgpt_desktop.training.chinese import in_chinese
from mmgpt_desktop.training.corpus import definitions, split_definitions
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.parallel import read_parallel
from mmgpt_desktop.training.photo_texts import (
    CAPTIONS_ZH,
    PhotoTexts,
    ask,
    chinese_sentence,
    in_english,
    load_texts,
    read_rows,
    split_of,
)
from mmgpt_desktop.training.questions import sentence
from mmgpt_desktop.training.wordings import CHINESE

VOCABULARY = 12_000
NAMES_REPEATED = 45
"""Class names count this often, so that a name takes few tokens: it is copied one by one."""
DEFINITIONS_SHARE = 5
"""Each fifth of WordNet's definitions is read: they are to be spelt, not to rule."""
TRANSLATED_SHARE = 10
"""Each tenth of the machine's Chinese sentences is read."""
LITTLE_WORDS_ZH = "[的了着在是有和里上中吗这那一]"


def train_tokenizer(data: Path, work: Path, vocabulary: int = VOCABULARY) -> str:
    """Train on the training split and write `work/tokenizer.json`; says how short its texts are."""
    known, _ = split_definitions(definitions())
    photos = load_texts(data, ["train"])
    texts = [*_texts(in_english(photos)), *known[::DEFINITIONS_SHARE]]
    texts += [f"It is {name}." for name in class_names()] * NAMES_REPEATED
    texts += chinese_texts(photos, data)
    tokenizer = train_on(texts, vocabulary)
    tokenizer.save(str(work / "tokenizer.json"))
    return measured(tokenizer, data)


def measured(tokenizer: Tokenizer, data: Path) -> str:
    """Tokens of what was held out: captions in both languages, and those of the classes' names."""
    rows = [row for row in read_rows(data) if split_of(row) != "train"]
    english = [sentence(row["answer"]) for row in rows if row["kind"] == "caption"]
    chinese = [chinese_sentence(row["answer"]) for row in rows if row["kind"] == CAPTIONS_ZH]

    def tokens(texts: Sequence[str], units: int) -> float:
        return sum(len(each.ids) for each in tokenizer.encode_batch(texts)) / max(units, 1)

    names, names_zh = [f" {name}" for name in class_names()], class_names(CHINESE)
    return (
        f"{tokenizer.get_vocab_size()} tokens. Held-out captions: "
        f"{tokens(english, len(english)):.2f} tokens each in English, "
        f"{tokens(chinese, sum(map(len, chinese))):.3f} a character in Chinese. Class names: "
        f"{tokens(names, len(names)):.2f} in English, {tokens(names_zh, len(names_zh)):.2f} in "
        "Chinese."
    )


def chinese_texts(photos: Sequence[PhotoTexts], data: Path) -> list[str]:
    """What is asked and said of the photos in Chinese, the classes' names, and translations."""
    pairs = read_parallel(data)
    machine = [pair.chinese for pair in pairs if not pair.by_people]
    people = [pair.chinese for pair in pairs if pair.by_people]
    names = list(class_names(CHINESE)) * NAMES_REPEATED
    return [*_texts(in_chinese(photos)), *people, *machine[::TRANSLATED_SHARE], *names]


def train_on(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of at most `vocabulary` entries, the special tokens first."""
    tokenizer = Tokenizer(models.BPE())
    little = pre_tokenizers.Split(Regex(LITTLE_WORDS_ZH), behavior="isolated")
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([little, plain])
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
    """Every question in one wording, as the app gives it to the model, and every answer."""
    rng = random.Random(0)
    for photo in photos:
        for kind, pairs in photo.pairs.items():
            for question, answer in pairs:
                yield plainly_typed(ask(kind, question, rng, language=photo.language))
                yield answer
