"""The windows that a soak is about, with who uses them and how they come to rest."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog

from mmgpt_desktop.embedded import FLOW, painter_paths
from mmgpt_desktop.event.profile import read_profile
from mmgpt_desktop.messages import GenerationOutcome
from mmgpt_desktop.resources import mini_path, resource_path
from mmgpt_desktop.ui.application import make_application
from mmgpt_desktop.ui.event.awake import Awake
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.pictures.camera import Camera, why_no_camera
from mmgpt_desktop.ui.widgets.undo import MOST_STEPS
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.waiting import wait_for, wait_for_model, wait_until
from mmgpt_desktop.ui.worker import EngineThread, Threads, engine_maker, painter_maker
from tests.soak.error_counts import ErrorCounts
from tests.soak.guest import Guest
from tests.soak.hands import Hands
from tests.soak.made_up_camera import MadeUpCamera
from tests.soak.made_up_files import make_files, noise
from tests.soak.report import SLOWEST_S, Answers
from tests.soak.visitor import Visitor

_SETTLE_S = 1.0
_PROFILE = """
title = "Soak"
language = "en"
[show]
idle_s = 20
reset_s = 15
countdown_s = 5
speed = 4.0
[souvenir]
folder = "souvenirs"
[drawing]
offered = true
free = true
"""


class Course(ABC):
    """`hands` use the window between `begin` and `close`; `rest` is called in the pauses."""

    hands: Hands

    def __init__(
        self,
        threads: Threads,
        errors: ErrorCounts,
    ) -> None:
        self._threads, engine = threads, threads.engine
        self.answers = AnswerCounts(engine)
        engine.load_failed.connect(errors.take_load)
        engine.ended.connect(errors.take_outcome)

    @abstractmethod
    def begin(self) -> None:
        """RuntimeError where the model can't be loaded, TimeoutError where it never is."""

    @abstractmethod
    def rest(self) -> None:
        """As it was in the beginning: everything away, nothing at work. Raises TimeoutError."""

    @abstractmethod
    def close(self) -> bool:
        """Whether the threads ended in time."""

    def _settle(self) -> None:
        """No thread is at work, and what they gave has arrived."""
        wait_for(_SETTLE_S)
        wait_until(lambda: all(thread.idle for thread in self._threads))
        wait_for(_SETTLE_S)


class WindowCourse(Course):
    """The ordinary window; what it writes goes below `folder`."""

    def __init__(self, folder: Path, seed: int, errors: ErrorCounts) -> None:
        self._model = mini_path()
        self._app = App(
            make_application(),
            engine_maker(self._model, None),
            folder / "settings.json",
            {"language": "en", "theme": "light", "tour_seen": True},
            data_folder=folder / "data",
            make_painters=[painter_maker(each) for each in painter_paths()],
        )
        super().__init__(self._app.threads, errors)
        self._links = _Swallow()
        QDesktopServices.setUrlHandler("file", self._links, "open")  # type: ignore[arg-type]
        kept = folder / "kept"
        kept.mkdir()
        files, models = make_files(folder / "files"), _make_models(folder / "models")
        self.hands = Visitor(self._app, files, models, kept, seed)
        self._spare = folder / "spare.png"
        noise(0, 64, 64).save(self._spare)

    def begin(self) -> None:
        why_no_camera()  # brings QtMultimedia's libraries, which otherwise come at any minute
        self._app.start()
        wait_for_model(self._app)

    def rest(self) -> None:
        app, window = self._app, self._app.window
        self._calm_down()
        app.chat.controller.stop()
        wait_until(lambda: not app.chat.controller.busy)
        self._settle()  # what is being opened still would come among the photos below
        while app.pictures.photos.count:
            app.pictures.photos.remove()
        app.chat.controller.clear()
        for _ in range(MOST_STEPS):  # undo forgets what was before
            app.pictures.photos.open([self._spare])
            wait_until(lambda: app.pictures.photos.count == 1)
            app.pictures.photos.remove()
        window.prompt.edit.clear()
        for notice in window.notices.current():
            notice.dismiss()
        QApplication.clipboard().clear()
        self._load_shipped_model()
        self._settle()

    def _calm_down(self) -> None:
        """No dialog, and the window as it begins."""
        app, window = self._app, self._app.window
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible() and (isinstance(widget, QDialog) or widget.isModal()):
                widget.close()
        window.showNormal()
        window.resize(1280, 720)
        window.theme_chosen.emit("light")
        window.language_chosen.emit("en")
        app.chat.live.stop()
        app.window.tour.end()

    def _load_shipped_model(self) -> None:
        """Anew, so that the engine keeps nothing of the photos."""
        app, opened = self._app, list[Path]()
        app.models.loader.opened.connect(opened.append)
        app.models.list.use_wanted.emit(self._model)
        wait_until(lambda: opened[-1:] == [self._model])
        app.models.loader.opened.disconnect(opened.append)

    def close(self) -> bool:
        QDesktopServices.unsetUrlHandler("file")
        self._app.window.close()
        self._app.window.deleteLater()
        QApplication.processEvents()
        return self._app.ended_in_time


class ShowCourse(Course):
    """The show of an event, in a window; its souvenirs go below `folder`."""

    def __init__(self, folder: Path, seed: int, errors: ErrorCounts) -> None:
        (folder / "souvenirs").mkdir()
        profile = folder / "event.toml"
        profile.write_text(_PROFILE, encoding="utf-8")
        self._show = EventApp(
            make_application(),
            read_profile(profile),
            lambda model: engine_maker(model, None),
            theme="light",
            awake=_Asleep(),
            camera=Camera(MadeUpCamera),
            make_painter=painter_maker(resource_path("models", FLOW)),
        )
        super().__init__(self._show.threads, errors)
        self.hands = Guest(self._show, make_files(folder / "files"), seed)

    def begin(self) -> None:
        self._show.window.resize(1280, 720)
        self._show.start(full_screen=False)
        wait_until(lambda: self._show.stage.asker.model is not None)

    def rest(self) -> None:
        show = self._show
        show.window.resize(1280, 720)
        show.stage.reset()
        self._settle()

    def close(self) -> bool:
        self._show.close()
        self._show.window.deleteLater()
        QApplication.processEvents()
        return self._show.ended_in_time


class _Asleep(Awake):
    """The computer may sleep: a soak is no show, and often there is no desktop."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class AnswerCounts(QObject):
    """Hears of every answer, those of the comparison and the captions too."""

    def __init__(self, engine: EngineThread) -> None:
        super().__init__()
        self.counts = Answers()
        engine.ended.connect(self._take)

    @Slot(object)
    def _take(self, outcome: GenerationOutcome) -> None:
        self.counts.ended[outcome.kind] += 1
        self.counts.slowest = max(self.counts.slowest, outcome.timings.total)
        self.counts.stuck += outcome.timings.total > SLOWEST_S


class _Swallow(QObject):
    """Files that the visitor wants to look at with other programs."""

    @Slot("QUrl")
    def open(self, url: object) -> None:
        del url


def _make_models(folder: Path) -> tuple[Path, ...]:
    """The shipped one, a copy, one that lacks its weights, and a folder that holds none."""
    shipped = mini_path()
    copy, broken, empty = folder / "copy", folder / "broken", folder / "empty"
    shutil.copytree(shipped, copy)
    broken.mkdir()
    shutil.copy(shipped / "manifest.json", broken)
    empty.mkdir()
    return shipped, shipped, copy, copy, broken, empty
