"""Stage 3: the GPT learns to write before it sees: next-token cross-entropy on text alone."""

from __future__ import annotations

import math
from pathlib import Path

from tokenizers import Tokenizer
from transformers import Trainer

from mmgpt_desktop.training.corpus import TextRows, definitions, photo_texts, split_definitions
from mmgpt_desktop.training.photo_texts import in_english, load_texts
from mmgpt_desktop.training.recipes import TextRecipe
from mmgpt_desktop.training.train import new_model, run_to_the_end, trainer_arguments


def pretrain(data: Path, work: Path, recipe: TextRecipe) -> Path:
    """Train to the end; returns the folder of the model. Prints held-out perplexities."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    known, held_out = split_definitions(definitions())
    texts = photo_texts(in_english(load_texts(data, ["train"]))) + known
    captions = [a for photo in load_texts(data, ["dev"]) for _, a in photo.pairs["caption"]]
    total = recipe.steps * recipe.batch
    trainer = Trainer(
        model=new_model(tokenizer, recipe.seed),
        args=trainer_arguments(work / "pretraining", recipe),
        train_dataset=TextRows(texts, tokenizer, recipe.length, total, recipe.seed),
        eval_dataset={
            name: TextRows(kept, tokenizer, recipe.length, None, 0)
            for name, kept in (("captions", captions), ("definitions", held_out))
        },
    )
    finished = run_to_the_end(trainer, work / "pretrained")
    for name, loss in trainer.evaluate().items():
        if name.endswith("loss"):
            text = name.removeprefix("eval_").removesuffix("_loss")
            print(f"perplexity a token, held-out {text}: {math.exp(loss):.1f}")
    return finished
