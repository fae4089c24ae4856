"""Where the files that ship with the app lie, and what the sample photos are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.decoding import DataDecoder

MINI = "mmgpt-mini"


def resource_path(*parts: str) -> Path:
    """The path of a shipped file: inside the package once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    root = installed if installed.is_dir() else package.parent / "resources"
    return root.joinpath(*parts)


def mini_path() -> Path:
    """The folder of mmgpt-mini, which is in every edition."""
    return resource_path("models", MINI)


@dataclass(frozen=True)
class SamplePhoto:
    """A photo with a free licence that ships with the program."""

    path: Path
    title: str
    author: str
    licence: str
    source: str


def read_samples() -> tuple[SamplePhoto, ...]:
    folder = resource_path("samples")
    listed = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    decoder = DataDecoder({Path: folder.joinpath}, strict=True)
    samples: tuple[SamplePhoto, ...] = decoder.decode(tuple[SamplePhoto, ...], listed)
    return samples
