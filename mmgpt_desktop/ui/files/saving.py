"""Where something is to be saved: as what, and over what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QDialog

from mmgpt_desktop.ui.widgets.plain import FileDialog, may_replace

_MOST_BYTES = 120  # of a proposed name: some file systems take 143 with all that is added


def proposed_stem(text: str) -> str:
    """The beginning of a name that would be too long with another suffix."""
    return text.encode("utf-8", "ignore")[:_MOST_BYTES].decode("utf-8", "ignore").strip()


def place_to_save(dialog: FileDialog, suffixes: Sequence[str]) -> Path | None:
    """What somebody says, always with one of the suffixes; what is there is asked about.

    Qt's dialog adds its default suffix to a name without a dot alone: "trip.2024" is left so,
    and whether "trip.2024.png" may be replaced nobody was asked.
    """
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    if not accepted:
        return None
    said = Path(dialog.selectedFiles()[0])
    if said.suffix.lower().removeprefix(".") in suffixes:
        return said
    path = said.with_name(f"{said.name}.{dialog.defaultSuffix()}")
    if path.exists() and not may_replace(dialog.parentWidget(), path.name):
        return None
    return path
