"""A home folder that can't be written: said once, and nothing else breaks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from mmgpt_desktop.errors import AppError, NotKept
from mmgpt_desktop.settings import Settings, load_settings, save_settings
from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.writing import not_kept


class Unkept(QObject):
    """Of all that the program keeps for itself: nobody could do anything about it meanwhile."""

    def __init__(self, notices: Notices) -> None:
        super().__init__(notices)
        self._notices, self._told = notices, False

    def take_failure(self, error: AppError) -> None:
        if isinstance(error, NotKept):
            self.tell(error)

    @Slot(object)
    def tell(self, error: NotKept) -> None:
        if not self._told:
            self._told = True
            self._notices.tell_error(error)


def write_settings(path: Path, settings: Settings, changed: Collection[str]) -> None:
    """Of `settings` those that were changed here: another window may have changed others.
    Raises NotKept."""
    try:
        stored = load_settings(path) if path.is_file() else settings
        save_settings(path, replace(stored, **{name: getattr(settings, name) for name in changed}))
    except OSError as error:
        raise not_kept(error) from error
