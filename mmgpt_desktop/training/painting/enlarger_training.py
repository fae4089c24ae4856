"""Pictures learn to be twice as large: the last step on Imagen's way.

What makes codes of photos, and draws these, stays as it is; so painters need not be made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.decoder_training import (
    DecoderRecipe,
    last_decoder,
    run_judged,
)

ENLARGER = "picture-enlarger"


def last_coder(work: Path) -> PictureCoder:
    """The one that draws as large as was learnt so far."""
    larger = work / "painting" / ENLARGER
    if not larger.is_dir():
        return last_decoder(work)
    coder: PictureCoder = PictureCoder.from_pretrained(larger).eval()
    return coder


@dataclass(frozen=True)
class EnlargerRecipe(DecoderRecipe):
    """A run on photos of four times as many pixels; `blocks` of `width` are trained."""

    batch: int = 4
    steps: int = 2000
    judged_from: int = 400
    width: int = 32
    blocks: int = 4


def train_enlarger(data: Path, work: Path, recipe: EnlargerRecipe, bundle: Path) -> Path:
    """Train to the end and return the folder of a coder that draws as the last stage's, but larger.
    `bundle` is mmgpt-mini's, whose encoder says what looks alike."""
    torch.manual_seed(recipe.seed)
    before = last_decoder(work)
    before.config.enlarging_width = recipe.width
    before.config.enlarging_blocks = recipe.blocks
    model = PictureCoder(before.config)
    assert model.enlarger is not None
    model.load_state_dict(before.state_dict(), strict=False)
    model.requires_grad_(False)
    model.enlarger.requires_grad_(True)
    nn.init.zeros_(model.enlarger.last.weight)  # at first, only what lies between the pixels
    return run_judged(model, ENLARGER, data, work, recipe, bundle)
