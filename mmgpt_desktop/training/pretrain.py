"""Stage 3: the GPT learns to write before it sees: next-token cross-entropy on text alone, in both
languages."""

from __future__ import annotations

import math
from pathlib import Path

from tokenizers import Tokenizer
from transformers import Trainer

from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_model
from mmgpt_desktop.training.chinese import in_chinese
from mmgpt_desktop.training.corpus import TextRows, definitions, photo_texts, split_definitions
from mmgpt_desktop.training.parallel import read_parallel, translation_texts
from mmgpt_desktop.training.photo_texts import CAPTIONS_ZH, in_english, load_texts
from mmgpt_desktop.training.recipes import TextRecipe
from mmgpt_desktop.training.train import new_model, run_to_the_end, trainer_arguments


def pretrain(data: Path, work: Path, recipe: TextRecipe, start: Path | None = None) -> Path:
    """Train to the end, from nothing or from the model `start`; returns the folder of the model.
    Prints held-out perplexities."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    known, held_out = split_definitions(definitions())
    photos = load_texts(data, ["train"])
    texts = photo_texts(in_english(photos)) + photo_texts(in_chinese(photos)) + known
    texts += translation_texts(read_parallel(data))
    kept = {"captions": captions(data, "caption"), "definitions": held_out}
    if chinese := captions(data, CAPTIONS_ZH):
        kept["chinese"] = chinese
    total = recipe.steps * recipe.batch
    trainer = Trainer(
        model=_unseeing(start) if start else new_model(tokenizer, recipe.seed),
        args=trainer_arguments(work / "pretraining", recipe),
        train_dataset=TextRows(texts, tokenizer, recipe.length, total, recipe.seed),
        eval_dataset={
            name: TextRows(each, tokenizer, recipe.length, None, 0) for name, each in kept.items()
        },
    )
    finished = run_to_the_end(trainer, work / "pretrained")
    for name, loss in trainer.evaluate().items():
        if name.endswith("loss"):
            text = name.removeprefix("eval_").removesuffix("_loss")
            print(f"perplexity a token, held-out {text}: {math.exp(loss):.1f}")
    return finished


def _unseeing(start: Path) -> MMGPTForConditionalGeneration:
    """Its encoder learns nothing from text."""
    model = load_model(start)
    model.encoder.requires_grad_(False)
    return model


def captions(data: Path, kind: str) -> list[str]:
    """Of dev photos, in one language."""
    return [answer for photo in load_texts(data, ["dev"]) for _, answer in photo.pairs[kind]]
