"""`mmgpt-desktop prepare`: mmgpt-small, put together once from its parts."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from typing import TextIO

from mmgpt_desktop.cancel import Progress
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.export.preparation import USUAL, precision_of, prepare_small


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Without it mmgpt-mini answers. MMGPT_DESKTOP_PREPARED names another folder than the "
        "environment's, or the user's cache, for it."
    )
    parser.add_argument(
        "--precision",
        type=Precision,
        choices=list(Precision),
        metavar="{" + ",".join(Precision) + "}",
        help=f"of the language model's weights ({USUAL}, if it isn't there yet)",
    )
    parser.add_argument("--anew", action="store_true", help="also if it is there")


def run(options: argparse.Namespace) -> int:
    """Raises AppError, which says what is missing and why."""
    tell = _teller(sys.stderr)
    with contextlib.redirect_stderr(io.StringIO()):  # the libraries' own bars and warnings
        folder = prepare_small(tell, options.precision, anew=options.anew)
    print(f"mmgpt-small is ready, in {precision_of(folder)}: {folder}")
    return 0


def _teller(stream: TextIO) -> Progress:
    """Prints a line for each thing that is done."""
    said = set[str]()

    def tell(done: float, what: str) -> None:
        if what not in said:
            said.add(what)
            print(f"{done:4.0%} {what}", file=stream, flush=True)

    return tell
