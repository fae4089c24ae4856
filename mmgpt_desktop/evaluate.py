"""`mmgpt-desktop evaluate`: how well a model answers, on photos that it was not trained on."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.text import reason_of

SPLITS = ("dev", "test")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with texts.jsonl"
    )
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--limit", type=_count, metavar="N", help="questions of a kind (all)")
    parser.add_argument(
        "--beams", type=_count, default=3, metavar="N", help="captions by beam search too (3)"
    )
    parser.add_argument("--fusion", metavar="NAME", help="one of the model's (its default)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        dest="model",
        default=argparse.SUPPRESS,
        help="the same as --model",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; what is done meanwhile goes to stderr."""
    try:
        from mmgpt_desktop.training.evaluation import report, table
    except ImportError as error:
        title = "What measures the answers can't be loaded ({reason})."
        hint = "Install it first: pip install 'mmgpt-desktop[training]'"
        raise AppError(title, hint, reason=reason_of(error)) from error
    engine = Engine(options.model, options.runtime)
    model = engine.load()
    fusion = model.fusion_info(options.fusion).name
    settings = report.Settings(options.data, options.split, options.limit, options.beams, fusion)
    rows = report.evaluate(engine, model, settings)
    about = {
        "model": model.name,
        "version": engine.bundle.manifest.version,
        "runtime": engine.runtime.runtime,
        **{name: value for name, value in asdict(settings).items() if name != "data"},
    }
    if options.json is not None:
        text = json.dumps(table.as_json(rows, report.NOTES, about), indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    print(table.as_markdown(rows, report.NOTES))
    return 0


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
