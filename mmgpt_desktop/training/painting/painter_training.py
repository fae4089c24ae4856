"""The painter learns to write a photo's codes from what is said of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import Dataset
from transformers import Trainer

from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.painter_config import PainterConfig
from mmgpt_desktop.training.painting.codes import CodedPhotos
from mmgpt_desktop.training.painting.prompts import drawn_from, numbers, prompts
from mmgpt_desktop.training.painting.shown import how_often
from mmgpt_desktop.training.recipes import RunRecipe
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments

PAINTER = "painter"
UNTOLD = 0.1
"""Of so many pictures nothing is said: what guidance compares with."""
DEV_ROWS = 384


@dataclass(frozen=True)
class PainterRecipe(RunRecipe):
    """A run on coded photos."""

    steps: int = 6000
    batch: int = 48
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.05
    save_every: int = 250
    dropout: float = 0.1


def train_painter(
    data: Path, work: Path, tokenizer: Path, recipe: PainterRecipe, start: Path | None = None
) -> Path:
    """Train to the end and return the painter's folder; a first run begins with that in `start`."""
    torch.manual_seed(recipe.seed)
    words = Tokenizer.from_file(str(tokenizer))
    if start:
        model = MMGPTPainter.from_pretrained(start, dropout=recipe.dropout)
    else:
        vocabulary = words.get_vocab_size()
        model = MMGPTPainter(PainterConfig(vocab_size=vocabulary, dropout=recipe.dropout))

    layout = PromptLayout(words, model.config.text_length, model.config.pad_token_id)
    samples = recipe.steps * recipe.batch
    trainer = Trainer(
        model=model,
        args=trainer_arguments(work / "painting" / f"{PAINTER}-checkpoints", recipe),
        train_dataset=told_pictures(data, work, layout, "train", samples, recipe.seed),
        eval_dataset=told_pictures(data, work, layout, "dev", DEV_ROWS, 0),
    )
    return run_to_the_end(trainer, work / "painting" / PAINTER)


def told_pictures(
    data: Path, work: Path, layout: PromptLayout, split: str, samples: int, seed: int
) -> ToldPictures:
    """So many samples of a split."""
    coded, said = CodedPhotos.open(work / "painting"), prompts(data, split)
    return ToldPictures(said, coded, layout, samples, seed, moved=split == "train")


@dataclass(frozen=True)
class PromptLayout:
    """How a prompt becomes tokens: so many, the last of which are padding."""

    tokenizer: Tokenizer
    length: int
    pad: int

    def tokens(self, prompt: str) -> torch.Tensor:
        (ids,) = numbers(self.tokenizer, [prompt], self.length, self.pad)
        return torch.tensor(ids)


class ToldPictures(Dataset[dict[str, Any]]):
    """Photos' codes and what is said of them; `moved` takes any part of a photo, else its middle,
    and always says something."""

    def __init__(
        self,
        said: Mapping[str, Sequence[str]],
        coded: CodedPhotos,
        layout: PromptLayout,
        samples: int,
        seed: int,
        *,
        moved: bool,
    ) -> None:
        self.said, self.coded, self.layout = said, coded, layout
        self.samples, self.seed, self.moved = samples, seed, moved
        self.images = [image for image in said if image in coded.index]
        self.often = np.cumsum([how_often(image, said[image]) for image in self.images])

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, number: int) -> dict[str, Any]:
        rng = random.Random(f"{self.seed} {number}")
        place = int(np.searchsorted(self.often, rng.random() * self.often[-1], side="right"))
        image = self.images[min(place, len(self.images) - 1)]
        look = rng.randrange(self.coded.codes.shape[1]) if self.moved else 0
        codes = torch.from_numpy(self.coded.codes[self.coded.index[image], look].astype(np.int64))
        prompt = drawn_from(self.said[image], rng)
        if self.moved and rng.random() < UNTOLD:
            prompt = ""
        return {"input_ids": self.layout.tokens(prompt), "codes": codes, "labels": codes}
