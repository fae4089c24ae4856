"""Stage 4: train the decoder on cached cells with Hugging Face's Trainer.

Resumable: a run that finds checkpoints in its work folder goes on from the last one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_model
from mmgpt_desktop.training.chinese import in_chinese
from mmgpt_desktop.training.encoder_weights import pretrained_encoder
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.imagenet_names import add_names, name_tokens
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.parallel import Parallel, read_parallel
from mmgpt_desktop.training.photo_texts import PhotoTexts, load_texts, with_weight
from mmgpt_desktop.training.recipes import Recipe, RunRecipe
from mmgpt_desktop.training.rows import Collator, SampleDataset
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH


def train(
    data: Path, work: Path, recipe: Recipe, mixture: Mixture, start: Path | None = None
) -> Path:
    """Train to the end and return the folder of the finished model.

    A first run begins with the weights of the model in `start`, a run's or a bundle's, by default
    the pretrained one.
    """
    model = prepared(start or work / "pretrained", recipe)
    trainer = FusionTrainer(model, Source.open(data, work, recipe), mixture, work / "checkpoints")
    return run_to_the_end(trainer, work / "model")


def prepared(start: Path, recipe: Recipe) -> MMGPTForConditionalGeneration:
    """The model in `start`, ready for a run. What it gains follows from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    known = MMGPTConfig.from_pretrained(start)
    model = load_model(
        start,
        dropout=recipe.dropout,
        label_smoothing=recipe.label_smoothing,
        pointing=recipe.pointing,
        resampler_latents=_latents(known, recipe.resampler, start.name),
        tuning=_tuning(known, recipe.tuning),
    )
    model.encoder.requires_grad_(False)
    model.encoder.last_stages.requires_grad_(recipe.tuning > 0)
    if recipe.compiled:
        compile_parts(model)
    return model


def _latents(known: MMGPTConfig, wanted: int, name: str) -> int:
    """Of the resampler. Raises AppError where the model `name` has one of another size."""
    there = known.resampler_latents
    if wanted and there not in (0, wanted):
        title = "The model {name} has a resampler of {latents} latents already."
        raise AppError(title, "Leave --resampler out.", name=name, latents=there)
    return wanted or there


def _tuning(known: MMGPTConfig, wanted: float) -> float | None:
    """What an encoder has learnt stays known where it learns no more."""
    return wanted if wanted or known.tuned else None


def compile_parts(model: MMGPTForConditionalGeneration) -> None:
    """Let PyTorch compile what every step repeats; needs a C++ compiler.

    The parts, not the whole: the number of labelled and of pointed tokens changes from step
    to step. Each fusion, with and without gradients, has versions of its own.
    """
    torch._dynamo.config.recompile_limit = 64
    rounds = model.graph.rounds if model.graph is not None else ()
    layers = model.resampler.layers if model.resampler is not None else ()
    for part in (model.cells, *model.blocks, *rounds, *layers):
        part.compile(dynamic=False)


def run_to_the_end(trainer: Trainer, finished: Path) -> Path:
    """Train, from the last checkpoint if there is one, and save the model in `finished`."""
    checkpoints = str(trainer.args.output_dir)
    last = get_last_checkpoint(checkpoints) if Path(checkpoints).is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    trainer.save_model(str(finished))
    return finished


DEV_SAMPLES = 192
MEAN = "eval_loss"


class FusionTrainer(Trainer):
    """Trains the fusions in turn; evaluates each, and tells the mean of their losses."""

    def __init__(
        self,
        model: MMGPTForConditionalGeneration,
        source: Source,
        mixture: Mixture,
        checkpoints: Path,
    ) -> None:
        recipe = source.recipe
        self.encoder_rate = recipe.encoder_rate
        mixture = mixture.within(model.config.languages)
        model.config.translates = model.config.translates or mixture.translates
        super().__init__(
            model=model,
            args=trainer_arguments(checkpoints, recipe, workers=1),
            train_dataset=source.samples("train", mixture, recipe.steps * recipe.batch),
            eval_dataset=dev_samples(source, mixture, model.config.fusion),
            data_collator=Collator(model.config, mixture.fusions, recipe.seed),
            callbacks=[EarlyStopping(recipe.patience)] if recipe.patience else [],
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The encoder, where it learns, learns more slowly."""
        optimizer = super().create_optimizer(model)
        assert isinstance(self.model, MMGPTForConditionalGeneration)
        encoder = set(self.model.encoder.parameters())
        for group in list(optimizer.param_groups):
            slow = [each for each in group["params"] if each in encoder]
            if slow:
                group["params"] = [each for each in group["params"] if each not in encoder]
                rate = group["lr"] * self.encoder_rate
                optimizer.add_param_group({**group, "params": slow, "lr": rate})
        return optimizer

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


def dev_samples(source: Source, mixture: Mixture, usual: str) -> dict[str, SampleDataset]:
    """In English for each fusion, and in Chinese, where there is some, for the usual one."""
    english = mixture.within([ENGLISH])
    found = {
        fusion: source.samples("dev", english, DEV_SAMPLES, fusion) for fusion in mixture.fusions
    }
    if mixture.has_chinese:
        chinese = mixture.within([CHINESE])
        found["chinese"] = source.samples("dev", chinese, DEV_SAMPLES, usual)
    return found


class EarlyStopping(EarlyStoppingCallback):
    """Waits for the mean; by itself it would complain of each fusion's part."""

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **kwargs: Any) -> None:  # type: ignore[override] # as its parent, unlike its grandparent
        if MEAN in metrics:
            super().on_evaluate(args, state, control, metrics, **kwargs)


