"""Pictures learn to be twice as large: the last step on Imagen's way.

What makes codes of photos stays as it is, so that whoever writes them need not be made anew.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.training.painting.coder_training import CODER
from mmgpt_desktop.training.painting.decoder_training import (
    DecoderRecipe,
    last_decoder,
    run_judged,
)

ENLARGER = "picture-enlarger"


def last_coder(work: Path) -> PictureCoder:
    """The one that draws as large as was learnt so far. Raises AppError if there is none, or it was
    learnt for another one's codes."""
    if not (work / "painting" / CODER).is_dir():
        title = "There is no coder of pictures in {folder}."
        raise AppError(title, "Train one first.", folder=safe_name(str(work)))
    before, larger = last_decoder(work), work / "painting" / ENLARGER
    if not larger.is_dir():
        return before
    coder: PictureCoder = PictureCoder.from_pretrained(larger).eval()
    theirs, ours = (each.encoder.state_dict() for each in (before, coder))
    if any(not torch.equal(theirs[name], ours[name]) for name in theirs):
        raise AppError("The larger pictures were learnt for another coder.", "Learn them anew.")
    return coder


@dataclass(frozen=True)
class EnlargerRecipe(DecoderRecipe):
    """A run on photos of four times as many pixels: `blocks` of `width` learn, with the decoder or
    `alone`."""

    batch: int = 4
    steps: int = 2000
    judged_from: int = 400
    width: int = 32
    blocks: int = 4
    alone: bool = False


def train_enlarger(
    data: Path, work: Path, recipe: EnlargerRecipe, bundle: Path, start: Path | None = None
) -> Path:
    """Train to the end and return the folder of a coder of the same codes that draws larger; a
    first run begins with the one in `start`. `bundle` is mmgpt-mini's, whose encoder says what
    looks alike."""
    torch.manual_seed(recipe.seed)
    before = last_decoder(work)
    if start:
        model = PictureCoder.from_pretrained(start)
    else:
        config = copy.deepcopy(before.config)
        config.enlarging_width, config.enlarging_blocks = recipe.width, recipe.blocks
        model = PictureCoder(config)
        model.load_state_dict(before.state_dict(), strict=False)
        assert model.enlarger is not None
        nn.init.zeros_(model.enlarger.last.weight)  # at first, what lies between the pixels
    model.encoder.load_state_dict(before.encoder.state_dict())
    model.encoder.requires_grad_(False)
    if recipe.alone:
        model.decoder.requires_grad_(False)
    return run_judged(model, ENLARGER, data, work, recipe, bundle)
