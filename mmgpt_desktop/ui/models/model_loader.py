"""Loads the model that answers, and says in the status bar how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError, DrawsOnly
from mmgpt_desktop.messages import ModelInfo, RuntimeInfo
from mmgpt_desktop.ui.models.status import Status
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.texts import error_title, translated
from mmgpt_desktop.ui.worker import MakeEngine


class ModelLoader(QObject):
    """One load at a time; the latest model that was asked for is the next. What the engine answers
    with goes to all that listen to the engine, before it is `opened`.

    `path` is the folder of the model that is loaded, or is to be loaded first.
    """

    opened = Signal(object)  # the folder of the model that answers from now on
    not_opened = Signal(object)  # the folder of a model that can't be loaded
    draws_only = Signal(object)  # the folder of such a model, after that
    switching = Signal()  # to another model: what the engine does now is of no use

    def __init__(self, shell: Shell, status: Status, path: Path) -> None:
        super().__init__(shell.window)
        self.path, engine = path, shell.engine
        self._shell, self._engine, self._status = shell, engine, status
        self.model: ModelInfo | None = None
        self._runtime: RuntimeInfo | None = None
        self._loading: CancelToken | None = None
        self._switching: Path | None = None
        self._next: tuple[Path, MakeEngine] | None = None
        self._say: Callable[[], None] = lambda: None
        engine.load_progress.connect(self._show_progress)
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._fail)
        engine.gone.connect(self._forget_model)
        engine.took_over.connect(self._take_runtime)
        status.cancelled.connect(self.cancel)
        status.load_wanted.connect(self.load)
        shell.rewritten.connect(lambda: self._say())

    def _tell(self, say: Callable[[], None]) -> None:
        """Say it in the status bar, and again in a new language."""
        self._say = say
        say()

    def load(self) -> None:
        if self._loading is None:
            self._tell_begin()
            self._loading = self._engine.load()

    def switch(self, path: Path, make_engine: MakeEngine) -> None:
        """Load another model. Photos and conversations stay, and so does the model before
        until the other one is there."""
        self._next = path, make_engine
        if self._loading is None:
            self._begin_switch()
        else:
            self._loading.cancel()

    def _begin_switch(self) -> None:
        if self._next is not None:
            (self._switching, make_engine), self._next = self._next, None
            self.switching.emit()
            self._engine.reserve()
            self._tell_begin()
            self._loading = self._engine.switch(make_engine)

    def _tell_begin(self) -> None:
        self._tell(lambda: self._status.show_loading(0.0, self.tr("Loading the model…")))

    def _end(self) -> Path | None:
        """Where another model was looked for, if this was a switch."""
        path, self._switching, self._loading = self._switching, None, None
        return path

    def cancel(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    def _show_progress(self, fraction: float, what: str) -> None:
        self._tell(lambda: self._status.show_loading(fraction, translated("progress", what)))

    def _take_model(self, model: ModelInfo, runtime: RuntimeInfo) -> None:
        switched = self._end()
        self.path = switched or self.path
        self.model, self._runtime = model, runtime
        self._tell_model(model, runtime)
        if switched is not None:
            self._engine.release()
        self.opened.emit(self.path)
        self._begin_switch()

    def _tell_model(self, model: ModelInfo, runtime: RuntimeInfo) -> None:
        self._tell(lambda: self._status.show_model(model.name, runtime))

    def _forget_model(self) -> None:
        """It had made room for another, and can't be loaded again: nothing answers."""
        self.model = self._runtime = None

    def _fail(self, error: AppError | None) -> None:
        path, status = self._end(), self._status
        if path is not None:
            self._engine.release()
        if self.model is not None and self._runtime is not None:
            self._tell_model(self.model, self._runtime)
        elif error is None:
            self._tell(lambda: status.show_no_model(self.tr("The model was not loaded.")))
        else:
            self._tell(lambda: status.show_no_model(error_title(error)))
        if error is not None:
            notice = self._shell.notices.tell_error(error)
            if path is None:
                notice.add_action(self.tr("Try again"), self.load)
            self.not_opened.emit(path or self.path)
            if isinstance(error, DrawsOnly):
                self.draws_only.emit(error.folder)
        self._begin_switch()

    def _take_runtime(self, runtime: RuntimeInfo) -> None:
        """Another one has taken over."""
        self._runtime = runtime
        if self.model is not None and self._loading is None:
            self._tell_model(self.model, runtime)
