"""What one visitor puts in, and nothing of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QImage

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.painted import Drawing
from mmgpt_desktop.ui.pictures.sources import read_sources
from mmgpt_desktop.ui.widgets.shown_photo import photo_from_data, photo_from_file, photo_from_image
from mmgpt_desktop.ui.worker import TaskThread


class Visit(QObject):
    """The pictures of one visitor with a conversation about each; `most` at a time.

    A further picture takes the place of the oldest. `reset` forgets them all, and those that
    are still being opened.
    """

    added = Signal(object)  # Photo
    changed = Signal(object)  # Conversation in view; one without a picture after a reset
    refused = Signal(object)  # AppError

    def __init__(self, files: TaskThread, most: int) -> None:
        super().__init__()
        self._files, self._most = files, most
        self._over = CancelToken()  # ends what is still being opened
        self.conversations: list[Conversation] = []
        self.current = Conversation()

    def open(self, path: Path) -> None:
        self._submit(partial(photo_from_file, path))

    def take_image(self, image: QImage, name: str) -> None:
        self._submit(partial(photo_from_image, image, name))

    def take_mime(self, mime: QMimeData, name: str) -> None:
        """Dropped or pasted; a picture's web address is not followed."""
        sources = read_sources(mime, by_text=False)
        if sources.paths:
            for path in sources.paths[: self._most]:
                self.open(path)
        elif sources.data:
            self._submit(partial(photo_from_data, sources.data, name))
        elif sources.image is not None:
            self.take_image(sources.image, name)
        else:
            none = ImageError(
                "There is no picture to take.",
                "Drop a picture file, for instance a photo from a folder.",
            )
            self.refused.emit(sources.problem or none)

    def _submit(self, work: Callable[[], Photo]) -> None:
        task = self._files.submit(lambda _task: work(), self.add, self.refused.emit)
        self._over.on_cancel(task.cancel)

    def add(self, photo: Photo, drawing: Drawing | None = None) -> None:
        """Show a photo; one that is there already keeps its conversation."""
        for index, each in enumerate(self.conversations):
            if each.photo is not None and each.photo.image_id == photo.image_id:
                self.choose(index)
                return
        self.conversations = [*self.conversations, Conversation(photo, drawing=drawing)]
        self.conversations = self.conversations[-self._most :]
        self.added.emit(photo)
        self.choose(len(self.conversations) - 1)

    def choose(self, index: int) -> None:
        self.current = self.conversations[index]
        self.changed.emit(self.current)

    def reset(self) -> None:
        self._over.cancel()
        self._over = CancelToken()
        self.conversations, self.current = [], Conversation()
        self.changed.emit(self.current)
