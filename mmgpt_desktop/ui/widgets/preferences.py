"""What is remembered from one start to the next."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from mmgpt_desktop.errors import NotKept
from mmgpt_desktop.settings import Settings, load_settings, save_settings
from mmgpt_desktop.ui.worker import TaskThread
from mmgpt_desktop.writing import not_kept

_SAVE_MS = 800

_log = logging.getLogger(__name__)


class Preferences(QObject):
    """`settings` as they are now. Those that `change` are written a little later, on `thread`, and
    the last ones by `close`, when the threads have ended.

    `overrides` hold for this run, and are not written unless they are chosen.
    """

    unkept = Signal(object)  # NotKept

    def __init__(self, path: Path, overrides: dict[str, Any], thread: TaskThread) -> None:
        super().__init__()
        self.settings = replace(load_settings(path), **overrides)
        self.path, self._thread = path, thread
        self._changed: set[str] = set()  # since the start: only these are written
        self._timer = QTimer(self, singleShot=True, interval=_SAVE_MS)
        self._timer.timeout.connect(self.save)

    def change(self, **changes: Any) -> None:
        before, self.settings = self.settings, replace(self.settings, **changes)
        self._changed |= {name for name in changes if changes[name] != getattr(before, name)}
        self._timer.start()

    def save(self) -> None:
        path, settings, changed = self.path, self.settings, frozenset(self._changed)
        self._thread.submit(
            lambda _task: write_settings(path, settings, changed), failed=self.unkept.emit
        )

    def stop(self) -> None:
        """From now on only `close` writes."""
        self._timer.stop()

    def close(self) -> None:
        try:
            write_settings(self.path, self.settings, self._changed)
        except NotKept as error:
            _log.warning("settings can't be written: %s", error)


def write_settings(path: Path, settings: Settings, changed: Collection[str]) -> None:
    """Of `settings` those that were changed here: another window may have changed others.
    Raises NotKept."""
    try:
        stored = load_settings(path) if path.is_file() else settings
        save_settings(path, replace(stored, **{name: getattr(settings, name) for name in changed}))
    except OSError as error:
        raise not_kept(error) from error
