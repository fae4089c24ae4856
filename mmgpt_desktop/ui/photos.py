"""Takes pictures in, from wherever they come, and keeps a conversation with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QMimeData, QObject, QTimer, Signal, Slot

from mmgpt_desktop.download import download
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.session.files import is_session
from mmgpt_desktop.ui.image_pane import ImagePane
from mmgpt_desktop.ui.notices import Notice, Notices
from mmgpt_desktop.ui.session import Conversation
from mmgpt_desktop.ui.sources import Sources, read_sources
from mmgpt_desktop.ui.undo import Undo
from mmgpt_desktop.worker import (
    ShownPhoto,
    TaskThread,
    photo_from_data,
    photo_from_file,
    photo_from_image,
)

_PROGRESS_AFTER_MS = 700
_Work = Callable[[CancelToken], ShownPhoto]


@dataclass(eq=False)
class _Job:
    """A picture on its way in."""

    what: str
    cancel: CancelToken
    notice: Notice | None = None


def _from_file(path: Path, _cancel: CancelToken) -> ShownPhoto:
    return photo_from_file(path)


def _from_web(url: str, progress: Callable[[float], None], cancel: CancelToken) -> ShownPhoto:
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "picture"
    return photo_from_data(download(url, progress, cancel), name)


class Photos(QObject):
    """`current` is the conversation about the picture shown, or the one without any."""

    chosen = Signal(object)  # Conversation
    added = Signal()
    session_wanted = Signal(object)  # Path

    def __init__(
        self,
        pane: ImagePane,
        notices: Notices,
        undo: Undo,
        files: TaskThread,
        downloads: TaskThread,
    ) -> None:
        super().__init__(pane)
        self._pane, self._notices, self._undo = pane, notices, undo
        self._files, self._downloads = files, downloads
        self._blank = Conversation()
        self._all: list[Conversation] = []
        self._place = -1
        self._jobs: dict[object, _Job] = {}
        for thread in (files, downloads):
            thread.done.connect(self._take)
            thread.failed.connect(self._fail)
            thread.progress.connect(self._show_progress)
        pane.photo_chosen.connect(self.choose)
        pane.remove_wanted.connect(self.remove)

    @property
    def current(self) -> Conversation:
        return self._all[self._place] if self._all else self._blank

    @property
    def count(self) -> int:
        return len(self._all)

    def open(self, paths: list[Path] | tuple[Path, ...]) -> None:
        for path in paths:
            if is_session(path):
                self.session_wanted.emit(path)
                continue
            self._submit(
                self._files,
                self.tr("Opening {name}…").format(name=path.name),
                partial(_from_file, path),
            )

    @Slot(object)
    def take_mime(self, mime: QMimeData | None) -> None:
        """None is what a clipboard gives that holds nothing, or whose owner doesn't answer."""
        self.take(read_sources(mime) if mime is not None else Sources())

    def take(self, sources: Sources) -> None:
        name, opening = self.tr("Pasted picture"), self.tr("Opening the picture…")
        if sources.paths:
            self.open(sources.paths)
        elif sources.data:
            self._submit(self._files, opening, lambda _: photo_from_data(sources.data, name))
        elif (image := sources.image) is not None:
            self._submit(self._files, opening, lambda _: photo_from_image(image, name))
        elif sources.url:
            self._offer_download(sources.url)
        else:
            self._notices.tell(
                self.tr("There is no picture to take."),
                self.tr("Copy a picture or a picture file first, then paste."),
            )

    def _offer_download(self, url: str) -> None:
        notice = self._notices.tell(self.tr("Download this picture?"), url)
        notice.add_action(self.tr("Download"), partial(self._download, url))

    def _download(self, url: str) -> None:
        key = object()
        self._submit(
            self._downloads,
            self.tr("Downloading the picture…"),
            partial(_from_web, url, partial(self._downloads.progress.emit, key)),
            key,
        )

    def _submit(
        self, thread: TaskThread, what: str, work: _Work, key: object | None = None
    ) -> None:
        key, cancel = key or object(), CancelToken()
        self._jobs[key] = _Job(what, cancel)
        thread.submit(key, work, cancel)
        QTimer.singleShot(_PROGRESS_AFTER_MS, self, partial(self._show_progress, key, -1.0))

    @Slot(object, float)
    def _show_progress(self, key: object, fraction: float) -> None:
        job = self._jobs.get(key)
        if job is None:
            return
        if job.notice is None:
            job.notice = self._notices.tell(job.what)
            job.notice.add_action(self.tr("Cancel"), partial(self._cancel, key))
            job.notice.cross.hide()
        job.notice.set_progress(fraction)

    def _cancel(self, key: object) -> None:
        job = self._jobs.pop(key, None)
        if job is not None:
            job.cancel.cancel()

    def _end(self, key: object) -> bool:
        """Whether the job was still wanted."""
        job = self._jobs.pop(key, None)
        if job is not None and job.notice is not None:
            self._notices.forget(job.notice)
        return job is not None

    @Slot(object, object)
    def _take(self, key: object, shown: ShownPhoto) -> None:
        if self._end(key):
            self.add(shown)

    @Slot(object, object)
    def _fail(self, key: object, error: AppError) -> None:
        if self._end(key):
            self._notices.tell_error(error)

    def add(self, shown: ShownPhoto) -> None:
        """Show a photo; one that is there already keeps its conversation."""
        for place, conversation in enumerate(self._all):
            assert conversation.shown is not None
            if conversation.shown.photo.image_id == shown.photo.image_id:
                self._show(place)
                return
        self._all.append(Conversation(shown))
        self._show(len(self._all) - 1)
        self.added.emit()

    @Slot(int)
    def choose(self, place: int) -> None:
        if 0 <= place < len(self._all) and place != self._place:
            self._show(place)

    def step(self, by: int) -> None:
        """To the next or the previous photo, round the end."""
        if self._all:
            self.choose((self._place + by) % len(self._all))

    @Slot()
    def remove(self) -> None:
        if not self._all:
            return
        place = self._place
        conversation = self._all.pop(place)
        self._show(min(place, len(self._all) - 1))

        def undo() -> None:
            self._all.insert(min(place, len(self._all)), conversation)
            self._show(self._all.index(conversation))

        self._undo.offer(self.tr("The picture and its conversation were removed."), undo)

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """The one without a picture first."""
        return (self._blank, *self._all)

    def take_over(self, conversations: tuple[Conversation, ...], current: Conversation) -> None:
        """Put others, in the order of `conversations`, in the place of all there are."""
        self._blank, self._all = conversations[0], list(conversations[1:])
        last = len(self._all) - 1
        self._show(self._all.index(current) if current in self._all else last)

    def _show(self, place: int) -> None:
        self._place = place
        photos = [each.shown for each in self._all if each.shown is not None]
        self._pane.set_thumbnails(photos, place)
        self._pane.show_photo(self.current.shown)
        self.chosen.emit(self.current)
