"""Where something is to be saved: as what, and over what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QDialog, QWidget

from mmgpt_desktop.ui.widgets.plain import FileDialog, may_replace

_MOST_BYTES = 120  # of a proposed name: some file systems take 143 with all that is added


def proposed_stem(text: str) -> str:
    """The beginning of a name that would be too long with another suffix."""
    return text.encode("utf-8", "ignore")[:_MOST_BYTES].decode("utf-8", "ignore").strip()


def ask_where_to_save(
    parent: QWidget, title: str, folder: str, kinds: Mapping[str, str], proposed: str
) -> Path | None:
    """What somebody says, always with one of the suffixes that `kinds` gives by what the dialog
    calls them; what is there is asked about.

    Qt's dialog adds its default suffix to a name without a dot alone: "trip.2024" is left so,
    and whether "trip.2024.png" may be replaced nobody was asked.
    """
    dialog = FileDialog(parent, title, folder)
    dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(kinds))
    dialog.setDefaultSuffix(next(iter(kinds.values())))
    dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(kinds[name]))
    dialog.selectFile(proposed)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    if not accepted:
        return None
    said = Path(dialog.selectedFiles()[0])
    if said.suffix.lower().removeprefix(".") in kinds.values():
        return said
    path = said.with_name(f"{said.name}.{dialog.defaultSuffix()}")
    if path.exists() and not may_replace(parent, path.name):
        return None
    return path
