"""The way from a photo to codes, learnt anew for a painter that ships.

A painter's folder holds the decoder alone. Whoever wants to train on its codes, and has not the
work folder in which they were made, gets an encoder to it from here.
"""

from __future__ import annotations

from pathlib import Path

import torch

from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.training.painting.coder_training import CoderRecipe, run_coder


def train_encoder(data: Path, work: Path, painter: Path, recipe: CoderRecipe, bundle: Path) -> Path:
    """Train to the end and return the folder of a coder with the decoder of the `painter`, which
    stays as it is. `bundle` is mmgpt-mini's, whose encoder says what looks alike."""
    torch.manual_seed(recipe.seed)
    model = PaintingModel.load_packed(painter).coder
    model.enlarger, model.config.enlarging_width = None, 0  # which codes do not depend on
    model.decoder.requires_grad_(False)
    return run_coder(model, data, work, recipe, bundle)
