"""Stage 4: train the decoder on cached cells with Hugging Face's Trainer.

Resumable: a run that finds checkpoints in its work folder goes on from the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.training.data import load_texts
from mmgpt_desktop.training.encoder_weights import pretrained_encoder
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.names import add_names, name_tokens
from mmgpt_desktop.training.recipes import Recipe
from mmgpt_desktop.training.rows import Collator, VisitDataset


def train(data: Path, work: Path, recipe: Recipe, start: Path, mixture: Mixture) -> Path:
    """Train to the end and return the folder of the finished model.

    A first run begins with the weights of the model in `start`.
    """
    model = MMGPTForConditionalGeneration.from_pretrained(
        start,
        dropout=recipe.dropout,
        label_smoothing=recipe.label_smoothing,
        pointing=recipe.pointing,
    )
    model.encoder.requires_grad_(False)
    source = Source.open(data, work, recipe)
    trainer = FusionTrainer(
        model=model,
        args=trainer_arguments(
            work / "checkpoints",
            steps=recipe.steps,
            batch=recipe.visits,
            learning_rate=recipe.learning_rate,
            warmup=recipe.warmup,
            weight_decay=recipe.weight_decay,
            seed=recipe.seed,
            save_every=recipe.save_every,
            workers=1,
            patience=recipe.patience,
        ),
        train_dataset=source.visits("train", mixture, recipe.steps * recipe.visits),
        eval_dataset={
            fusion: source.visits("dev", replace(mixture, fusions={fusion: 1.0}), DEV_VISITS)
            for fusion in mixture.fusions
        },
        data_collator=Collator(model.config),
        callbacks=[EarlyStopping(recipe.patience)] if recipe.patience else [],
    )
    return run_to_the_end(trainer, work / "model")


def run_to_the_end(trainer: Trainer, finished: Path) -> Path:
    """Train, from the last checkpoint if there is one, and save the model in `finished`."""
    checkpoints = str(trainer.args.output_dir)
    last = get_last_checkpoint(checkpoints) if Path(checkpoints).is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    trainer.save_model(str(finished))
    return finished


DEV_VISITS = 192
MEAN = "eval_loss"


class FusionTrainer(Trainer):
    """Evaluates each fusion, and tells the mean of their losses."""

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        metrics = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        if metric_key_prefix == "eval":  # else it is one fusion's part
            losses = [value for name, value in metrics.items() if name.endswith("_loss")]
            metrics[MEAN] = sum(losses) / len(losses)
            self.control = self.callback_handler.on_evaluate(
                self.args, self.state, self.control, metrics
            )
        return metrics


class EarlyStopping(EarlyStoppingCallback):
    """Waits for the mean; by itself it would complain of each fusion's part."""

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **kwargs: Any) -> None:  # type: ignore[override] # as its parent, unlike its grandparent
        if MEAN in metrics:
            super().on_evaluate(args, state, control, metrics, **kwargs)


@dataclass(frozen=True)
class Source:
    """Where a run's visits come from."""

    data: Path
    features: FeatureStore
    tokenizer: Tokenizer
    recipe: Recipe

    @classmethod
    def open(cls, data: Path, work: Path, recipe: Recipe) -> Source:
        tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
        return cls(data, FeatureStore.open(work / "features"), tokenizer, recipe)

    def visits(self, split: str, mixture: Mixture, number: int) -> VisitDataset:
        photos = load_texts(self.data, [split])
        add_names(photos, self.features)
        return VisitDataset(
            photos,
            self.features,
            self.tokenizer,
            mixture,
            visits=number,
            batch=self.recipe.visits,
            length=self.recipe.length,
            seed=self.recipe.seed,
            mirror=split == "train",
        )


def new_model(tokenizer: Tokenizer, seed: int) -> MMGPTForConditionalGeneration:
    """A fresh decoder behind the frozen ImageNet encoder."""
    torch.manual_seed(seed)
    model = MMGPTForConditionalGeneration(MMGPTConfig())
    model.encoder.load_state_dict(pretrained_encoder().state_dict())
    model.encoder.requires_grad_(False)
    model.names.tokens.copy_(name_tokens(tokenizer, model.config.name_tokens))
    return model


def trainer_arguments(
    checkpoints: Path,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    warmup: int,
    weight_decay: float,
    seed: int,
    save_every: int,
    evaluates: bool = True,
    patience: int = 0,
    workers: int = 0,
) -> TrainingArguments:
    """What all our runs share: AdamW, cosine schedule, clipped gradients, bf16."""
    cuda = torch.cuda.is_available()
    options: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "max_steps": steps,
        "per_device_train_batch_size": batch,
        "per_device_eval_batch_size": batch,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": warmup,
        "weight_decay": weight_decay,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "bf16": True,
        "use_cpu": not cuda,
        "dataloader_num_workers": workers,
        "dataloader_pin_memory": cuda,
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "save_strategy": "steps" if evaluates else "no",
        "save_steps": save_every,
        "save_total_limit": 2,
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": save_every if patience else 2 * save_every,
        "load_best_model_at_end": bool(patience),
        "metric_for_best_model": MEAN if patience else None,
        "logging_steps": 20,
        "report_to": [],
        "seed": seed,
        "disable_tqdm": True,
    }
    return TrainingArguments(**options)
