"""Where the files that ship with the app lie."""

from __future__ import annotations

from pathlib import Path

DEFAULT_MODEL = "mmgpt-mini"


def resource_path(*parts: str) -> Path:
    """The path of a shipped file: inside the package once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    root = installed if installed.is_dir() else package.parent / "resources"
    return root.joinpath(*parts)


def default_bundle_path() -> Path:
    """The folder of the embedded model."""
    return resource_path("models", DEFAULT_MODEL)
