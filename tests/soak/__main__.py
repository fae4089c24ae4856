"""The soak's command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmgpt_desktop.errors import AppError
from tests.soak import SHORT_MINUTES, Options, run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Use the window for hours, as nobody should."
    )
    parser.add_argument("--minutes", type=float, default=120, metavar="N", help="how long (120)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of what is done (1)")
    parser.add_argument("--show", action="store_true", help="instead: the show of event mode")
    parser.add_argument("--short", action="store_true", help="for some seconds: a quick look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the report as data too")
    options = parser.parse_args()
    minutes = SHORT_MINUTES if options.short else options.minutes
    try:
        return run(Options(minutes, options.seed, options.json, options.show))
    except AppError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
