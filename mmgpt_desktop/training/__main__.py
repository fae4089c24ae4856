"""`python -m mmgpt_desktop.training STAGE`: build a model from a data folder, stage by stage."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, get_args

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training.mixture import DEFAULT, Mixture

PROGRAM = "python -m mmgpt_desktop.training"


class TrainingStage(NamedTuple):
    """A function of one of our modules: its parameters are the stage's options, those of a recipe
    one by one."""

    module: str
    function: str
    summary: str


STAGES = {
    "features": TrainingStage("features", "cache_features", "encode every photo once"),
    "probe": TrainingStage("probe", "probe_all", "what a linear classifier finds in the features"),
    "tokenizer": TrainingStage("tokenizer", "train_tokenizer", "train the byte-level BPE"),
    "second-language": TrainingStage(
        "second_language", "add_chinese", "give a model of English Chinese as well"
    ),
    "classes": TrainingStage("more_classes", "add_classes", "name the data's labels, too"),
    "pretrain": TrainingStage("pretrain", "pretrain", "train on text alone"),
    "train": TrainingStage("train", "train", "train, or go on training"),
    "looks": TrainingStage("looks", "train_looks", "train mmgpt-small's looks at photos"),
    "looks-check": TrainingStage("looks_bundle", "check_looks", "how much of dev it answers"),
    "looks-bundle": TrainingStage("looks_bundle", "pack_looks", "fit the certainty, pack"),
    "reward": TrainingStage("reward", "reward", "learn from one's own captions"),
    "average": TrainingStage("average", "average", "the weighted mean of models of one origin"),
    "bundle": TrainingStage(
        "embedded_bundle", "pack", "score heads, fit the certainty, export, pack"
    ),
    "graphs": TrainingStage("embedded_bundle", "export_again", "export a bundle's graphs anew"),
    "certainty": TrainingStage("embedded_bundle", "fit_again", "fit a bundle's certainty anew"),
    "curves": TrainingStage("curves", "write_curves", "draw the losses of the runs so far"),
    "picture-coder": TrainingStage(
        "painting.coder_training", "train_coder", "train what makes codes of pictures"
    ),
    "picture-encoder": TrainingStage(
        "painting.encoder_training", "train_encoder", "train what makes a painter's codes of photos"
    ),
    "picture-decoder": TrainingStage(
        "painting.decoder_training", "train_decoder", "train a smaller decoder of the same codes"
    ),
    "picture-enlarger": TrainingStage(
        "painting.enlarger_training", "train_enlarger", "train what makes pictures twice as large"
    ),
    "picture-codes": TrainingStage("painting.codes", "cache_codes", "keep each photo as codes"),
    "painter": TrainingStage(
        "painting.painter_training", "train_painter", "train the GPT that writes pictures"
    ),
    "flow-painter": TrainingStage(
        "painting.flow_training", "train_flow", "train the painter that begins with noise"
    ),
    "painter-bundle": TrainingStage("painting.painter_bundle", "pack_painter", "pack a painter"),
    "painter-graphs": TrainingStage(
        "painting.painter_bundle", "export_painter_again", "export a painter's graphs anew"
    ),
    "painter-coder": TrainingStage(
        "painting.painter_bundle", "put_coder", "give a painter another coder of its codes"
    ),
    "flow-bundle": TrainingStage(
        "painting.flow_bundle", "pack_flow", "pack one that begins with noise"
    ),
    "painter-heads": TrainingStage(
        "painting.map_heads", "choose_heads", "choose the heads that words' maps are drawn of"
    ),
    "translations": TrainingStage("translating", "translations", "how well a bundle translates"),
    "parity": TrainingStage("parity", "compare", "compare ONNX with PyTorch"),
    "failures": TrainingStage(
        "failure_sheet", "failures", "draw what is wrong about the sample photos"
    ),
}


def _share(text: str) -> tuple[Path, float]:
    folder, _, share = text.rpartition("=")
    return Path(folder), float(share)


OPTIONS: dict[str, dict[str, Any]] = {
    "data": {"help": "folder with texts.jsonl"},
    "work": {"help": "where the stages leave files"},
    "views": {"metavar": "N", "help": "so many other looks at training photos"},
    "start": {"help": "begin with this model (default: the last stage's)"},
    "language": {"metavar": "GGUF", "help": "the language model's file"},
    "mixture": {
        "type": lambda path: Mixture.read(Path(path)),
        "default": str(DEFAULT),
        "help": "what is drawn how often",
    },
    "shares": {"nargs": "+", "type": _share, "metavar": "MODEL=SHARE"},
    "out": {"help": "the folder, or the picture, to write"},
    "tokenizer": {"help": "a tokenizer.json"},
    "painter": {"help": "a painter's folder"},
    "looks": {"metavar": "N", "help": "so many parts of each photo"},
    "fusion": {"help": "the default fusion (default: as the model has it)"},
    "model": {"help": "a model's folder (default: the last stage's; for parity: none)"},
    "bundle": {"default": mini_path()},
    "never_seen": {"help": "of dev only what an earlier training, which had some of it, had not"},
}
"""What an option of that name is told of, in all stages."""


def main(arguments: Sequence[str] | None = None) -> None:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in STAGES:
        _parser().parse_args(given)  # it says what is wrong, and ends
        return
    try:
        done = _run(STAGES[given[0]], f"{PROGRAM} {given[0]}", given[1:])
    except AppError as error:
        raise SystemExit(str(error)) from error
    if done is not None:
        print(f"Written: {done}." if isinstance(done, Path) else done)


def _parser() -> argparse.ArgumentParser:
    stages = "\n".join(f"  {name:<15} {stage.summary}" for name, stage in STAGES.items())
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=__doc__,
        epilog=f"stages (each has its own --help):\n{stages}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="STAGE", choices=STAGES)
    return parser


def _run(stage: TrainingStage, program: str, arguments: Sequence[str]) -> object:
    """Raises AppError."""
    module = importlib.import_module(f"mmgpt_desktop.training.{stage.module}")
    function: Callable[..., object] = getattr(module, stage.function)
    parser = argparse.ArgumentParser(prog=program, description=stage.summary)
    parameters = inspect.signature(function, eval_str=True).parameters
    for name, kind, default in _options(parameters.values()):
        _add_option(parser, name, kind, default)
    options = vars(parser.parse_args(arguments))
    if "work" in options:
        options["work"].mkdir(parents=True, exist_ok=True)
    return function(**{name: _value(each, options) for name, each in parameters.items()})


def _options(parameters: Iterable[inspect.Parameter]) -> Iterator[tuple[str, Any, Any]]:
    """Each one's name, kind and default, which is `inspect.Parameter.empty` for none."""
    for each in parameters:
        if is_dataclass(each.annotation) and each.name not in OPTIONS:
            yield from ((f.name, type(f.default), f.default) for f in fields(each.annotation))
        else:
            yield each.name, each.annotation, each.default


def _add_option(parser: argparse.ArgumentParser, name: str, kind: Any, default: Any) -> None:
    told = OPTIONS.get(name, {})
    flag = f"--{name.replace('_', '-')}"
    if kind is bool:
        parser.add_argument(flag, action="store_true", default=default, **told)
    elif "nargs" in told:
        parser.add_argument(name, **told)
    else:
        plain = next((each for each in get_args(kind) if each is not NoneType), kind)
        needed = default is inspect.Parameter.empty and "default" not in told
        settings = {"type": plain, "default": default, "required": needed, **told}
        parser.add_argument(flag, **settings)


def _value(parameter: inspect.Parameter, options: dict[str, Any]) -> Any:
    kind = parameter.annotation
    if parameter.name in options:
        return options[parameter.name]
    return kind(**{each.name: options[each.name] for each in fields(kind)})


if __name__ == "__main__":
    main()
