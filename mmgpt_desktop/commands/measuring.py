"""What the commands that measure a model share: options, what is loaded, where figures go."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgpt_desktop.embedded import default_model
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import reason_of
from mmgpt_desktop.writing import write_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SPLITS = ("dev", "test")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=path_said, required=True, metavar="DIR", help="folder with texts.jsonl"
    )
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--fusion", metavar="NAME", help="one of the model's (its default)")
    parser.add_argument("--json", type=path_said, metavar="FILE", help="write every figure there")


@contextlib.contextmanager
def extras(title: str) -> Iterator[None]:
    """Around an import of what only measuring needs; `title` takes a {reason}."""
    try:
        yield
    except ImportError as error:
        hint = "Install it first: pip install 'mmgpt-desktop[training]'"
        raise AppError(title, hint, reason=reason_of(error)) from error


def load(options: argparse.Namespace) -> tuple[EngineBase, str]:
    """The model, and the fusion that is measured."""
    engine = open_engine(options.model or default_model(), options.runtime)
    return engine, engine.load().fusion_info(options.fusion).name


def about(engine: EngineBase, settings: DataclassInstance) -> dict[str, Any]:
    """What was measured, and how; not where the data lay."""
    return {
        "model": engine.model.name,
        "version": engine.bundle.manifest.version if isinstance(engine, BundleEngine) else "",
        "runtime": engine.runtime.runtime,
        **{name: value for name, value in asdict(settings).items() if name != "data"},
    }


def publish(file: Path | None, figures: Mapping[str, Any], tables: str) -> int:
    """Print the tables, and write the figures if there is a file for them."""
    if file is not None:
        write_json(file, figures)
    print(tables)
    return 0
