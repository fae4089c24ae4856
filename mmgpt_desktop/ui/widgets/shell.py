"""What every feature is given of the window, so that none needs to know the window itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QWidget

from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.ui.widgets.preferences import Preferences
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.widgets.undo import Undo
from mmgpt_desktop.ui.worker import EngineThread, Threads


class Actions(dict[str, QAction]):
    """The actions of the menus by name. Where they stand is the window's business, what they do
    that of the feature which they belong to."""

    def connect(self, runs: Mapping[str, Callable[[], object]]) -> None:
        """Have the actions of these names do something."""
        for name, run in runs.items():
            # Without the bool that `triggered` carries.
            self[name].triggered.connect(lambda _=False, run=run: run())

    def connect_button(self, name: str, button: QAbstractButton) -> None:
        """Have a button do what an action does, and be enabled like it."""
        button.setEnabled(self[name].isEnabled())
        button.clicked.connect(self[name].trigger)
        self[name].enabledChanged.connect(button.setEnabled)


@dataclass(frozen=True, eq=False)
class Shell:
    """`window` is the parent of dialogs; `rewritten` says that it speaks another language now.

    What is not for the GUI thread goes to one of `threads`."""

    window: QWidget
    actions: Actions
    notices: Notices
    undo: Undo
    preferences: Preferences
    rewritten: SignalInstance
    theme: Theme
    threads: Threads

    @property
    def engine(self) -> EngineThread:
        return self.threads.engine
