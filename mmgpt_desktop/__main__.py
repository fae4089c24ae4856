"""Where `mmgpt-desktop` and `python -m mmgpt_desktop` begin."""

from __future__ import annotations

import sys

from mmgpt_desktop import cli


def main() -> int:
    if getattr(sys, "frozen", False):  # packed: it is the interpreter of its own processes
        from multiprocessing import freeze_support

        freeze_support()
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
