"""Builds the application and its window, runs it, and takes it down again."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.engine.memory import give_memory_back
from mmgpt_desktop.hub.cache import Hub, usual_hub
from mmgpt_desktop.hub.catalogue import read_catalogue
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.resources import default_bundle_path
from mmgpt_desktop.settings import Settings, data_path, load_settings, settings_path
from mmgpt_desktop.ui.application import (
    EndFromSystem,
    FilesFromSystem,
    make_application,
    prepare_process,
)
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.chat.live import Live
from mmgpt_desktop.ui.collector import Collector
from mmgpt_desktop.ui.event.launcher import Launcher
from mmgpt_desktop.ui.files.exporter import Exporter
from mmgpt_desktop.ui.files.session_controller import Sessions
from mmgpt_desktop.ui.heatmap.comparison_launcher import ComparisonLauncher
from mmgpt_desktop.ui.heatmap.heatmap_controller import HeatmapController
from mmgpt_desktop.ui.models.model_choice import ModelsController, OpenModel
from mmgpt_desktop.ui.models.model_exports import ModelExports
from mmgpt_desktop.ui.models.model_list import Models
from mmgpt_desktop.ui.models.model_loader import ModelLoader
from mmgpt_desktop.ui.pictures.choose_pictures import PictureChoice
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.widgets.photo_view import LinkedViews
from mmgpt_desktop.ui.widgets.preferences import Preferences
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.widgets.unkept import Unkept
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog
from mmgpt_desktop.ui.window.main_window import MainWindow
from mmgpt_desktop.ui.window.missing_font import tell_missing_font
from mmgpt_desktop.ui.window.tour import Tour
from mmgpt_desktop.ui.worker import (
    EngineThread,
    MakeEngine,
    TaskThread,
    TaskThreads,
    close_all,
    engine_maker,
)

_TIDY_MS = 60_000


class App(QObject):
    """One window, its features and their threads. `close` ends the threads; call it once."""

    def __init__(
        self,
        application: QApplication,
        make_engine: MakeEngine,
        settings_file: Path,
        overrides: dict[str, Any] | None = None,
        data_folder: Path | None = None,
        *,
        model: Path | None = None,
        open_model: OpenModel | None = None,
        make_hub: Callable[[], Hub] = usual_hub,
    ) -> None:
        """What nobody saved is kept in `data_folder`; beside the settings if there is none."""
        super().__init__()
        self._application, self._data = application, data_folder or settings_file.parent
        self._tasks = TaskThreads()
        self.preferences = Preferences(settings_file, overrides or {}, self._tasks["files"])
        settings = self.preferences.settings
        install_language(application, settings.language)
        self.theme = Theme(application, settings.theme)
        self.theme.set_still(settings.still)
        self.window = window = MainWindow(self.theme)
        tell_missing_font(window.notices)
        self.engine = EngineThread(make_engine)
        self.collector = Collector(self)
        self.engine.loaded.connect(self.collector.settle)
        self.engine.load_failed.connect(self.collector.settle)
        self._shell = window.shell(self.preferences)
        self._make_chat()
        self._make_models(
            model or default_bundle_path(),
            open_model or partial(engine_maker, runtime=None),
            make_hub,
        )
        self._make_files()
        self.tour = Tour(window, (window.image, window.prompt, window.output, window.heatmap))
        self._tidying = QTimer(self, interval=_TIDY_MS)
        self._connect()
        window.take_settings(settings)
        self.ended_in_time = True

    @property
    def threads(self) -> tuple[TaskThread | EngineThread, ...]:
        return (*self._tasks, self.engine)

    def _make_chat(self) -> None:
        """Pictures, questions about them, and what is found out about the answers."""
        shell, window, tasks, engine = self._shell, self.window, self._tasks, self.engine
        image, prompt, output, pane = window.image, window.prompt, window.output, window.heatmap
        self.photos = Photos(shell, image, tasks["files"], tasks["downloads"])
        self.pictures = PictureChoice(shell, image, self.photos)
        self.controller = ChatController(shell, engine, self.photos, prompt, output)
        drawing = tasks["heatmaps"]
        self.heatmap = HeatmapController(
            shell, engine, pane, output, self.controller, drawing, tasks["small maps"]
        )
        explainer = self.heatmap.explainer
        self.comparisons = ComparisonLauncher(
            shell, self.theme, engine, pane, prompt, self.controller, explainer, drawing
        )
        self.live = Live(shell, image, prompt, self.photos, self.controller, tasks["live frames"])
        self.live.began_looking.connect(explainer.pause)
        self.live.ended_looking.connect(explainer.resume)
        self._same_part = LinkedViews(image.view, pane.picture.view)

    def _make_models(
        self, current: Path, open_model: OpenModel, make_hub: Callable[[], Hub]
    ) -> None:
        """After the chat: when a model is told to be there, all others know it already."""
        shell, tasks, embedded = self._shell, self._tasks, default_bundle_path()
        loader = self.loader = ModelLoader(shell, self.engine, self.window.status, current)
        self.controller.load_wanted.connect(loader.load)
        loader.switching.connect(self.controller.stop)
        loader.switching.connect(self.heatmap.explainer.pause)
        loader.switched.connect(self.heatmap.explainer.resume)
        folders = tasks["model folders"]
        models = Models(tasks["models"], folders, embedded, read_catalogue(), make_hub)
        models.current = current
        models.take_settings(self.preferences.settings)
        self.engine.ended.connect(models.take_outcome)
        self.models = models
        self.model_exports = ModelExports(tasks["model exports"], models, self._data / "models")
        self.model_choice = ModelsController(
            shell, self.theme, loader, models, self.model_exports, open_model
        )

    def _make_files(self) -> None:
        shell, window, tasks = self._shell, self.window, self._tasks
        self.exporter = Exporter(
            shell, window.heatmap, self.controller, self.heatmap.heatmaps, tasks["exports"]
        )
        edit, storing = window.prompt.edit, tasks["sessions"]
        self.sessions = Sessions(shell, edit, self.photos, self.controller, storing, self._data)
        self.launcher = Launcher(shell, tasks["files"])
        unkept = self._unkept = Unkept(window.notices)
        self.sessions.unkept.connect(unkept.tell)
        self.preferences.unkept.connect(unkept.tell)

    def _connect(self) -> None:
        window, photos, tour = self.window, self.photos, self.tour
        window.closing.connect(self.close)
        window.dropped.connect(photos.take_mime)
        window.theme_chosen.connect(self._choose_theme)
        window.language_chosen.connect(self._choose_language)
        photos.added.connect(partial(window.panes.reveal, window.image))
        photos.added.connect(partial(tour.go_on_from, 0))
        tour.about.connect(window.panes.reveal)
        tour.ended.connect(self._end_tour)
        actions = window.actions_by_name
        actions["still"].triggered.connect(self._choose_still)
        actions.connect({"tour": tour.begin, "keys": self._show_keys, "about": self._show_about})
        self._tidying.timeout.connect(self._tidy)
        self._tidying.start()
        self.engine.loaded.connect(self._tidy)  # after the collector

    def start(self) -> None:
        """Show the window, then load the model behind it."""
        self.window.show()
        for thread in self.threads:
            thread.start()
        self.sessions.start()
        QTimer.singleShot(0, self.loader, self.loader.load)

    def close(self) -> None:
        """Stop all work and end the threads; the window is gone meanwhile."""
        self.live.stop()
        self._tidying.stop()
        self.preferences.change(**self.window.layout_settings())
        self.preferences.stop()
        self.window.hide()
        self.ended_in_time = close_all(self.threads)
        self.sessions.close()
        self.collector.close()
        self.preferences.close()

    def _show_keys(self) -> None:
        dialog = KeysDialog(self.window)
        dialog.exec()
        dialog.deleteLater()

    def _show_about(self) -> None:
        dialog = AboutDialog(self.controller.model, self.window)
        dialog.exec()
        dialog.deleteLater()

    def _choose_theme(self, choice: str) -> None:
        self.theme.choose(choice)
        self.preferences.change(theme=choice)

    def _choose_still(self, wanted: bool) -> None:
        self.theme.set_still(wanted)
        self.preferences.change(still=wanted)

    def _choose_language(self, language: str) -> None:
        """At once: Qt tells each widget, and it writes its texts anew."""
        install_language(self._application, language)
        tell_missing_font(self.window.notices)
        self.preferences.change(language=language)

    def welcome(self) -> None:
        """The tour, for who was never here before."""
        if not self.preferences.settings.tour_seen:
            self.tour.begin()

    def _end_tour(self) -> None:
        self.window.prompt.edit.setFocus()
        self.preferences.change(tour_seen=True)

    def _tidy(self) -> None:
        self._tasks["files"].submit(lambda _task: give_memory_back())


def _break_off(app: App, number: int) -> None:
    """End by the signal that came; what was open is offered at the next start."""
    app.sessions.break_off()
    app.close()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def model_to_open(named: Path, settings: Settings) -> Path:
    last = Path(settings.model)
    return last if settings.model and named == default_bundle_path() and last.is_dir() else named


def run(bundle_path: Path, runtime: RuntimeName | None, images: list[Path]) -> int:
    """The window, until it is closed; the process's exit code.

    With the folder of the model that ships, it opens the one that was used last.
    """
    prepare_process()
    application = make_application()
    model = model_to_open(bundle_path, load_settings(settings_path()))
    open_model = partial(engine_maker, runtime=runtime)
    app = App(
        application,
        open_model(model),
        settings_path(),
        data_folder=data_path(),
        model=model,
        open_model=open_model,
    )
    EndFromSystem(application).wanted.connect(partial(_break_off, app))
    app.window.fit_screen()
    app.start()
    if sys.platform == "darwin":  # it sees each event, which costs
        FilesFromSystem(application).opened.connect(app.photos.open)
    app.photos.open(images)
    if not images:
        app.welcome()
    code = application.exec()
    if not app.ended_in_time:
        # A native call that doesn't come back must not keep the process, nor crash it.
        logging.shutdown()
        os._exit(code)
    return code
