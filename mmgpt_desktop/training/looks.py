"""mmgpt-small's training: what stands between a frozen language model and the encoder learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import Trainer

from mmgpt_desktop.model.adapters import (
    borrow_reader,
    load_adapters,
    new_flamingo,
    save_adapters,
)
from mmgpt_desktop.model.assembly import read_language
from mmgpt_desktop.model.looking_llama import FlamingoConfig, FlamingoForConditionalGeneration
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.imagenet_names import add_names, class_names
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.photo_texts import load_texts
from mmgpt_desktop.training.recipes import LookRecipe
from mmgpt_desktop.training.rows import Sample, SampleDataset, TokenLayout
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments

DEV_ROWS = 192


def train_looks(
    data: Path,
    work: Path,
    language: Path,
    bundle: Path,
    recipe: LookRecipe,
    mixture: Mixture,
    start: Path | None = None,
) -> Path:
    """Train to the end and return the folder of the adapters.

    `language` is the language model's GGUF file, `bundle` mmgpt-mini's, whose encoder looks, and
    whose cells `features --start` has kept; a first run begins with the adapters in `start`.
    """
    torch.manual_seed(recipe.seed)
    model, tokenizer = opened(
        language, bundle, start, dropout=recipe.dropout, pointing=recipe.pointing
    )
    freeze(model)
    features = FeatureStore.open(work / "features")
    layout = photo_layout(tokenizer, model.config)

    def samples(split: str, number: int) -> SampleDataset:
        photos = load_texts(data, [split])
        add_names(photos, features)
        return SampleDataset(
            photos,
            features,
            tokenizer,
            mixture,
            samples=number,
            length=recipe.length,
            seed=recipe.seed,
            mirror=split == "train",
            layout=layout,
        )

    trainer = LookTrainer(
        model=model,
        args=trainer_arguments(work / "checkpoints", recipe),
        train_dataset=samples("train", recipe.steps * recipe.batch),
        eval_dataset=samples("dev", DEV_ROWS),
        data_collator=LookCollator(model.config, layout),
    )
    return run_to_the_end(trainer, work / "model")


def opened(
    language: Path, bundle: Path, start: Path | None = None, **settings: Any
) -> tuple[FlamingoForConditionalGeneration, Tokenizer]:
    """The whole model with the adapters in `start`, or untaught ones; paths as in `train_looks`."""
    spoken, words = read_language(language)
    tokenizer: Tokenizer = words.backend_tokenizer
    mini = load_packed(bundle)
    model = new_flamingo(spoken, mini.encoder, **settings)
    borrow_reader(model, mini)
    model.set_attn_implementation("eager")  # quicker than the fused one for rows of 100 words
    model.get_buffer("names").copy_(name_ids(tokenizer, model.config))
    if start:
        load_adapters(model, start)
    return model, tokenizer


class LookTrainer(Trainer):
    """Keeps the adapters alone: the rest is as it was."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_adapters(self._looking, folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_adapters(self._looking, Path(resume_from_checkpoint))

    @property
    def _looking(self) -> FlamingoForConditionalGeneration:
        assert isinstance(self.model, FlamingoForConditionalGeneration)
        return self.model


def name_ids(tokenizer: Tokenizer, config: FlamingoConfig) -> torch.Tensor:
    """Token ids [1000, length] of the encoder's classes as words in a list, cut or filled with
    commas."""
    comma, length = tokenizer.encode(",").ids, config.name_tokens
    rows = [tokenizer.encode(f" {name}").ids[:length] for name in class_names()]
    return torch.tensor([row + comma * (length - len(row)) for row in rows])


def photo_layout(tokenizer: Tokenizer, config: FlamingoConfig) -> TokenLayout:
    """Prompts about a photo, as its family lays them out."""

    def ids(text: str) -> list[int]:
        return list(tokenizer.encode(text).ids)

    (begin, end) = (ids(token)[0] for token in ("<|im_start|>", "<|im_end|>"))
    names = [config.image_token_id] * config.name_places
    before = [begin, *ids("Photo:"), *names]
    return TokenLayout(ids("\nQuestion:"), ids("\nAnswer:"), end, 0, before, " ")


def freeze(model: FlamingoForConditionalGeneration) -> None:
    """All but the adapters; the language model's weights in bf16, which is quicker."""
    model.requires_grad_(False)
    learning = model.adapters()
    for parameter in learning.values():
        parameter.requires_grad_(True)
    kept = {id(parameter) for parameter in learning.values()}
    for parameter in model.language.parameters():
        if id(parameter) not in kept:
            parameter.data = parameter.data.to(torch.bfloat16)
    model.tie_weights()


class LookCollator:
    """Samples of one step to a batch, as the model's `forward` takes it."""

    def __init__(self, config: FlamingoConfig, layout: TokenLayout) -> None:
        self.config, self.layout = config, layout

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        rows = [sample.row for sample in samples]
        used = max(sum(segment > 0 for segment in row.segments) for row in rows)
        pointed = [(i, position) for i, row in enumerate(rows) for position, _ in row.pointed]
        masks = [mask for sample in samples for mask in sample.masks]
        cells = self.config.cells
        return {
            "input_ids": torch.tensor([row.ids[:used] for row in rows]),
            "labels": torch.tensor([row.labels[:used] for row in rows]),
            "weights": torch.tensor([row.weights[:used] for row in rows]),
            "segments": torch.tensor([row.segments[:used] for row in rows]),
            "named": torch.tensor([sample.named for sample in samples]),
            "pointed": torch.tensor(pointed, dtype=torch.long).view(-1, 2),
            "masks": torch.from_numpy(np.array(masks, np.float32).reshape(-1, cells)),
            "fine": torch.from_numpy(np.stack([sample.fine for sample in samples])).float(),
            "coarse": torch.from_numpy(np.stack([sample.coarse for sample in samples])).float(),
        }
