"""The painter that begins with noise learns the way to a photo's cells from what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import Trainer

from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.coder_training import CODER
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
    data: Path, work: Path, bundle: Path, recipe: FlowRecipe, start: Path | None = None
) -> Path:
    """Train to the end and return the painter's folder; a first run begins with that in `start`.
    `bundle` is mmgpt-mini's, whose GPT reads the words and stays as it is."""
    torch.manual_seed(recipe.seed)
    reader = load_packed(bundle)
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    if start:
        model = FlowPainter.from_pretrained(start, dropout=recipe.dropout)
    else:
        width = reader.config.hidden_size
        model = FlowPainter(FlowPainterConfig(text_width=width, dropout=recipe.dropout))
    samples = recipe.steps * recipe.batch
    layout = PromptLayout(tokenizer, model.config.text_length, reader.config.pad_token_id)
    trainer = FlowTrainer(
        reader,
        PictureCoder.from_pretrained(work / "painting" / CODER).eval(),
        model=model,
        args=trainer_arguments(work / "painting" / f"{FLOW}-checkpoints", recipe),
        train_dataset=told_pictures(data, work, layout, "train", samples, recipe.seed),
        eval_dataset=told_pictures(data, work, layout, "dev", DEV_ROWS, 0),
    )
    return run_to_the_end(trainer, work / "painting" / FLOW)


class FlowTrainer(Trainer):
    """Makes cells of codes, and states of words, on the way."""

    def __init__(
        self, reader: MMGPTForConditionalGeneration, coder: PictureCoder, **options: Any
    ) -> None:
        super().__init__(**options)
        self.reader, self.coder = reader.requires_grad_(False).eval(), coder

    def compute_loss(
        self,
        model: nn.Module,
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
            states=self.reader.text_states(ids),
            visible=ids != self.reader.config.pad_token_id,
            **given,
        )
        return (found["loss"], found) if return_outputs else found["loss"]
