"""Windows that take the pictures that are dropped on them."""

from __future__ import annotations

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent

from mmgpt_desktop.ui.pictures.sources import offers_picture


class PictureDrops:
    """Beside a QWidget that accepts drops, with a signal `dropped` for a QMimeData."""

    dropped: SignalInstance

    def show_drop(self, over: bool) -> None:
        """Whether something is over the window that would be taken."""
        raise NotImplementedError

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if offers_picture(event.mimeData()):
            event.acceptProposedAction()
            self.show_drop(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802
        """Of what was taken in as it entered: another program is not asked at every step."""
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        self.show_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        self.show_drop(False)
        event.acceptProposedAction()
        self.dropped.emit(event.mimeData())
