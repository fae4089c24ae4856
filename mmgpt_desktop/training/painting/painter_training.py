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
    words, coded = Tokenizer.from_file(str(tokenizer)), CodedPhotos.open(work / "painting")
    if start:
        model = MMGPTPainter.from_pretrained(start, dropout=recipe.dropout)
    else:
        vocabulary = words.get_vocab_size()
        model = MMGPTPainter(PainterConfig(vocab_size=vocabulary, dropout=recipe.dropout))

    def rows(split: str, number: int, seed: int) -> ToldPictures:
        said = prompts(data, split)
        return ToldPictures(said, coded, words, model.config, number, seed, moved=split == "train")

    trainer = Trainer(
        model=model,
        args=trainer_arguments(work / "painting" / f"{PAINTER}-checkpoints", recipe),
        train_dataset=rows("train", recipe.steps * recipe.batch, recipe.seed),
        eval_dataset=rows("dev", DEV_ROWS, 0),
    )
    return run_to_the_end(trainer, work / "painting" / PAINTER)


class ToldPictures(Dataset[dict[str, Any]]):
    """Photos' codes and what is said of them; `moved` takes any part of a photo, else its middle,
    and always says something."""

    def __init__(
        self,
        said: Mapping[str, Sequence[str]],
        coded: CodedPhotos,
        tokenizer: Tokenizer,
        config: PainterConfig,
        samples: int,
        seed: int,
        *,
        moved: bool,
    ) -> None:
        self.said, self.coded, self.tokenizer, self.config = said, coded, tokenizer, config
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
        config = self.config
        (ids,) = numbers(self.tokenizer, [prompt], config.text_length, config.pad_token_id)
        return {"input_ids": torch.tensor(ids), "codes": codes, "labels": codes}
