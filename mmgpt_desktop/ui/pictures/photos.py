"""Takes pictures in, from wherever they come, and keeps a conversation with each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from PySide6.QtCore import QMimeData, QObject, QTimer, Signal

from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.session.session_file import is_session
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.pictures.load_photo import (
    Opened,
    open_address,
    open_data,
    open_elsewhere,
    open_file,
)
from mmgpt_desktop.ui.pictures.sources import MOST_FILES, Sources, read_sources
from mmgpt_desktop.ui.widgets.notices import Notice
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.shown_photo import photo_from_image
from mmgpt_desktop.ui.worker import Task, TaskThread

_PROGRESS_AFTER_MS = 700


@dataclass(eq=False)
class _Incoming:
    """A picture that is being opened, and what says so."""

    what: str
    task: Task | None = None
    notice: Notice | None = None
    over: bool = False

    def cancel(self) -> None:
        self.over = True
        if self.task is not None:
            self.task.cancel()


class Photos(QObject):
    """`current` is the conversation about the picture shown, or the one without any.

    The frames of a clip are photos in a row. What a camera sees passes by: it is shown, but
    not kept.
    """

    chosen = Signal(object)  # Conversation
    added = Signal()
    session_wanted = Signal(object)  # Path
    replaced = Signal()  # others stand in the place of all there were

    def __init__(self, shell: Shell, pane: ImagePane) -> None:
        super().__init__(pane)
        self._pane, self._notices, self._undo = pane, shell.notices, shell.undo
        self._files, self._downloads = shell.threads["files"], shell.threads["downloads"]
        self._blank = Conversation()
        self._all: list[Conversation] = []
        self._index = -1
        self._passing: Conversation | None = None
        pane.photo_chosen.connect(self._choose_group)
        pane.film.frame_chosen.connect(self.show)
        pane.remove_wanted.connect(self.remove)
        shell.actions.connect(
            {
                "remove": self.remove,
                "next": partial(self.step, +1),
                "previous": partial(self.step, -1),
                "zoom-in": pane.view.zoom_in,
                "zoom-out": pane.view.zoom_out,
                "zoom-fit": pane.view.zoom_fit,
            }
        )

    @property
    def current(self) -> Conversation:
        return self._passing or self.kept

    @property
    def kept(self) -> Conversation:
        """The current one, or while something passes by the one before."""
        return self._all[self._index] if self._all else self._blank

    @property
    def passing(self) -> bool:
        return self._passing is not None

    @property
    def asked(self) -> tuple[Conversation, ...]:
        """What a question is about: the current one, or all frames of its clip."""
        return self._clip() if self._pane.film.all_frames.isChecked() else (self.current,)

    @property
    def rows(self) -> int:
        """How many thumbnails there are: one for each photo and each clip."""
        return len(self._groups())

    def row(self, number: int) -> tuple[Conversation, ...]:
        """What the thumbnail of that number, from 1, stands for; nothing if there is none."""
        groups = self._groups()
        return groups[number - 1] if 1 <= number <= len(groups) else ()

    @property
    def firsts(self) -> list[Photo]:
        """What the thumbnails show."""
        photos = (group[0].photo for group in self._groups())
        return [each for each in photos if each is not None]

    @property
    def count(self) -> int:
        return len(self._all)

    def open(self, paths: list[Path] | tuple[Path, ...]) -> None:
        self._tell_most(len(paths))
        for path in paths[:MOST_FILES]:
            if is_session(path):
                self.session_wanted.emit(path)
            else:
                self._open_named(path.name, partial(open_file, path))

    def _open_elsewhere(self, addresses: tuple[str, ...]) -> None:
        """It may take a while, so that it is said at once."""
        self._tell_most(len(addresses))
        for address in addresses[:MOST_FILES]:
            name = safe_name(unquote(address.rstrip("/").rpartition("/")[2]))
            coming = self._open_named(name, partial(open_elsewhere, address))
            self._show_progress(coming, -1.0)

    def _open_named(self, name: str, work: Callable[[Task], Opened]) -> _Incoming:
        return self._submit(self._files, self.tr("Opening {name}…").format(name=name), work)

    def _tell_most(self, count: int) -> None:
        if count > MOST_FILES:
            said = self.tr("Only the first {most} of {count} files are opened.")
            self._notices.tell(
                said.format(most=MOST_FILES, count=count),
                self.tr("Open the others when you are done with these."),
            )

    def take_mime(self, mime: QMimeData | None) -> None:
        """None is what a clipboard gives that holds nothing, or whose owner doesn't answer."""
        self.take(read_sources(mime) if mime is not None else Sources())

    def take(self, sources: Sources) -> None:
        name, opening = self.tr("Pasted picture"), self.tr("Opening the picture…")
        if sources.paths or sources.elsewhere:
            self.open(sources.paths)
            self._open_elsewhere(sources.elsewhere)
        elif sources.data:
            self._submit(self._files, opening, partial(open_data, sources.data, name))
        elif (image := sources.image) is not None:
            self._submit(self._files, opening, lambda _: (photo_from_image(image, name),))
        elif sources.url:
            self._offer_download(sources.url)
        elif sources.problem is not None:
            self._notices.tell_error(sources.problem)
        else:
            self._notices.tell(
                self.tr("There is no picture to take."),
                self.tr("Copy a picture or a picture file first, then paste."),
            )

    def _offer_download(self, url: str) -> None:
        notice = self._notices.tell(self.tr("Download this picture?"), url, stays=True)
        notice.add_action(self.tr("Download"), partial(self._download, url))

    def _download(self, url: str) -> None:
        self._submit(
            self._downloads,
            self.tr("Downloading the picture…"),
            lambda task: open_address(url, task.report, task),
        )

    def _submit(self, thread: TaskThread, what: str, work: Callable[[Task], Opened]) -> _Incoming:
        coming = _Incoming(what)
        show = partial(self._show_progress, coming)
        take, fail = partial(self._take, coming), partial(self._fail, coming)
        coming.task = thread.submit(work, take, fail, show)
        QTimer.singleShot(_PROGRESS_AFTER_MS, self, partial(show, -1.0))
        return coming

    def _show_progress(self, coming: _Incoming, fraction: float) -> None:
        if coming.over:
            return
        if coming.notice is None:
            coming.notice = self._notices.tell(coming.what, stays=True)
            coming.notice.add_action(self.tr("Cancel"), coming.cancel)
            coming.notice.cross.hide()
        self._notices.show_progress(coming.notice, fraction)

    def _end(self, coming: _Incoming) -> None:
        coming.over = True
        if coming.notice is not None:
            self._notices.forget(coming.notice)

    def _take(self, coming: _Incoming, opened: Opened) -> None:
        self._end(coming)
        self.add(*opened)

    def _fail(self, coming: _Incoming, error: AppError) -> None:
        self._end(coming)
        self._notices.tell_error(error)

    def refresh_frames(self) -> None:
        """More is known of a clip's frames now."""
        self._pane.film.refresh()

    def add(self, *photos: Photo) -> None:
        """Show a photo, or a clip's; what is there already keeps its conversations."""
        frames = [Conversation(photo) for photo in photos]
        there = list(map(_identity, self._all))
        if _identity(frames[0]) in there:
            self._show(there.index(_identity(frames[0])))
            return
        self._all += frames
        self._show(len(self._all) - len(frames))
        self.added.emit()

    def add_drawn(self, *drawn: Conversation) -> None:
        """Pictures that were drawn here, each with its drawing; the first is in view. One that was
        drawn in the same way before is there already."""
        there = {_way(each): each for each in self._all if each.drawing is not None}
        self._all += [each for each in drawn if _way(each) not in there]
        self._show(self._all.index(there.get(_way(drawn[0]), drawn[0])))
        self.added.emit()

    def pass_by(self, conversation: Conversation) -> None:
        """Show a conversation that is gone when another one is shown."""
        self._passing = conversation
        self._show_pane()
        self.chosen.emit(conversation)

    def end_passing(self) -> None:
        if self._passing is not None:
            self._show(self._index)

    def show(self, conversation: Conversation) -> None:
        if conversation in self._all:
            self.choose(self._all.index(conversation))

    def choose(self, index: int) -> None:
        if 0 <= index < len(self._all) and (index != self._index or self.passing):
            self._show(index)

    def _choose_group(self, row: int) -> None:
        group = self.row(row + 1)
        if group and (self.passing or self.kept not in group):
            self.show(group[0])

    def _groups(self) -> list[tuple[Conversation, ...]]:
        """Each photo, and each clip's frames."""
        groups = itertools.groupby(self._all, key=lambda each: each.clip or id(each))
        return [tuple(group) for _, group in groups]

    def _clip(self) -> tuple[Conversation, ...]:
        """The frames of the clip that the current one is of, or the current one alone."""
        return next((each for each in self._groups() if self.current in each), (self.current,))

    def step(self, by: int) -> None:
        """To the next or the previous photo, round the end."""
        if self._all:
            self.choose((self._index + by) % len(self._all))

    def remove(self) -> None:
        """The photo that is shown, or the clip with all its frames."""
        if not self._all or self.passing or self._pane.grows:
            return
        gone = self._clip()
        start = self._all.index(gone[0])
        del self._all[start : start + len(gone)]
        self._show(min(start, len(self._all) - 1))

        def undo() -> None:
            index = min(start, len(self._all))
            self._all[index:index] = gone
            self._show(index)

        self._undo.offer(self.tr("The picture and its conversation were removed."), undo)

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """The one without a picture first."""
        return (self._blank, *self._all)

    def take_over(self, conversations: tuple[Conversation, ...], current: Conversation) -> None:
        """Put others, in the order of `conversations`, in the place of all there are."""
        self._blank, self._all = conversations[0], list(conversations[1:])
        last = len(self._all) - 1
        self.replaced.emit()
        self._show(self._all.index(current) if current in self._all else last)

    def _show(self, index: int) -> None:
        self._index, self._passing = index, None
        self._show_pane()
        self.chosen.emit(self.current)

    def _show_pane(self) -> None:
        groups = self._groups()
        row = next((row for row, group in enumerate(groups) if self.kept in group), -1)
        self._pane.set_thumbnails(self.firsts, -1 if self.passing else row)
        frames = self._clip()
        self._pane.film.show_clip(frames if len(frames) > 1 else (), self.current)
        if not self.passing:
            self._pane.show_photo(self.current.photo)


def _way(conversation: Conversation) -> tuple[str, int, str, str]:
    """How a picture was drawn."""
    drawing = conversation.drawing
    assert drawing is not None
    left_out = drawing.left_out.word if drawing.left_out is not None else ""
    return drawing.prompt, drawing.seed, drawing.painter, left_out


def _identity(conversation: Conversation) -> str:
    """What two of the same picture, or of the same clip, have in common."""
    assert conversation.photo is not None
    return conversation.clip or conversation.photo.image_id
