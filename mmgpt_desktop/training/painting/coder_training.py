"""The picture's coder learns to keep what is seen of a photo in a few codes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer

from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.painter_config import PictureCoderConfig
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.painting.shown import PhotoParts
from mmgpt_desktop.training.photo_texts import images_of
from mmgpt_desktop.training.recipes import RunRecipe
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments

DEV_PHOTOS = 96
CODER = "picture-coder"


@dataclass(frozen=True)
class CoderRecipe(RunRecipe):
    """A run on squares of photos. `seen` weighs how different they look beside how far their
    pixels are apart."""

    steps: int = 4000
    batch: int = 16
    learning_rate: float = 6e-4
    warmup: int = 100
    weight_decay: float = 0.01
    save_every: int = 250
    seen: float = 0.5


def train_coder(data: Path, work: Path, recipe: CoderRecipe, bundle: Path) -> Path:
    """Train to the end and return the folder of the coder; `bundle` is mmgpt-mini's, whose encoder
    says what looks alike."""
    torch.manual_seed(recipe.seed)
    return run_coder(PictureCoder(PictureCoderConfig()), data, work, recipe, bundle)


def run_coder(
    model: PictureCoder, data: Path, work: Path, recipe: CoderRecipe, bundle: Path
) -> Path:
    """Train what of the model is to learn, as `train_coder`."""
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = CoderTrainer(
        SeenDifference(load_packed(bundle).encoder),
        recipe.seen,
        model=model,
        args=trainer_arguments(work / "painting" / f"{CODER}-checkpoints", recipe),
        **coder_data(data, recipe, model.config.picture_size),
    )
    return run_to_the_end(trainer, work / "painting" / CODER)


def coder_data(data: Path, recipe: CoderRecipe, size: int) -> dict[str, PhotoParts]:
    """The photos of a run, as the Trainer takes them."""
    train, dev = images_of(data, "train"), images_of(data, "dev")
    samples = recipe.steps * recipe.batch
    return {
        "train_dataset": PhotoParts(data, train, size, samples=samples, seed=recipe.seed),
        "eval_dataset": PhotoParts(data, dev, size, samples=DEV_PHOTOS, seed=None),
    }


class CoderTrainer(Trainer):
    """Trains on pixels and looks together, and tells both apart on dev photos."""

    def __init__(self, seen: SeenDifference, weight: float, **options: Any) -> None:
        super().__init__(**options)
        self.seen, self.weight = seen, weight

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        wanted = inputs["labels"].contiguous(memory_format=torch.channels_last)
        drawn = model(wanted)
        loss = (drawn - wanted).abs().mean() + self.weight * self.seen(drawn, wanted)
        return (loss, {"loss": loss, "drawn": drawn}) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """How near the dev photos come back: in decibels (PSNR), and as they look."""
        model: Any = self.model
        found: list[tuple[float, float]] = []
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for batch in self.get_eval_dataloader():
                wanted = batch["labels"]
                drawn = model(wanted).float().clamp(-1, 1)
                errors = (drawn - wanted).pow(2).mean(dim=(1, 2, 3)) / 4
                found += [(each, float(self.seen(drawn, wanted))) for each in errors.tolist()]
        decibels = sum(-10 * math.log10(max(each, 1e-9)) for each, _ in found) / len(found)
        looks = sum(each for _, each in found) / len(found)
        metrics = {"eval_psnr": round(decibels, 2), "eval_seen": round(looks, 4)}
        self.log(metrics)
        return metrics
