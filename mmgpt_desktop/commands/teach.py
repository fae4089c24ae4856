"""`mmgpt-desktop teach FOLDER`: a new model from the old one and one's own questions."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from mmgpt_desktop.commands.option_types import positive
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.settings import data_path
from mmgpt_desktop.text import reason_of

_ABOUT = (
    "It needs at least 8 rows. Each fifth photo is kept apart and not taught. At the end it says "
    "what was learnt (the taught rows, before and now), how it does on new photos (those kept "
    "apart, before and now), and what was forgotten (other questions about the sample photos, "
    "whose answers have changed)."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _ABOUT
    parser.add_argument(
        "folder",
        type=path_said,
        help="photos, and rows.csv or rows.jsonl with at least 8 rows: image, question, answer",
    )
    parser.add_argument(
        "--to",
        type=path_said,
        metavar="DIR",
        help="where the new model goes (default: a folder of the same name in your app data)",
    )
    parser.add_argument(
        "--steps", type=positive, metavar="N", help="how long (default: by the rows)"
    )


def run(options: argparse.Namespace) -> int:
    try:
        from mmgpt_desktop.training.finetune import teach
    except ImportError as error:
        title = "What teaches a model can't be loaded ({reason})."
        raise AppError(title, "Install the app again.", reason=reason_of(error)) from error
    target = options.to or _default_target(options.folder)
    show = _progress if sys.stderr.isatty() else _silent
    model = options.model or mini_path()
    report = teach(options.folder, model, target, steps=options.steps, progress=show)
    print(report)
    print(f'The new model lies in "{target}". Open it: mmgpt-desktop --model "{target}"')
    return 0


def _default_target(folder: Path) -> Path:
    name = re.sub(r"[^\w-]+", "-", folder.resolve().name).strip("-") or "taught"
    return data_path() / "models" / name


def _progress(share: float, what: str) -> None:
    print(f"\r\033[K{100 * share:3.0f} %  {what}", end="", file=sys.stderr, flush=True)
    if share >= 1:
        print(file=sys.stderr)


def _silent(share: float, what: str) -> None:
    del share, what
