"""A painter learns the way from noise to a photo's cells, led by what our GPT makes of the words.

It begins where the GPT that writes pictures is done, and ships in its folder: that reads the words
for it, and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Trainer

from mmgpt_desktop.engine.folder.model_files import MANIFEST
from mmgpt_desktop.engine.painting.painter_folder import open_painter
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.packed import PaintingModel, load_flow
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig
from mmgpt_desktop.training.painting.painter_training import DEV_ROWS, PromptLayout, told_pictures
from mmgpt_desktop.training.recipes import RunRecipe
from mmgpt_desktop.training.train import run_to_the_end, trainer_arguments

FLOW = "flow-painter"


@dataclass(frozen=True)
class FlowRecipe(RunRecipe):
    """A run on coded photos."""

    steps: int = 6000
    batch: int = 64
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.01
    save_every: int = 250
    dropout: float = 0.1


def train_flow(
    data: Path, work: Path, painter: Path, recipe: FlowRecipe, start: Path | None = None
) -> Path:
    """Train to the end and return the new model's folder; a first run begins with that in `start`,
    which may be one that ships.
    `painter` is a packed one, whose GPT reads the words and whose codes the photos are kept in."""
    torch.manual_seed(recipe.seed)
    frozen = PaintingModel.load_packed(painter)
    reader = frozen.painter.config
    if start:
        model = begun_flow(start, recipe.dropout)
    else:
        model = FlowPainter(flow_config(frozen, recipe.dropout))
    samples = recipe.steps * recipe.batch
    tokenizer = Tokenizer.from_file(str(open_painter(painter).tokenizer))
    layout = PromptLayout(tokenizer, reader.text_length, reader.pad_token_id)
    trainer = FlowTrainer(
        frozen,
        model=model,
        args=trainer_arguments(work / "painting" / f"{FLOW}-checkpoints", recipe),
        train_dataset=told_pictures(data, work, layout, "train", samples, recipe.seed),
        eval_dataset=told_pictures(data, work, layout, "dev", DEV_ROWS, 0),
    )
    return run_to_the_end(trainer, work / "painting" / FLOW)


def begun_flow(start: Path, dropout: float) -> FlowPainter:
    """A model that was trained, as the last stage left it or packed."""
    if not (start / MANIFEST).is_file():
        return FlowPainter.from_pretrained(start, dropout=dropout)
    packed = load_flow(start)
    packed.config.dropout = dropout
    model = FlowPainter(packed.config)
    model.load_state_dict(packed.state_dict())
    return model


def flow_config(frozen: PaintingModel, dropout: float) -> FlowPainterConfig:
    """As large as usual, for these words and cells."""
    reader, coder = frozen.painter.config, frozen.coder.config
    layers = reader.num_hidden_layers // 2 - 1, reader.num_hidden_layers - 1
    return FlowPainterConfig(
        text_layers=layers,
        text_width=len(layers) * reader.hidden_size,
        side=coder.side,
        channels=coder.channels,
        dropout=dropout,
    )


class FlowTrainer(Trainer):
    """Makes cells of codes, and states of words, on the way."""

    def __init__(self, frozen: PaintingModel, **options: Any) -> None:
        super().__init__(**options)
        self.reader, self.coder = frozen.painter.requires_grad_(False), frozen.coder

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        ids, codes = inputs["input_ids"], inputs["codes"]
        given: dict[str, Tensor] = {}
        if not model.training:  # the same ways each time, so that evaluations can be compared
            random = torch.Generator().manual_seed(0)
            shape = *codes.shape[:2], self.coder.config.channels
            given["noise"] = torch.randn(shape, generator=random)
            given["times"] = torch.rand(len(codes), generator=random)
        found = model(
            cells=self.coder.quantizer.decode(codes),
            states=self.reader.text_states(ids, model.config.text_layers),
            visible=self.reader.visible(ids),
            **given,
        )
        return (found["loss"], found) if return_outputs else found["loss"]
