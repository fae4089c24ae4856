"""The models that the window can use: which are here, which are on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.engine.memory import free_memories
from mmgpt_desktop.engine.pytorch import missing_diffusers, missing_torch
from mmgpt_desktop.errors import AppError, DrawsOnly
from mmgpt_desktop.hub.cache import (
    Hub,
    Phase,
    Progress,
    bytes_on_disk,
    delete,
    find,
    kept_bytes,
    usual_hub,
)
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.messages import GenerationOutcome
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.worker import Task, TaskThread

_TELLING_TOKENS = 8  # a shorter answer's speed says little


@dataclass(frozen=True)
class ListedModel:
    """A model of the list. `path` is where it can be opened, None while it isn't here.

    `key` is a catalogue entry's or the folder. `size` is what it takes on the disk, in
    bytes. An `exportable` one is a checkpoint that PyTorch opens.
    """

    key: str
    name: str
    entry: CatalogueEntry | None = None
    path: Path | None = None
    size: int = 0
    embedded: bool = False
    exportable: bool = False

    @property
    def draws(self) -> bool:
        """And can't answer."""
        return self.entry is not None and self.entry.draws


class Models(QObject):
    """Keeps the list up to date on its threads; all methods are for the GUI thread.

    Nothing is asked of the network before `download`.
    """

    changed = Signal()  # the list, or how far a download is
    failed = Signal(object)  # AppError
    fetched = Signal(object)  # ListedModel
    use_wanted = Signal(object)  # Path
    draws_only = Signal(object)  # the folder of a model that can't answer
    folders_changed = Signal()
    speed_measured = Signal()

    def __init__(
        self,
        fetching: TaskThread,
        folders: TaskThread,
        embedded: Iterable[Path],
        catalogue: Iterable[CatalogueEntry],
        make_hub: Callable[[], Hub] = usual_hub,
    ) -> None:
        super().__init__()
        self._fetching, self._folder_thread = fetching, folders
        self._make_hub = make_hub
        self.current = Path()
        self.folders: tuple[str, ...] = ()
        self.speeds: dict[str, float] = {}
        self._embedded = tuple(
            ListedModel(str(path), path.name, path=path, embedded=True) for path in embedded
        )
        self._listed = tuple(ListedModel(entry.key, entry.name, entry) for entry in catalogue)
        self._found: dict[str, ListedModel] = {}
        self.free: tuple[int, int | None] | None = None
        """Bytes of memory in the computer, and on its graphics card if there is one; once known."""
        self._progress: dict[str, Progress] = {}
        self._downloads: dict[str, Task] = {}

    def take_settings(self, settings: Settings) -> None:
        self.folders, self.speeds = settings.model_folders, dict(settings.speeds)

    @property
    def host(self) -> str:
        """Where models come from: the hub's, or a mirror's if one is set."""
        return self._make_hub().host

    @property
    def rows(self) -> tuple[ListedModel, ...]:
        """Those that come with the app, the user's folders, then the catalogue."""
        folders = (ListedModel(path, _called(Path(path)), path=Path(path)) for path in self.folders)
        listed = (*self._embedded, *folders, *self._listed)
        return tuple(self._found.get(row.key, row) for row in listed)

    def row(self, key: str) -> ListedModel | None:
        return next((row for row in self.rows if row.key == key), None)

    def in_use(self, row: ListedModel) -> bool:
        return row.path == self.current

    def progress(self, row: ListedModel) -> Progress | None:
        """How far its download is; None while there is none."""
        return self._progress.get(row.key)

    def speed(self, row: ListedModel) -> float:
        """Tokens a second of its last answer on this computer; 0 if there was none."""
        return self.speeds.get(str(row.path), 0.0)

    def refresh(self) -> None:
        """Look what is on the disk, and what memory is free."""
        rows = self.rows
        self._folder_thread.submit(
            lambda _: _scan(self._make_hub(), rows), self._take_scan, self.failed.emit
        )
        self._folder_thread.submit(lambda _: free_memories(), self._take_free)

    def download(self, key: str, token: str = "") -> None:
        """Fetch a model of the catalogue, or what is missing of it. `token` is not kept."""
        row = self.row(key)
        if row is None or row.entry is None or key in self._downloads:
            return
        entry = row.entry
        if (error := _missing(entry)) is not None:
            self.failed.emit(error)  # gigabytes that could not be opened here
            return
        self._progress[key] = Progress(Phase.ASKING)

        def work(task: Task) -> Path:
            from mmgpt_desktop.hub.download import fetch

            hub = self._make_hub()
            return fetch(replace(hub, token=token or hub.token), entry, task, task.report)

        self._downloads[key] = self._fetching.submit(
            work,
            partial(self._take_fetched, key),
            partial(self._fail_fetching, key),
            partial(self._take_progress, key),
        )
        self.changed.emit()

    def cancel(self, key: str) -> None:
        """Stop a download; what has arrived is kept."""
        if (task := self._forget(key)) is not None:
            task.cancel()
            self.changed.emit()
            self.refresh()

    def delete(self, key: str) -> None:
        """Remove a downloaded model from the disk, or a folder from the list alone."""
        row = self.row(key)
        if row is None or self.in_use(row) or row.embedded:
            return
        if row.entry is None:
            self._set_folders(folder for folder in self.folders if folder != key)
        else:
            entry = row.entry
            self._folder_thread.submit(
                lambda _: delete(self._make_hub(), entry),
                lambda _: self.refresh(),
                self._fail_change,
            )

    def add_folder(self, path: Path) -> None:
        """List a folder if there is a model in it."""

        def work(_task: Task) -> None:
            from mmgpt_desktop.hub.local import check_folder

            check_folder(path)

        added = partial(self._list_folder, str(path))
        self._folder_thread.submit(work, added, self._fail_adding)

    def use(self, key: str) -> None:
        """What answers is opened, what only draws is offered beside Draw."""
        row = self.row(key)
        if row is not None and row.path is not None and not self.in_use(row):
            (self.draws_only if row.draws else self.use_wanted).emit(row.path)

    def take_outcome(self, outcome: GenerationOutcome) -> None:
        """Remember how fast the present model wrote an answer."""
        timings = outcome.timings
        if outcome.kind == "done" and timings.tokens >= _TELLING_TOKENS:
            self.speeds[str(self.current)] = timings.tokens_per_second
            self.speed_measured.emit()

    def take_opened(self, path: Path) -> None:
        self.current = path
        self.changed.emit()

    def _set_folders(self, folders: Iterable[str]) -> None:
        self.folders = tuple(folders)
        self.folders_changed.emit()
        self.changed.emit()

    def _forget(self, key: str) -> Task | None:
        """The download that is over now."""
        self._progress.pop(key, None)
        return self._downloads.pop(key, None)

    def _take_progress(self, key: str, progress: Progress) -> None:
        self._progress[key] = progress
        self.changed.emit()

    def _take_fetched(self, key: str, path: Path) -> None:
        self._forget(key)
        row = self.row(key)
        if row is not None:
            self._found[key] = replace(row, path=path)
            self.changed.emit()
            self.fetched.emit(self._found[key])
            self.refresh()

    def _fail_fetching(self, key: str, error: AppError) -> None:
        self._forget(key)
        self.changed.emit()
        self._fail_change(error)

    def _take_free(self, free: tuple[int, int | None]) -> None:
        self.free = free
        self.changed.emit()

    def _take_scan(self, found: dict[str, ListedModel]) -> None:
        self._found = found
        self.changed.emit()

    def _list_folder(self, folder: str, _nothing: None) -> None:
        if folder not in self.folders:
            self._set_folders((*self.folders, folder))
        self.refresh()

    def _fail_adding(self, error: AppError) -> None:
        self._fail_change(error)
        if isinstance(error, DrawsOnly):
            self.draws_only.emit(error.folder)

    def _fail_change(self, error: AppError) -> None:
        self.failed.emit(error)
        self.refresh()


