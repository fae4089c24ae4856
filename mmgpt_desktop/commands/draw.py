"""`mmgpt-desktop draw`: a picture of what is said, without a window."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.option_types import number
from mmgpt_desktop.embedded import PAINTERS, named_painter, painter_path
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.imaging.drawing_file import drawing_png
from mmgpt_desktop.painted import (
    MOST_PICTURES,
    MOST_STEPS,
    PainterInfo,
    PaintOutcome,
    PaintRequest,
    PaintStep,
)
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import printable
from mmgpt_desktop.writing import write


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", help="what to draw")
    parser.add_argument(
        "--out", type=path_said, required=True, metavar="OUT.png", help="the picture to write"
    )
    parser.add_argument(
        "--seed", type=number(int, 0), default=0, help="another one, another picture"
    )
    parser.add_argument(
        "--pictures",
        type=number(int, 1, MOST_PICTURES),
        default=1,
        metavar="N",
        help="so many, side by side, each with the next seed",
    )
    parser.add_argument(
        "--painter",
        type=named_painter,
        dest="model",
        default=argparse.SUPPRESS,
        metavar="PAINTER",
        help=f"a folder, or one of those that come with the app: {', '.join(PAINTERS)}",
    )
    parser.add_argument("--temperature", type=number(float, 0, 100), metavar="T")
    parser.add_argument(
        "--guidance", type=number(float, 0, 20), metavar="G", help="how much the words weigh"
    )
    parser.add_argument(
        "--steps", type=number(int, 1, MOST_STEPS), metavar="N", help="from noise to the picture"
    )
    parser.add_argument(
        "--json", action="store_true", help="print what each word drew, as shares of attention"
    )


def run(options: argparse.Namespace) -> int:
    if options.out.suffix.lower() != ".png":
        raise AppError("A drawing is written as PNG, with its prompt inside.", "Name it *.png.")
    folder = options.model or painter_path()
    if folder is None:
        title = "No painter is chosen, and none comes with this edition."
        raise AppError(title, "Name a painter's folder with --model.")
    painter = PaintEngine(folder, options.runtime)
    try:
        outcome = _painted(painter, options)
        pixels = np.concatenate([each.pixels for each in outcome.paintings], axis=1)
        write(options.out, drawing_png(pixels, outcome.paintings[0].drawing))
    finally:
        painter.close()
    if options.json:
        print(json.dumps(_as_object(outcome)))
    return 0


def _painted(painter: PaintEngine, options: argparse.Namespace) -> PaintOutcome:
    """Raises AppError where it doesn't come to an end."""
    info = painter.load()
    _require_meaning(info, options)
    settings = info.settings
    changed = {name: getattr(options, name) for name in ("temperature", "guidance", "steps")}
    changed = {name: value for name, value in changed.items() if value is not None}
    request = PaintRequest(
        0, options.prompt, options.seed, options.pictures, replace(settings, **changed)
    )

    def tell(step: PaintStep) -> None:
        if sys.stderr.isatty():
            print(f"\r{step.done}/{step.strokes}", end="", file=sys.stderr, flush=True)

    outcome = painter.paint(request, CancelToken(), tell)
    for note in outcome.notes:
        print(printable(str(note)), file=sys.stderr)
    if outcome.error is not None:
        raise outcome.error
    return outcome


def _require_meaning(painter: PainterInfo, options: argparse.Namespace) -> None:
    """Raises AppError for a setting that this painter has no use for."""
    if painter.at_once and options.temperature is not None:
        title = "{painter} draws out of noise, and has no temperature."
        raise AppError(title, "Leave --temperature out.", painter=painter.name)
    if not painter.at_once and options.steps is not None:
        title = "{painter} draws cell by cell, and takes no steps."
        raise AppError(title, "Leave --steps out.", painter=painter.name)


def _as_object(outcome: PaintOutcome) -> dict[str, object]:
    first = outcome.paintings[0].drawing
    shares = first.maps.sum(axis=(1, 2)) / max(float(first.maps.sum()), 1e-9)
    return {
        "prompt": first.prompt,
        "seed": first.seed,
        "seconds": round(outcome.seconds, 2),
        "runtime": str(outcome.runtime.runtime) if outcome.runtime else None,
        "words": [
            {"word": word.text, "share": round(float(share), 4)}
            for word, share in zip(first.words, shares, strict=True)
        ],
    }
