"""`mmgpt-desktop faithfulness`: which maps tell the truth, on photos kept apart."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmgpt_desktop.engine.engine import Engine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Method
from mmgpt_desktop.text import reason_of

PHOTOS = 60


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with texts.jsonl"
    )
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    parser.add_argument(
        "--limit",
        type=int,
        default=PHOTOS,
        metavar="N",
        help=f"photos with label maps, and as many with descriptions; 0 means all ({PHOTOS})",
    )
    parser.add_argument("--fusion", metavar="NAME", help="one of the model's (its default)")
    parser.add_argument(
        "--methods",
        type=Method,
        choices=list(Method),
        nargs="+",
        metavar="METHOD",
        default=list(Method),
        help=f"some of these: {', '.join(Method)} (all)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")


def run(options: argparse.Namespace) -> int:
    """Print the tables; what is done meanwhile goes to stderr."""
    try:
        from mmgpt_desktop.training.evaluation import faithfulness
    except ImportError as error:
        title = "What measures the maps can't be loaded ({reason})."
        hint = "Install it first: pip install 'mmgpt-desktop[training]'"
        raise AppError(title, hint, reason=reason_of(error)) from error
    if options.limit < 0:
        raise AppError("--limit must be at least 0.")
    engine = Engine(options.model, options.runtime)
    model = engine.load()
    settings = faithfulness.Settings(
        options.data,
        options.split,
        options.limit or None,
        model.fusion_info(options.fusion).name,
        tuple(dict.fromkeys(options.methods)),
    )
    report = faithfulness.measure(engine, model, settings)
    about = {
        "model": model.name,
        "version": engine.bundle.manifest.version,
        "runtime": engine.runtime.runtime,
        **{name: value for name, value in asdict(settings).items() if name != "data"},
    }
    if options.json is not None:
        text = json.dumps(faithfulness.as_json(report, about), indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    print(faithfulness.as_markdown(report))
    return 0
