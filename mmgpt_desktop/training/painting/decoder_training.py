"""A smaller decoder learns to draw the same codes, and to draw them sharper.

The coder's encoder stays as it is, so that whatever was coded, and whoever writes its codes, need
not be made anew.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.coder_training import (
    CODER,
    CoderRecipe,
    CoderTrainer,
    coder_data,
)
from mmgpt_desktop.training.painting.judge import Judge
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments

DECODER = "picture-decoder"


def last_decoder(work: Path) -> PictureCoder:
    """The coder with the smaller decoder, if there is one."""
    smaller = work / "painting" / DECODER
    folder = smaller if smaller.is_dir() else work / "painting" / CODER
    coder: PictureCoder = PictureCoder.from_pretrained(folder).eval()
    return coder


@dataclass(frozen=True)
class DecoderRecipe(CoderRecipe):
    """A run on squares of photos. From step `judged_from` on a judge of patches learns along, and
    what it makes of the pictures weighs `judged` beside pixels and looks. `width` is that of the
    coarsest cells, of which finer ones have three quarters, half and a quarter."""

    batch: int = 16
    learning_rate: float = 8e-4
    judged: float = 0.05
    judged_from: int = 800
    width: int = 128


def train_decoder(
    data: Path, work: Path, recipe: DecoderRecipe, bundle: Path, start: Path | None = None
) -> Path:
    """Train to the end and return the folder of a coder with the encoder of before; a first run
    begins with the decoder in `start`. `bundle` is mmgpt-mini's, whose encoder says what looks
    alike."""
    torch.manual_seed(recipe.seed)
    before = PictureCoder.from_pretrained(work / "painting" / CODER)
    if start:
        model = PictureCoder.from_pretrained(start)
    else:
        config = copy.deepcopy(before.config)
        config.drawing_widths = tuple(recipe.width * part // 4 for part in (4, 3, 2, 1))
        model = PictureCoder(config)
    model.encoder.load_state_dict(before.encoder.state_dict())
    model.encoder.requires_grad_(False)
    return run_judged(model, DECODER, data, work, recipe, bundle)


def run_judged(
    model: PictureCoder, name: str, data: Path, work: Path, recipe: DecoderRecipe, bundle: Path
) -> Path:
    """Train what of the model is to learn, and return its folder of that `name`."""
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = DecoderTrainer(
        recipe,
        SeenDifference(load_packed(bundle).encoder),
        recipe.seen,
        model=model,
        args=trainer_arguments(work / "painting" / f"{name}-checkpoints", recipe),
        **coder_data(data, recipe, model.config.drawn_size),
    )
    return run_to_the_end(trainer, work / "painting" / name)


class DecoderTrainer(CoderTrainer):
    """Trains with a judge beside pixels and looks."""

    def __init__(
        self, recipe: DecoderRecipe, seen: SeenDifference, weight: float, **options: Any
    ) -> None:
        super().__init__(seen, weight, **options)
        self.recipe, self.judge = recipe, Judge()

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        loss, found = super().compute_loss(model, inputs, True)
        if model.training and self.state.global_step >= self.recipe.judged_from:
            self.judge.learn(inputs["labels"], found["drawn"])
            loss = loss - self.recipe.judged * self.judge(found["drawn"]).float().mean()
        return (loss, found) if return_outputs else loss
