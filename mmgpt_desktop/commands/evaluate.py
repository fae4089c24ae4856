"""`mmgpt-desktop evaluate`: how well a model answers, on photos that it was not trained on."""

from __future__ import annotations

import argparse

from mmgpt_desktop.commands import measuring
from mmgpt_desktop.commands.option_types import positive
from mmgpt_desktop.embedded import PAINTERS, named_painter
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.resources import resource_path


def add_options(parser: argparse.ArgumentParser) -> None:
    measuring.add_options(parser)
    parser.add_argument("--limit", type=positive, metavar="N", help="questions of a kind (all)")
    parser.add_argument(
        "--beams", type=positive, default=3, metavar="N", help="captions by beam search too (3)"
    )
    parser.add_argument(
        "--draw",
        type=named_painter,
        nargs="?",
        const=resource_path("models", PAINTERS[0]),
        metavar="PAINTER",
        help="measure the painter instead, or that of a folder; --model answers about its pictures",
    )
    parser.add_argument(
        "--coder",
        type=path_said,
        metavar="WORK",
        help="with --draw: how near photos come back from the codes of the coder trained there",
    )
    parser.add_argument(
        "--bundle",
        type=path_said,
        metavar="DIR",
        dest="model",
        default=argparse.SUPPRESS,
        help="the same as --model",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; what is done meanwhile goes to stderr."""
    if options.draw is not None:
        return _run_drawing(options)
    if options.coder is not None:
        raise AppError("A coder is measured with a painter's drawings.", "Give --draw as well.")
    with measuring.extras("What measures the answers can't be loaded ({reason})."):
        from mmgpt_desktop.training.evaluation import evaluation, table
    engine, fusion = measuring.load(options)
    settings = evaluation.EvaluationSettings(
        options.data, options.split, options.limit, options.beams, fusion
    )
    rows = evaluation.evaluate(engine, engine.model, settings)
    figures = table.as_json(rows, evaluation.NOTES, measuring.about(engine, settings))
    return measuring.publish(options.json, figures, table.as_markdown(rows, evaluation.NOTES))


def _run_drawing(options: argparse.Namespace) -> int:
    with measuring.extras("What measures the drawings can't be loaded ({reason})."):
        from mmgpt_desktop.training.evaluation import drawn_pictures, table
        from mmgpt_desktop.training.painting.enlarger_training import last_coder
    coder = None if options.coder is None else last_coder(options.coder)
    painter = PaintEngine(options.draw, options.runtime)
    try:
        painter.load()
        engine, _ = measuring.load(options)
        rows = drawn_pictures.evaluate_drawing(painter, engine, options.data, options.limit, coder)
    finally:
        painter.close()
    figures = table.as_json(rows, drawn_pictures.NOTES, {"painter": painter.info.name})
    return measuring.publish(options.json, figures, table.as_markdown(rows, drawn_pictures.NOTES))
