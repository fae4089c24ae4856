"""`mmgpt-desktop faithfulness`: which maps tell the truth, on photos kept apart."""

from __future__ import annotations

import argparse

from mmgpt_desktop.commands import measuring
from mmgpt_desktop.commands.option_types import number
from mmgpt_desktop.methods import Method

PHOTOS = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    measuring.add_options(parser)
    parser.add_argument(
        "--limit",
        type=number(int, 0),
        default=PHOTOS,
        metavar="N",
        help=f"photos with label maps, and as many with descriptions; 0 means all ({PHOTOS})",
    )
    parser.add_argument(
        "--methods",
        type=Method,
        choices=list(Method),
        nargs="+",
        metavar="METHOD",
        default=list(Method),
        help=f"some of these: {', '.join(Method)} (all)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the tables; what is done meanwhile goes to stderr."""
    with measuring.extras("What measures the maps can't be loaded ({reason})."):
        from mmgpt_desktop.training.evaluation import map_faithfulness
    engine, fusion = measuring.load(options)
    settings = map_faithfulness.FaithfulnessSettings(
        options.data,
        options.split,
        options.limit or None,
        fusion,
        tuple(dict.fromkeys(options.methods)),
    )
    report = map_faithfulness.measure(engine, engine.model, settings)
    figures = map_faithfulness.as_json(report, measuring.about(engine, settings))
    return measuring.publish(options.json, figures, map_faithfulness.as_markdown(report))
