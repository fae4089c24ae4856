"""From the models' list to the model that answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from mmgpt_desktop.embedded import as_setting, models_here
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import read_catalogue
from mmgpt_desktop.hub.convert import ConversionReport
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.models.model_exports import ModelExports
from mmgpt_desktop.ui.models.model_list import ListedModel, Models
from mmgpt_desktop.ui.models.model_loader import ModelLoader
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.models.status import Status
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.worker import MakeEngine

OpenModel = Callable[[Path], MakeEngine]


class ModelsController(QObject):
    """Opens the dialog, and tells in the window what happens while that is closed.

    To be made after the chat: when a model is told to be there, all others know it already.
    """

    def __init__(
        self,
        shell: Shell,
        status: Status,
        chat: ChatController,
        current: Path,
        home: Path,
        open_model: OpenModel,
        make_hub: Callable[[], Hub],
    ) -> None:
        """`current` is opened first; what is made of models for the user is in `home`."""
        super().__init__(shell.window)
        self._shell, self._open_model = shell, open_model
        loader = self.loader = ModelLoader(shell, status, current)
        chat.load_wanted.connect(loader.load)
        loader.switching.connect(chat.stop)
        models = self.list = _listed_models(shell, current, make_hub)
        exports = self.exports = ModelExports(shell.threads["model exports"], models, home)
        self.dialog: ModelsDialog | None = None
        shell.engine.ended.connect(models.take_outcome)
        models.use_wanted.connect(self.use)
        models.failed.connect(self._tell_failure)
        models.fetched.connect(self._tell_fetched)
        exports.failed.connect(self._tell_failure)
        exports.finished.connect(self._tell_exported)
        models.folders_changed.connect(self._remember)
        models.speed_measured.connect(self._remember)
        loader.opened.connect(models.take_opened)
        loader.opened.connect(self._remember_model)
        loader.not_opened.connect(self._offer_embedded)
        shell.actions.connect({"models": self.open_dialog})

    def _remember(self) -> None:
        models = self.list
        self._shell.preferences.change(model_folders=models.folders, speeds=dict(models.speeds))

    def _remember_model(self, path: Path) -> None:
        self._shell.preferences.change(model=as_setting(path))

    def open_dialog(self) -> None:
        if self.dialog is None:
            self.dialog = ModelsDialog(
                self._shell.theme, self.list, self.exports, self._shell.window
            )
        self.dialog.look_at_current()
        self.dialog.open()

    def use(self, path: Path) -> None:
        self.loader.switch(path, self._open_model(path))

    def _offer_embedded(self, path: Path) -> None:
        """Without a model the window is of no use; mmgpt-mini is always there."""
        embedded = mini_path()
        if self.loader.model is None and path != embedded:
            notice = self._shell.notices.current()[-1]
            notice.add_action(self.tr("Use the model that ships"), lambda: self.use(embedded))

    def _tell_failure(self, error: AppError) -> None:
        """The dialog tells it itself, where it is open."""
        if not self._dialog_open():
            self._shell.notices.tell_error(error)

    def _tell_fetched(self, row: ListedModel) -> None:
        if not self._dialog_open():
            title = self.tr("{name} is on this computer now.").format(name=row.name)
            self._offer(title, row.key, draws=row.draws)

    def _tell_exported(self, report: ConversionReport) -> None:
        if not self._dialog_open():
            name = report.folder.name
            self._offer(
                self.tr("The ONNX graphs are made: {name}.").format(name=name), str(report.folder)
            )

    def _offer(self, title: str, key: str, *, draws: bool = False) -> None:
        notice = self._shell.notices.tell(title, stays=True)  # it came after minutes or hours
        use = self.tr("Draw with this model") if draws else self.tr("Use this model")
        notice.add_action(use, lambda: self.list.use(key))

    def _dialog_open(self) -> bool:
        return self.dialog is not None and self.dialog.isVisible()


def _listed_models(shell: Shell, current: Path, make_hub: Callable[[], Hub]) -> Models:
    fetching, folders = shell.threads["models"], shell.threads["model folders"]
    embedded = models_here().values()
    models = Models(fetching, folders, embedded, read_catalogue(), make_hub)
    models.current = current
    models.take_settings(shell.preferences.settings)
    return models
