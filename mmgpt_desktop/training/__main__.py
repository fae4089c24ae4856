"""`python -m mmgpt_desktop.training STAGE`: build a model from a data folder, stage by stage."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from mmgpt_desktop.training.train import Recipe


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    globals()[f"_{options.stage}"](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmgpt_desktop.training", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, required=True, help="folder with texts.jsonl")
    common.add_argument("--work", type=Path, required=True, help="where the stages leave files")
    stages.add_parser("features", parents=[common], help="encode every photo once")
    stages.add_parser("tokenizer", parents=[common], help="train the byte-level BPE")
    train = stages.add_parser("train", parents=[common], help="train, or go on training")
    for option in fields(Recipe):
        train.add_argument(
            f"--{option.name.replace('_', '-')}", type=type(option.default), default=option.default
        )
    return parser


def _features(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.features import cache_features

    cache_features(options.data, options.work)


def _tokenizer(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.tokenizer import train_tokenizer

    train_tokenizer(options.data, options.work)


def _train(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.train import train

    recipe = Recipe(**{option.name: getattr(options, option.name) for option in fields(Recipe)})
    print(f"The model lies in {train(options.data, options.work, recipe)}.")


if __name__ == "__main__":
    main()
