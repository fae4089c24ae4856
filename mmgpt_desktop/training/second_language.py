"""Stage 2, second way: give a model of English Chinese as well, and keep what it can.

The tokenizer keeps its tokens and merges, and gains Chinese ones behind them, so English text has
the tokens that it had, and the model answers as before. A new token's embedding begins as the mean
of the English ones that it translates, found in parallel sentences (IBM's Model 1; Brown et al.,
1993; "WECHSEL", Minixhofer et al., 2022, begins likewise).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.training.imagenet_names import class_names, name_tokens
from mmgpt_desktop.training.parallel import read_parallel
from mmgpt_desktop.training.photo_texts import load_texts
from mmgpt_desktop.training.tokenizer import VOCABULARY, chinese_texts, measured, train_on
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH

GROWN = "grown"
ROUNDS = 5
NAMES_COUNT = 5
"""A class's name and its Chinese one are a pair that counts so often."""


def add_chinese(data: Path, work: Path, start: Path, vocabulary: int = VOCABULARY) -> str:
    """Write `work/tokenizer.json` and the model `work/grown` from the bundle `start`; says how
    short texts are. Raises AppError for a bundle that knows Chinese."""
    old = load_packed(start)
    if CHINESE in old.config.languages:
        raise AppError("The model {name} knows Chinese already.", name=start.name)
    english = Tokenizer.from_file(str(start / "tokenizer.json"))
    photos = load_texts(data, ["train"])
    tokenizer = extended(english, train_on(chinese_texts(photos, data), vocabulary), vocabulary)
    tokenizer.save(str(work / "tokenizer.json"), pretty=False)
    pairs = [(pair.english, pair.chinese) for pair in read_parallel(data)]
    pairs += [*zip(class_names(), class_names(CHINESE), strict=True)] * NAMES_COUNT
    model = grown(old, tokenizer)
    embed(model.embedding.weight.data, old.config.vocab_size, tokenizer, pairs)
    model.save_pretrained(work / GROWN)
    return measured(tokenizer, data)


def extended(tokenizer: Tokenizer, other: Tokenizer, vocabulary: int) -> Tokenizer:
    """The tokenizer with what `other` has for text beyond ASCII, up to so many tokens.

    Both are byte-level; text is cut as `other` cuts it.
    """
    settings, more = json.loads(tokenizer.to_str()), json.loads(other.to_str())
    known: dict[str, int] = settings["model"]["vocab"]
    merges = settings["model"]["merges"]
    for first, second in more["model"]["merges"]:
        fits = first in known and second in known
        if len(known) < vocabulary and fits and not (first + second).isascii():
            known.setdefault(first + second, len(known))
            merges.append([first, second])
    settings["pre_tokenizer"] = more["pre_tokenizer"]
    return Tokenizer.from_str(json.dumps(settings))


def grown(
    old: MMGPTForConditionalGeneration, tokenizer: Tokenizer
) -> MMGPTForConditionalGeneration:
    """The model with more tokens, and names in both languages; the new places in it are random."""
    settings = old.config.to_dict() | {
        "vocab_size": tokenizer.get_vocab_size(),
        "languages": [ENGLISH, CHINESE],
    }
    config = MMGPTConfig(**settings)
    model = MMGPTForConditionalGeneration(config)
    state, parts = old.state_dict(), model.state_dict()
    known = old.config.vocab_size
    parts["embedding.weight"][:known] = state.pop("embedding.weight")
    slots = state.pop("names.slot").unflatten(0, (config.name_classes, -1))
    both = parts["names.slot"].unflatten(0, (config.name_classes, -1))
    length = config.name_tokens
    apart = slots.std() * torch.randn(slots.shape[-1])
    both[:, :length], both[:, length:] = slots, slots + apart
    state["names.tokens"] = name_tokens(tokenizer, length, config.languages)
    del state["lm_head.weight"]
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return model


@torch.no_grad()
def embed(
    weight: Tensor, known: int, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> None:
    """Begin the rows from `known` on with the mean of what their tokens translate, in place;
    those of no pair stay."""
    english, chinese = (
        [each.ids for each in tokenizer.encode_batch(list(side))]
        for side in zip(*pairs, strict=True)
    )
    pair_of, shares = alignment(english, chinese)
    new = pair_of[:, 1] >= known
    (words, tokens), share = torch.from_numpy(pair_of[new]).T, torch.from_numpy(shares[new]).float()
    total = torch.zeros(len(weight)).index_add_(0, tokens, share)
    mean = torch.zeros_like(weight).index_add_(0, tokens, weight[words] * share[:, None])
    found = total > 0
    weight[found] = mean[found] / total[found, None]


def alignment(
    english: Sequence[Sequence[int]], chinese: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which tokens stand for one another: pairs [N, 2] of an English and a Chinese one, and how
    often, as expected by IBM's Model 1."""
    both: list[NDArray[np.int64]] = []
    place = 0
    for words, tokens in zip(english, chinese, strict=True):
        places = np.arange(place, place + len(tokens))
        place += len(tokens)
        grid = (np.repeat(words, len(tokens)), np.tile(tokens, len(words)))
        both.append(np.stack([*grid, np.tile(places, len(words))], axis=1).astype(np.int64))
    met = np.concatenate(both)
    pairs, which = np.unique(met[:, :2], axis=0, return_inverse=True)
    likely: NDArray[np.float64] = np.ones(len(pairs))
    expected = likely
    for _ in range(ROUNDS):
        here = likely[which]
        here /= np.bincount(met[:, 2], here)[met[:, 2]]
        expected = np.bincount(which, here, len(pairs)).astype(np.float64)
        likely = expected / np.bincount(pairs[:, 0], expected)[pairs[:, 0]]
    return pairs, expected
