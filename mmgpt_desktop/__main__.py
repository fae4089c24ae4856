"""Where `mmgpt-desktop` and `python -m mmgpt_desktop` begin."""

from __future__ import annotations

import multiprocessing
import sys

from mmgpt_desktop import cli


def main() -> int:
    multiprocessing.freeze_support()  # a frozen app is its own children's program
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
