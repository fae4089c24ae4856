"""Stage 3: train the decoder on cached cells with Hugging Face's Trainer.

Resumable: a run that finds checkpoints in its work folder goes on from the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.training.data import VisitDataset, collate, load_texts
from mmgpt_desktop.training.encoder_weights import pretrained_encoder
from mmgpt_desktop.training.features import FeatureStore


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run; a visit is one photo with `rows` rows of `length` tokens.

    A step takes `visits` visits; a checkpoint is written `save_every` steps.
    """

    steps: int = 1800
    visits: int = 16
    rows: int = 3
    length: int = 64
    learning_rate: float = 1.2e-3
    warmup: int = 150
    weight_decay: float = 0.05
    dropout: float = 0.0
    label_smoothing: float = 0.05
    seed: int = 1
    save_every: int = 200


def train(data: Path, work: Path, recipe: Recipe, start: Path | None = None) -> Path:
    """Train to the end and return the folder of the finished model.

    A first run begins with the weights of the model in `start`, if there is one.
    """
    model = MMGPTForConditionalGeneration.from_pretrained(start) if start else new_model(recipe)
    model.encoder.requires_grad_(False)
    trainer = Trainer(
        model=model,
        args=_arguments(work, recipe),
        train_dataset=_dataset(data, work, ["train"], recipe, recipe.steps * recipe.visits),
        eval_dataset=_dataset(data, work, ["dev"], recipe, 160),
        data_collator=collate,
    )
    checkpoints = work / "checkpoints"
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    finished = work / "model"
    trainer.save_model(str(finished))
    return finished


def new_model(recipe: Recipe) -> MMGPTForConditionalGeneration:
    """A fresh decoder behind the frozen ImageNet encoder."""
    torch.manual_seed(recipe.seed)
    config = MMGPTConfig(dropout=recipe.dropout, label_smoothing=recipe.label_smoothing)
    model = MMGPTForConditionalGeneration(config)
    model.encoder.load_state_dict(pretrained_encoder().state_dict())
    return model


def _dataset(
    data: Path, work: Path, splits: list[str], recipe: Recipe, visits: int
) -> VisitDataset:
    return VisitDataset(
        load_texts(data, splits),
        FeatureStore.open(work / "features"),
        Tokenizer.from_file(str(work / "tokenizer.json")),
        visits=visits,
        rows=recipe.rows,
        length=recipe.length,
        seed=recipe.seed,
    )


def _arguments(work: Path, recipe: Recipe) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    options: dict[str, Any] = {
        "output_dir": str(work / "checkpoints"),
        "max_steps": recipe.steps,
        "per_device_train_batch_size": recipe.visits,
        "per_device_eval_batch_size": recipe.visits,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": recipe.warmup,
        "weight_decay": recipe.weight_decay,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "bf16": True,
        "use_cpu": not cuda,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": cuda,
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "save_steps": recipe.save_every,
        "save_total_limit": 2,
        "eval_strategy": "steps",
        "eval_steps": 400,
        "logging_steps": 20,
        "report_to": [],
        "seed": recipe.seed,
        "disable_tqdm": True,
    }
    return TrainingArguments(**options)