@dataclass(frozen=True)
class Source:
    """Where a run's samples come from."""

    data: Path
    features: FeatureStore
    tokenizer: Tokenizer
    recipe: Recipe

    @classmethod
    def open(cls, data: Path, work: Path, recipe: Recipe) -> Source:
        tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
        return cls(data, FeatureStore.open(work / "features"), tokenizer, recipe)

    def samples(
        self, split: str, mixture: Mixture, number: int, fusion: str | None = None
    ) -> SampleDataset:
        """In Chinese too where the mixture has it, in Chinese alone where that is all it has.

        Of photos that aren't for training nothing is pointed at: the loss is the answers'."""
        told, learned = load_texts(self.data, [split]), split == "train"
        add_names(told, self.features)
        photos = with_weight(told, mixture.kinds)
        chinese = with_weight(in_chinese(told), mixture.kinds) if mixture.has_chinese else []
        alone = mixture.languages.keys() == {CHINESE}
        if not learned:
            photos, chinese = _unpointed(photos), _unpointed(chinese)
        return SampleDataset(
            chinese if alone else photos,
            self.features,
            self.tokenizer,
            mixture,
            samples=number,
            length=self.recipe.length,
            seed=self.recipe.seed,
            mirror=learned,
            fusion=fusion,
            others=[] if alone else chinese,
            parallel=self._parallel() if learned and mixture.translates else [],
        )

    def _parallel(self) -> list[Parallel]:
        """People's: the machine's are for pretraining alone."""
        return [pair for pair in read_parallel(self.data) if pair.by_people]


def _unpointed(photos: Sequence[PhotoTexts]) -> list[PhotoTexts]:
    return [replace(photo, masks={}) for photo in photos]


def new_model(tokenizer: Tokenizer, seed: int) -> MMGPTForConditionalGeneration:
    """A fresh decoder of both languages behind the frozen ImageNet encoder."""
    torch.manual_seed(seed)
    config = MMGPTConfig(vocab_size=tokenizer.get_vocab_size(), languages=(ENGLISH, CHINESE))
    model = MMGPTForConditionalGeneration(config)
    model.encoder.load_state_dict(pretrained_encoder().state_dict())
    model.encoder.requires_grad_(False)
    names = name_tokens(tokenizer, config.name_tokens, config.languages)
    model.names.tokens.copy_(names)
    return model


def _has_semaphores() -> bool:
    """Processes that share data need them; they lie in /dev/shm, which not every system has."""
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


def trainer_arguments(
    checkpoints: Path, run: RunRecipe, *, checkpointed: bool = True, workers: int = 0
) -> TrainingArguments:
    """What all our runs share: AdamW, cosine schedule, clipped gradients, bf16.

    A run that is not `checkpointed` leaves nothing behind and measures nothing on its way.
    """
    cuda = torch.cuda.is_available()
    options: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "max_steps": run.steps,
        "per_device_train_batch_size": run.batch,
        "per_device_eval_batch_size": run.batch,
        "learning_rate": run.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": run.warmup,
        "weight_decay": run.weight_decay,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "bf16": True,
        "use_cpu": not cuda,
        "dataloader_num_workers": workers if _has_semaphores() else 0,
        "dataloader_pin_memory": cuda,
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "save_strategy": "steps" if checkpointed else "no",
        "save_steps": run.save_every,
        "save_total_limit": 2,
        "eval_strategy": "steps" if checkpointed else "no",
        "eval_steps": run.save_every if run.patience else 2 * run.save_every,
        "load_best_model_at_end": bool(run.patience),
        "metric_for_best_model": MEAN if run.patience else None,
        "logging_steps": 20,
        "report_to": [],
        "seed": run.seed,
        "disable_tqdm": True,
    }
    return TrainingArguments(**options)