def _missing(entry: CatalogueEntry) -> AppError | None:
    """What such a model can't be opened without."""
    if entry.draws:
        return missing_diffusers()
    return missing_torch() if entry.needs_torch else None


def _called(folder: Path) -> str:
    """A repository of the hub's cache by its own name ("models--owner--name")."""
    return folder.name.rpartition("--")[2] if folder.name.startswith("models--") else folder.name


def _scan(hub: Hub, rows: Iterable[ListedModel]) -> dict[str, ListedModel]:
    """The rows as they are on the disk."""
    found = {}
    for row in rows:
        if row.entry is not None:
            path, size = find(hub, row.entry), kept_bytes(hub, row.entry)
        else:
            path, size = row.path, bytes_on_disk(row.path) if row.path else 0
        exportable = path is not None and _exportable(path)
        found[row.key] = replace(row, path=path, size=size, exportable=exportable)
    return found


def _exportable(path: Path) -> bool:
    from mmgpt_desktop.engine.folder.checkpoint import has_weights
    from mmgpt_desktop.engine.folder.recognise import model_folder
    from mmgpt_desktop.engine.open_engine import is_checkpoint

    try:
        return is_checkpoint(path) and has_weights(model_folder(path))
    except AppError:  # it is gone, or no longer a model
        return False
