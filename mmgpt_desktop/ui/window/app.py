"""Builds the application and its window, runs it, and takes it down again."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from mmgpt_desktop.engine.memory import give_memory_back
from mmgpt_desktop.errors import NotKept
from mmgpt_desktop.hub.cache import Hub, usual_hub
from mmgpt_desktop.hub.catalogue import read_catalogue
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.resources import default_bundle_path, read_samples
from mmgpt_desktop.settings import (
    Settings,
    data_path,
    load_settings,
    settings_path,
)
from mmgpt_desktop.ui.application import (
    EndFromSystem,
    FilesFromSystem,
    make_application,
    prepare_process,
)
from mmgpt_desktop.ui.chat.controller import Controller
from mmgpt_desktop.ui.chat.live import Live
from mmgpt_desktop.ui.chat.picture_names import without_references
from mmgpt_desktop.ui.chat.word_strip import Strips
from mmgpt_desktop.ui.collector import Collector
from mmgpt_desktop.ui.event.launcher import Launcher
from mmgpt_desktop.ui.files.exporter import Exporter
from mmgpt_desktop.ui.files.session_controller import Sessions
from mmgpt_desktop.ui.heatmap.brush import Brush
from mmgpt_desktop.ui.heatmap.check_card import Checks
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.film import Film, HoldKey
from mmgpt_desktop.ui.heatmap.head_inspector import Inside
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.models.model_choice import ModelsController, OpenModel
from mmgpt_desktop.ui.models.model_exports import ModelExports
from mmgpt_desktop.ui.models.model_list import Models
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.pictures.sources import FILES
from mmgpt_desktop.ui.widgets.cell_view import CellView
from mmgpt_desktop.ui.widgets.photo_view import LinkedViews
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.widgets.undo import Undo
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog, SamplesDialog
from mmgpt_desktop.ui.window.main_window import MainWindow
from mmgpt_desktop.ui.window.missing_font import tell_missing_font
from mmgpt_desktop.ui.window.tour import Tour
from mmgpt_desktop.ui.window.unkept import Unkept, write_settings
from mmgpt_desktop.ui.worker import EngineThread, MakeEngine, TaskThread, engine_maker

_SAVE_MS = 800
_TIDY_MS = 60_000

_log = logging.getLogger(__name__)


class App(QObject):
    """One window with its threads. `close` ends the threads; call it once."""

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
        model = model or default_bundle_path()
        self._open_model: OpenModel = open_model or partial(engine_maker, runtime=None)
        self._application, self._settings_file = application, settings_file
        self._data = data_folder or settings_file.parent
        self._settings = replace(load_settings(settings_file), **(overrides or {}))
        self._changed: set[str] = set()  # since the start: only these are written
        install_language(application, self._settings.language)
        self.theme = Theme(application, self._settings.theme)
        self.theme.set_still(self._settings.still)
        self.window = MainWindow(self.theme)
        self._unkept = Unkept(self.window.notices)
        tell_missing_font(self.window.notices)
        self.engine = EngineThread(make_engine)
        self.collector = Collector(self)
        self.engine.loaded.connect(self.collector.settle)
        self.engine.load_failed.connect(self.collector.settle)
        self._make_threads()
        self._make_parts(model, make_hub)
        self.sessions = Sessions(
            self.window,
            self.photos,
            self.controller,
            self.undo,
            self._storing,
            self._data,
            keeps=self._settings.autosave,
        )
        self._saving = QTimer(self, singleShot=True, interval=_SAVE_MS)
        self._tidying = QTimer(self, interval=_TIDY_MS)
        self._connect()
        self._connect_menus()
        self.window.take_settings(self._settings)
        self.ended_in_time = True

    def _make_threads(self) -> None:
        self._files = TaskThread("files")
        self._downloads = TaskThread("downloads")
        self._drawing = TaskThread("heatmaps")
        self._small = TaskThread("small maps")  # the large one never waits for them
        self._exports = TaskThread("exports")
        self._storing = TaskThread("sessions")
        self._fetching = TaskThread("models")
        self._model_folders = TaskThread("model folders")
        self._model_exports = TaskThread("model exports")
        self._frames = TaskThread("live frames")
        tasks = (self._files, self._downloads, self._drawing, self._small, self._exports)
        others = (self._storing, self._fetching, self._model_folders, self._model_exports)
        self.threads = (*tasks, *others, self._frames, self.engine)

    def _make_parts(self, model: Path, make_hub: Callable[[], Hub]) -> None:
        self.undo = Undo(self.window.notices)
        self.photos = Photos(
            self.window.image, self.window.notices, self.undo, self._files, self._downloads
        )
        picture = self.window.heatmap.picture
        self.heatmaps = Heatmaps(
            picture, self.window.output.view, self.window.notices, self._drawing
        )
        self.strips = Strips(self.window.output.strip, self.heatmaps, self._small)
        self.film = Film(self.heatmaps)
        self._hold = HoldKey(picture.view, self.window.output.view)
        self._same_part = LinkedViews(self.window.image.view, picture.view)
        self.explainer = Explainer(self.engine, self.heatmaps)
        self.checks = Checks(
            self.window.heatmap.check, self.window.output.view, self.heatmaps, self.explainer
        )
        self.brush = Brush(picture, self.window.output.view, self.heatmaps)
        self.explainer.maps_changed.connect(self.brush.maps_changed)
        self.explainer.checked.connect(self.brush.checked)
        self.window.installEventFilter(self.brush)
        if isinstance(picture.view, CellView):
            picture.view.brushed.connect(self.brush.take)
        self.inside = Inside(self.window, self.engine, self._small, self.heatmaps, self.explainer)
        self.controller = Controller(
            self.window, self.engine, self.photos, self.heatmaps, self.explainer, self.undo, model
        )
        self.live = Live(self.window, self.photos, self.controller, self.explainer, self._frames)
        self._make_models(model, make_hub)
        self.exporter = Exporter(self.window, self.controller, self.heatmaps, self._exports)
        window = self.window
        panes = (window.image, window.prompt, window.output, window.heatmap)
        self.launcher = Launcher(window, self._files)
        self.tour = Tour(window, panes)
        self.tour.about.connect(window.panes.reveal)

    def _make_models(self, current: Path, make_hub: Callable[[], Hub]) -> None:
        embedded = default_bundle_path()
        models = Models(self._fetching, self._model_folders, embedded, read_catalogue(), make_hub)
        models.current = current
        models.take_settings(self._settings)
        self.models = models
        self.model_exports = ModelExports(self._model_exports, models, self._data / "models")
        self.model_choice = ModelsController(
            self.window, self.theme, self.controller, models, self.model_exports, self._open_model
        )

    def _connect(self) -> None:
        window, photos = self.window, self.photos
        self._saving.timeout.connect(self._save)
        self._tidying.timeout.connect(self._tidy)
        self._tidying.start()
        window.closing.connect(self.close)
        photos.added.connect(partial(window.panes.reveal, window.image))
        self.sessions.unkept.connect(self._unkept.tell)
        photos.added.connect(window.prompt.edit.setFocus)  # the question comes next
        for words in (window.output.view, window.output.strip):
            words.word_chosen.connect(window.panes.show_map)
        window.dropped.connect(photos.take_mime)
        window.theme_chosen.connect(self._choose_theme)
        window.language_chosen.connect(self._choose_language)
        window.image.open_wanted.connect(self.open_files)
        window.image.samples_wanted.connect(self.open_samples)
        window.heatmap.changed.connect(self._remember_heatmap)
        window.heatmap.opacity_changed.connect(self._remember_heatmap)
        window.output.underline_chosen.connect(self._choose_underline)
        window.heatmap.details_shown.connect(self._show_details)
        window.heatmap.film_wanted.connect(self.film.toggle)
        window.heatmap.wall_wanted.connect(self.inside.open_wall)
        self.film.running_changed.connect(window.heatmap.show_film)
        window.heatmap.before_held.connect(self.heatmaps.show_before)
        self._hold.held.connect(self.heatmaps.show_before)
        window.prompt.fusions.chosen.connect(self._remember_fusion)
        window.prompt.fusions.compare_wanted.connect(self.compare)
        self.undo.available.connect(window.actions_by_name["undo"].setEnabled)
        self.undo.available.connect(window.prompt.edit.set_undo_elsewhere)
        window.prompt.edit.undo_wanted.connect(self.undo.undo)
        window.actions_by_name["undo"].setEnabled(False)
        self.tour.ended.connect(self._end_tour)
        photos.chosen.connect(self._offer_names)
        photos.added.connect(lambda: self.tour.go_on_from(0))
        window.rewritten.connect(self.heatmaps.refresh)
        window.rewritten.connect(self.brush.refresh)
        self._connect_models()
        self.engine.loaded.connect(self._tidy)  # after the collector

    @Slot()
    def _offer_names(self) -> None:
        self.window.prompt.set_photos(self.photos.firsts)

    def _connect_menus(self) -> None:
        window, photos = self.window, self.photos
        view = window.image.view
        window.actions_by_name["autosave"].triggered.connect(self._choose_autosave)
        window.actions_by_name["still"].triggered.connect(self._choose_still)
        for name, action in {
            "open-session": self.sessions.choose_and_open,
            "recent": self.sessions.show_recent,
            "save": self.sessions.save,
            "save-as": self.sessions.save_as,
            "open": self.open_files,
            "paste": self.paste,
            "samples": self.open_samples,
            "remove": photos.remove,
            "quit": window.close,
            "undo": self.undo.undo,
            "copy": window.output.copy,
            "name-picture": window.prompt.pictures.open_menu,
            "zoom-in": view.zoom_in,
            "zoom-out": view.zoom_out,
            "zoom-fit": view.zoom_fit,
            "next": lambda: photos.step(+1),
            "previous": lambda: photos.step(-1),
            "go-picture": lambda: window.go_to(view, window.image.live, window.image.open_button),
            "go-question": lambda: window.go_to(window.prompt.edit),
            "go-answer": lambda: window.go_to(window.output.view),
            "go-heatmap": lambda: window.go_to(window.heatmap.picture.view),
            "compare": self.compare,
            "models": self.model_choice.open_dialog,
            "film": self.film.toggle,
            "wall": self.inside.open_wall,
            "formula": self.inside.open_brightest_formula,
            "tour": self.tour.begin,
            "keys": self._show_keys,
            "about": self._show_about,
        }.items():
            # Without the bool that `triggered` carries.
            window.actions_by_name[name].triggered.connect(lambda _=False, run=action: run())

    def _connect_models(self) -> None:
        models = self.models
        models.folders_changed.connect(self._remember_models)
        models.speed_measured.connect(self._remember_models)
        self.engine.ended.connect(models.take_outcome)
        self.controller.opened.connect(self._remember_model)

    def start(self) -> None:
        """Show the window, then load the model behind it."""
        self.window.show()
        for thread in self.threads:
            thread.start()
        self.sessions.start()
        QTimer.singleShot(0, self.controller, self.controller.load)

    @Slot()
    def close(self) -> None:
        """Stop all work and end the threads; the window is gone meanwhile."""
        self.live.stop()
        self._tidying.stop()
        self._saving.stop()
        self._change(**self.window.layout_settings())
        self._saving.stop()
        self.window.hide()
        # The cancels go out to all of them before the first is waited for.
        for thread in self.threads:
            thread.begin_close()
        in_time = [thread.end_close() for thread in self.threads]
        self.ended_in_time = all(in_time)
        self.sessions.close()
        self.collector.close()
        try:
            write_settings(self._settings_file, self._settings, self._changed)
        except NotKept as error:
            _log.warning("settings can't be written: %s", error)

    @Slot()
    def paste(self) -> None:
        self.photos.take_mime(QGuiApplication.clipboard().mimeData())

    @Slot()
    def open_files(self) -> None:
        pictures, everything = self.tr("Pictures and videos"), self.tr("All files")
        names, _ = QFileDialog.getOpenFileNames(
            self.window,
            self.tr("Open pictures"),
            self._settings.last_folder,
            f"{pictures} ({FILES});;{everything} (*)",
            options=QFileDialog.Option.HideNameFilterDetails,
        )
        if names:
            self._change(last_folder=str(Path(names[0]).parent))
            self.photos.open([Path(name) for name in names])

    @Slot()
    def open_samples(self) -> None:
        dialog = SamplesDialog(read_samples(), self.window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.photos.open(dialog.paths)
        dialog.deleteLater()

    @Slot()
    def compare(self) -> None:
        """All fusions answer one question about the photo shown."""
        model, conversation = self.controller.model, self.controller.conversation
        if model is None or conversation.shown is None:
            self.window.notices.tell(
                self.tr("There is no picture to compare the fusions on."),
                self.tr("Open one first, for instance a sample photo."),
            )
            return
        shown = conversation.shown
        comparison = Comparison(
            self.theme, self.engine, self._drawing, model, shown, parent=self.window
        )
        comparison.draw_like(self.window.heatmap)
        comparison.resize(self.window.size() * 0.97)
        self.explainer.pause()
        comparison.finished.connect(self.explainer.resume)
        comparison.open()
        comparison.ask(self._question_now())

    @Slot(object)
    def _remember_model(self, path: Path) -> None:
        self._change(model="" if path == default_bundle_path() else str(path))

    @Slot()
    def _remember_models(self) -> None:
        self._change(model_folders=self.models.folders, speeds=dict(self.models.speeds))

    def _question_now(self) -> str:
        """What is being typed, else what was asked last, else what fits every picture."""
        typed = without_references(self.window.prompt.edit.toPlainText())
        turns = self.controller.conversation.turns
        return typed or (
            without_references(turns[-1].question) if turns else "Describe this picture."
        )

    def _show_keys(self) -> None:
        dialog = KeysDialog(self.window)
        dialog.exec()
        dialog.deleteLater()

    def _show_about(self) -> None:
        dialog = AboutDialog(self.controller.model, self.window)
        dialog.exec()
        dialog.deleteLater()

    @Slot(str)
    def _choose_theme(self, choice: str) -> None:
        self.theme.choose(choice)
        self._change(theme=choice)

    @Slot(bool)
    def _choose_autosave(self, wanted: bool) -> None:
        self.sessions.set_keeping(wanted)
        self._change(autosave=wanted)

    @Slot(bool)
    def _choose_still(self, wanted: bool) -> None:
        self.theme.set_still(wanted)
        self._change(still=wanted)

    def welcome(self) -> None:
        """The tour, for who was never here before."""
        if not self._settings.tour_seen:
            self.tour.begin()

    @Slot()
    def _end_tour(self) -> None:
        self.window.prompt.edit.setFocus()
        self._change(tour_seen=True)

    @Slot(str)
    def _choose_language(self, language: str) -> None:
        """At once: Qt tells each widget, and it writes its texts anew."""
        install_language(self._application, language)
        tell_missing_font(self.window.notices)
        self._change(language=language)

    @Slot()
    def _remember_heatmap(self) -> None:
        self._change(**asdict(self.window.heatmap.drawing.map_style))

    @Slot(str)
    def _choose_underline(self, underline: str) -> None:
        self.checks.tell_verdicts(underline == "needed")
        self._change(underline=underline)

    @Slot(bool)
    def _show_details(self, details: bool) -> None:
        self.window.output.view.show_details(details)
        self._change(details=details)

    @Slot(str)
    def _remember_fusion(self, fusion: str) -> None:
        self._change(fusion=fusion)

    def _change(self, **changes: Any) -> None:
        before, self._settings = self._settings, replace(self._settings, **changes)
        self._changed |= {name for name in changes if changes[name] != getattr(before, name)}
        self._saving.start()

    @Slot()
    def _tidy(self) -> None:
        self._files.submit(lambda _task: give_memory_back())

    @Slot()
    def _save(self) -> None:
        path, settings, changed = self._settings_file, self._settings, frozenset(self._changed)
        self._files.submit(
            lambda _task: write_settings(path, settings, changed), failed=self._unkept.take_failure
        )


def _break_off(app: App, number: int) -> None:
    """End by the signal that came; what was open is offered at the next start."""
    app.sessions.break_off()
    app.close()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _model_to_open(named: Path, settings: Settings) -> Path:
    last = Path(settings.model)
    return last if settings.model and named == default_bundle_path() and last.is_dir() else named


def run(bundle_path: Path, runtime: RuntimeName | None, images: list[Path]) -> int:
    """The window, until it is closed; the process's exit code.

    With the folder of the model that ships, it opens the one that was used last.
    """
    prepare_process()
    application = make_application()
    model = _model_to_open(bundle_path, load_settings(settings_path()))
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
