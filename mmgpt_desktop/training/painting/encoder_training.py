"""The way from a photo to codes, learnt anew for a painter that ships.

A painter's folder holds the decoder alone. Whoever wants to train on its codes, and has not the
work folder in which they were made, gets an encoder to it from here.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.training.painting.coder_training import (
    CODER,
    CoderRecipe,
    CoderTrainer,
    coder_data,
)
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments


def train_encoder(data: Path, work: Path, painter: Path, recipe: CoderRecipe, bundle: Path) -> Path:
    """Train to the end and return the folder of a coder with the decoder of the `painter`, which
    stays as it is. `bundle` is mmgpt-mini's, whose encoder says what looks alike."""
    torch.manual_seed(recipe.seed)
    model = PaintingModel.load_packed(painter).coder
    model.decoder.requires_grad_(False)
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = CoderTrainer(
        SeenDifference(load_packed(bundle).encoder),
        recipe.seen,
        model=model,
        args=trainer_arguments(work / "painting" / f"{CODER}-checkpoints", recipe),
        **coder_data(data, recipe, model.config.picture_size),
    )
    return run_to_the_end(trainer, work / "painting" / CODER)
