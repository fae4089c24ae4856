"""Where `mmgpt-desktop` and `python -m mmgpt_desktop` begin."""

from __future__ import annotations

import multiprocessing
import sys

from mmgpt_desktop import cli
from mmgpt_desktop.engine import isolated


def main() -> int:
    multiprocessing.freeze_support()  # a frozen app is its own children's program
    if sys.argv[1:] == [isolated.OPTION]:
        isolated.serve()
        return 0
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
