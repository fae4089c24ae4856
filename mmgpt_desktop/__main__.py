"""Where `mmgpt-desktop` and `python -m mmgpt_desktop` begin."""

from __future__ import annotations

import sys

from mmgpt_desktop import cli


def main() -> int:
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
