"""`python -m mmgpt_desktop.training STAGE`: build a model from a data folder, stage by stage."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.resources import default_bundle_path, resource_path
from mmgpt_desktop.training.mixture import DEFAULT, Mixture
from mmgpt_desktop.training.recipes import Recipe, RewardRecipe, RunRecipe, TextRecipe

T = TypeVar("T", bound=RunRecipe)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if "work" in options:
        options.work.mkdir(parents=True, exist_ok=True)
    try:
        STAGES[options.stage](options)
    except AppError as error:
        raise SystemExit(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmgpt_desktop.training", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, required=True, help="folder with texts.jsonl")
    staged = argparse.ArgumentParser(add_help=False, parents=[common])
    staged.add_argument("--work", type=Path, required=True, help="where the stages leave files")
    features = stages.add_parser("features", parents=[staged], help="encode every photo once")
    features.add_argument(
        "--views", type=int, default=0, metavar="N", help="so many other looks at training photos"
    )
    stages.add_parser("probe", parents=[staged], help="what a linear classifier finds in them")
    stages.add_parser("tokenizer", parents=[staged], help="train the byte-level BPE")
    pretrain = stages.add_parser("pretrain", parents=[staged], help="train on text alone")
    _add_recipe(pretrain, TextRecipe)
    mixed = argparse.ArgumentParser(add_help=False, parents=[staged])
    mixed.add_argument(
        "--start", type=Path, help="begin with this model (default: the last stage's)"
    )
    mixed.add_argument("--mixture", type=Path, default=DEFAULT, help="what is drawn how often")
    train = stages.add_parser("train", parents=[mixed], help="train, or go on training")
    _add_recipe(train, Recipe)
    reward = stages.add_parser("reward", parents=[mixed], help="learn from one's own captions")
    _add_recipe(reward, RewardRecipe)
    average = stages.add_parser("average", help="the weighted mean of models of one origin")
    average.add_argument("shares", nargs="+", type=_share, metavar="MODEL=SHARE")
    average.add_argument("--out", type=Path, required=True, help="the folder to write")
    bundle = stages.add_parser(
        "bundle", parents=[staged], help="score heads, fit the certainty, export, pack"
    )
    bundle.add_argument("--fusion", help="the default fusion (default: as the model has it)")
    bundle.add_argument("--model", type=Path, help="a model's folder (default: the last stage's)")
    bundle.add_argument("--bundle", type=Path, default=default_bundle_path())
    graphs = stages.add_parser("graphs", help="export a bundle's graphs anew from its weights")
    graphs.add_argument("--bundle", type=Path, default=default_bundle_path())
    certainty = stages.add_parser(
        "certainty", parents=[staged], help="fit the certainty of a bundle's answers anew"
    )
    certainty.add_argument("--bundle", type=Path, default=default_bundle_path())
    curves = stages.add_parser("curves", help="draw the losses of the runs so far")
    curves.add_argument("--work", type=Path, required=True)
    curves.add_argument("--out", type=Path, required=True, help="the picture to write")
    parity = stages.add_parser("parity", parents=[common], help="compare ONNX with PyTorch")
    parity.add_argument("--bundle", type=Path, default=default_bundle_path())
    parity.add_argument("--photos", type=int, default=100)
    parity.add_argument("--model", type=Path, help="the model before its weights were packed")
    failures = stages.add_parser("failures", help="draw what is wrong about the sample photos")
    failures.add_argument("--bundle", type=Path, default=default_bundle_path())
    failures.add_argument("--out", type=Path, default=resource_path("docs", "failures.png"))
    return parser


def _share(text: str) -> tuple[Path, float]:
    folder, _, share = text.rpartition("=")
    return Path(folder), float(share)


def _add_recipe(parser: argparse.ArgumentParser, recipe: type[RunRecipe]) -> None:
    for option in fields(recipe):
        flag = f"--{option.name.replace('_', '-')}"
        if isinstance(option.default, bool):
            parser.add_argument(flag, action="store_true", default=option.default)
        else:
            parser.add_argument(flag, type=type(option.default), default=option.default)


def _recipe(options: argparse.Namespace, recipe: type[T]) -> T:
    return recipe(**{option.name: getattr(options, option.name) for option in fields(recipe)})


def _features(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.features import cache_features

    cache_features(options.data, options.work, options.views)


def _probe(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.probe import probe
    from mmgpt_desktop.training.question_probe import probe_questions

    print(probe(options.data, options.work))
    if found := probe_questions(options.data, options.work):
        print(found)


def _tokenizer(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.tokenizer import train_tokenizer

    train_tokenizer(options.data, options.work)


def _pretrain(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.pretrain import pretrain

    recipe = _recipe(options, TextRecipe)
    print(f"The model lies in {pretrain(options.data, options.work, recipe)}.")


def _train(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.train import train

    recipe = _recipe(options, Recipe)
    start = options.start or options.work / "pretrained"
    mixture = Mixture.read(options.mixture)
    print(f"The model lies in {train(options.data, options.work, recipe, start, mixture)}.")


def _reward(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.reward import reward

    recipe = _recipe(options, RewardRecipe)
    start = options.start or options.work / "model"
    mixture = Mixture.read(options.mixture)
    print(f"The model lies in {reward(options.data, options.work, recipe, start, mixture)}.")


def _average(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.average import average

    print(f"The model lies in {average(dict(options.shares), options.out)}.")


def _bundle(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.calibrate import calibrate
    from mmgpt_desktop.training.embedded_bundle import build_bundle, load_trained
    from mmgpt_desktop.training.head_scores import score_heads

    model = load_trained(options.model or _last_model(options.work), options.fusion)
    heads = {}
    for fusion in model.config.fusions:
        heads[fusion] = score_heads(options.data, options.work, model, fusion)
        print(f"{fusion}: {heads[fusion].how()}")
    found = calibrate(options.data, options.work, model)
    print(found.how())
    build_bundle(model, options.work / "tokenizer.json", heads, found.certainty, options.bundle)


def _last_model(work: Path) -> Path:
    rewarded = work / "rewarded"
    return rewarded if rewarded.is_dir() else work / "model"


def _graphs(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.embedded_bundle import export_again

    export_again(options.bundle)


def _certainty(options: argparse.Namespace) -> None:
    from mmgpt_desktop.model.packing import load_packed
    from mmgpt_desktop.training.calibrate import calibrate
    from mmgpt_desktop.training.embedded_bundle import set_certainty

    found = calibrate(options.data, options.work, load_packed(options.bundle))
    set_certainty(options.bundle, found.certainty)
    print(found.how())


def _curves(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.curves import write_curves

    print(f"The run's log is {write_curves(options.work, options.out)}.")


def _parity(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.parity import answers_kept, compare

    for parity in compare(options.data, options.bundle, options.photos):
        print(parity)
    if options.model:
        print(answers_kept(options.data, options.bundle, options.model, options.photos))


def _failures(options: argparse.Namespace) -> None:
    from mmgpt_desktop.training.failure_sheet import draw_failures, examine

    verdicts = examine(options.bundle)
    for verdict in verdicts:
        mark = "right" if verdict.right else "WRONG"
        print(f"{mark}  {verdict.image}: {verdict.question} {verdict.answer}")
    print(f"{sum(v.right for v in verdicts)} of {len(verdicts)} are right.")
    draw_failures(verdicts, options.out)


STAGES = {
    "features": _features,
    "probe": _probe,
    "tokenizer": _tokenizer,
    "pretrain": _pretrain,
    "train": _train,
    "reward": _reward,
    "average": _average,
    "bundle": _bundle,
    "graphs": _graphs,
    "certainty": _certainty,
    "curves": _curves,
    "parity": _parity,
    "failures": _failures,
}


if __name__ == "__main__":
    main()
