"""A home folder that can't be written: said once, and nothing else breaks."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.errors import NotKept
from mmgpt_desktop.ui.widgets.notices import Notices


class Unkept(QObject):
    """Of all that the program keeps for itself: nobody could do anything about it meanwhile."""

    def __init__(self, notices: Notices) -> None:
        super().__init__(notices)
        self._notices, self._told = notices, False

    def tell(self, error: NotKept) -> None:
        if not self._told:
            self._told = True
            self._notices.tell_error(error)
