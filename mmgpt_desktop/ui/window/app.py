"""Builds the application and its window, runs it, and takes it down again."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.embedded import chosen_model, default_model, painter_paths
from mmgpt_desktop.engine.memory import give_memory_back
from mmgpt_desktop.hub.cache import Hub, usual_hub
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.settings import Settings, data_path, load_settings, settings_path
from mmgpt_desktop.ui.application import (
    EndFromSystem,
    FilesFromSystem,
    make_application,
    prepare_process,
)
from mmgpt_desktop.ui.chat.chat import Chat
from mmgpt_desktop.ui.event.launcher import Launcher
from mmgpt_desktop.ui.files.files import Files
from mmgpt_desktop.ui.heatmap.heatmap_controller import HeatmapController
from mmgpt_desktop.ui.models.model_choice import ModelsController, OpenModel
from mmgpt_desktop.ui.painting.paint_controller import PaintController
from mmgpt_desktop.ui.pictures.choose_pictures import PictureChoice
from mmgpt_desktop.ui.widgets.preferences import Preferences
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.window.main_window import MainWindow
from mmgpt_desktop.ui.window.missing_font import tell_missing_font
from mmgpt_desktop.ui.worker import (
    MakeEngine,
    MakePainter,
    Threads,
    engine_maker,
    painter_maker,
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
        make_painters: Sequence[MakePainter] = (),
        paint_model: Callable[[Path], MakePainter] = painter_maker,
        make_hub: Callable[[], Hub] = usual_hub,
    ) -> None:
        """What nobody saved is kept in `data_folder`; beside the settings if there is none."""
        super().__init__()
        self._application, data = application, data_folder or settings_file.parent
        self.threads = Threads(make_engine, self, paints=bool(make_painters))
        self.preferences = Preferences(settings_file, overrides or {}, self.threads["files"])
        settings = self.preferences.settings
        install_language(application, settings.language)
        self.theme = Theme(application, settings.theme)
        self.theme.set_still(settings.still)
        self.window = window = MainWindow(self.theme)
        tell_missing_font(window.notices)
        shell = window.shell(self.preferences, self.threads)
        self.pictures = PictureChoice(shell, window.image)
        photos = self.pictures.photos
        self.chat = Chat(shell, window.image, window.prompt, window.output, photos)
        chat = self.chat.controller
        self.heatmap = HeatmapController(shell, window.heatmap, chat, window.image.view)
        style = window.heatmap.drawing
        self.painting = PaintController(
            shell, window.image, chat, lambda: style.map_style, paint_model, make_painters
        )
        for changed in (style.changed, style.opacity_changed):
            changed.connect(self.painting.overlay.refresh)
        opener = open_model or partial(engine_maker, runtime=None)
        first = model or default_model()
        self.models = ModelsController(
            shell, window.status, chat, first, data / "models", opener, make_hub
        )
        self.files = Files(shell, chat, self.heatmap, data)
        self.launcher = Launcher(shell)
        self._tidying = QTimer(self, interval=_TIDY_MS)
        self._connect()
        window.take_settings(settings)
        self.ended_in_time = True

    def _connect(self) -> None:
        window, photos, tour = self.window, self.pictures.photos, self.window.tour
        window.closing.connect(self.close)
        window.dropped.connect(photos.take_mime)
        window.theme_chosen.connect(self._choose_theme)
        window.language_chosen.connect(self._choose_language)
        window.actions_by_name["still"].triggered.connect(self._choose_still)
        window.actions_by_name.connect({"about": self._show_about})
        photos.added.connect(partial(window.panes.reveal, window.image))
        photos.added.connect(partial(tour.go_on_from, 0))
        tour.ended.connect(self._note_tour)
        self.preferences.unkept.connect(window.notices.tell_once)
        self._tidying.timeout.connect(self._tidy)
        self._tidying.start()
        self.models.loader.opened.connect(self.painting.offer_model)
        for place in (self.models.loader, self.models.list):
            place.draws_only.connect(self.painting.offer_painter)
        self.threads.engine.loaded.connect(self._tidy)  # after the collector

    def start(self) -> None:
        """Show the window, then load the model behind it."""
        self.window.show()
        self.threads.start()
        self.files.sessions.start()
        QTimer.singleShot(0, self.models.loader, self.models.loader.load)

    def close(self) -> None:
        """Stop all work and end the threads; the window is gone meanwhile."""
        self.chat.live.stop()
        self._tidying.stop()
        self.preferences.change(**self.window.layout_settings())
        self.preferences.stop()
        self.window.hide()
        self.ended_in_time = self.threads.close()
        self.files.sessions.close()
        self.preferences.close()

    def _show_about(self) -> None:
        self.window.show_about(self.models.loader.model)

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
            self.window.tour.begin()

    def _note_tour(self) -> None:
        self.preferences.change(tour_seen=True)

    def _tidy(self) -> None:
        self.threads["files"].submit(lambda _task: give_memory_back())


def _break_off(app: App, number: int) -> None:
    """End by the signal that came; what was open is offered at the next start."""
    app.files.sessions.break_off()
    app.close()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def model_to_open(named: Path | None, settings: Settings) -> Path:
    """The one that was named, or chosen last, or that answers first."""
    return named or chosen_model(settings.model) or default_model()


def run(named: Path | None, runtime: RuntimeName | None, images: list[Path]) -> int:
    """The window, until it is closed; the process's exit code."""
    prepare_process()
    application = make_application()
    model = model_to_open(named, load_settings(settings_path()))
    open_model = partial(engine_maker, runtime=runtime)
    app = App(
        application,
        open_model(model),
        settings_path(),
        data_folder=data_path(),
        model=model,
        open_model=open_model,
        make_painters=[painter_maker(painter, runtime) for painter in painter_paths()],
        paint_model=partial(painter_maker, runtime=runtime),
    )
    EndFromSystem(application).wanted.connect(partial(_break_off, app))
    app.window.fit_screen()
    app.start()
    if sys.platform == "darwin":  # it sees each event, which costs
        FilesFromSystem(application).opened.connect(app.pictures.photos.open)
    app.pictures.photos.open(images)
    if not images:
        app.welcome()
    code = application.exec()
    if not app.ended_in_time:
        # A native call that doesn't come back must not keep the process, nor crash it.
        logging.shutdown()
        os._exit(code)
    return code
