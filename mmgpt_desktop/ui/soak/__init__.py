"""`mmgpt-desktop soak`: hours of use in the real window, and what they did to it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import GenerationOutcome
from mmgpt_desktop.resources import default_bundle_path
from mmgpt_desktop.ui.app import App
from mmgpt_desktop.ui.application import make_application, prepare_process
from mmgpt_desktop.ui.screenshot import wait_for, wait_for_model, wait_until
from mmgpt_desktop.ui.soak.errors import ErrorCounts
from mmgpt_desktop.ui.soak.files import make_files, noise
from mmgpt_desktop.ui.soak.measures import Others, Sample, Stalls, take_sample
from mmgpt_desktop.ui.soak.report import SLOWEST_S, Answers, Report
from mmgpt_desktop.ui.soak.visitor import Visitor
from mmgpt_desktop.ui.undo import MOST_STEPS
from mmgpt_desktop.worker import TaskThread, engine_maker

BROKEN = 2  # the exit code where a limit does not hold
SHORT_MINUTES = 0.5
_REST_EVERY_MINUTES = 5.0
_SETTLE_S = 1.0
_NOT_OURS = ("torchinductor_",)  # an empty folder that PyTorch makes once for each user


@dataclass(frozen=True)
class Options:
    minutes: float
    seed: int
    json: Path | None = None


def run(options: Options) -> int:
    """Print the report; BROKEN if a limit is. Files are made in a folder that is deleted."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    prepare_process()
    with tempfile.TemporaryDirectory(prefix="mmgpt-soak-") as folder:
        report = soak(Path(folder), options)
    print(report.as_text())
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=2), encoding="utf-8")
    return BROKEN if any(report.broken()) else 0


def soak(folder: Path, options: Options) -> Report:
    """Use a window for some time; what it writes goes below `folder`."""
    temporary = folder / "temporary"
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    errors, stalls, others = ErrorCounts(), Stalls(), Others()
    try:
        with errors.catching():
            course = _Course(folder, options, errors, stalls)
            try:
                course.begin()
                course.go_on()
            except TimeoutError:
                errors.unexpected["the window did not come to rest"] += 1
            except RuntimeError as error:  # the window's own sentence
                raise AppError(str(error)) from error
            finally:
                lateness = stalls.end()
                course.close()
    finally:
        tempfile.tempdir = before
    left = sorted(
        path.name
        for path in (*temporary.iterdir(), *folder.rglob(".*-*"))
        if not path.name.startswith(_NOT_OURS)
    )
    return Report(
        options.seed,
        options.minutes,
        course.visitor.done,
        course.answers.counts,
        errors.expected,
        errors.unexpected,
        lateness,
        course.samples,
        others.share(),
        left,
        course.app.ended_in_time,
    )


class _Course:
    """The window, its visitor, and the rests in which it is measured."""

    def __init__(self, folder: Path, options: Options, errors: ErrorCounts, stalls: Stalls) -> None:
        self._minutes, self._stalls = options.minutes, stalls
        self._model = default_bundle_path()
        self.app = App(
            make_application(),
            engine_maker(self._model, None),
            folder / "settings.json",
            {"language": "en", "theme": "light", "tour_seen": True},
            data_folder=folder / "data",
        )
        self.answers = _AnswerCounts(self.app)
        for thread in self.app.threads:
            if isinstance(thread, TaskThread):
                thread.failed.connect(errors.take)
        self.app.engine.explain_failed.connect(errors.take)
        self.app.engine.load_failed.connect(errors.take_load)
        self.app.engine.ended.connect(errors.take_outcome)
        self._links = _Swallow()
        QDesktopServices.setUrlHandler("file", self._links, "open")  # type: ignore[arg-type]
        kept = folder / "kept"
        kept.mkdir()
        files, models = make_files(folder / "files"), _make_models(folder / "models")
        self.visitor = Visitor(self.app, files, models, kept, options.seed)
        self._spare = folder / "spare.png"
        noise(0, 64, 64).save(self._spare)
        self.samples: list[Sample] = []

    def begin(self) -> None:
        """RuntimeError where the model can't be loaded."""
        self.app.window.resize(1280, 720)
        self.app.start()
        wait_for_model(self.app)
        self._rest(0.0)

    def go_on(self) -> None:
        started = time.monotonic()
        while (passed := (time.monotonic() - started) / 60) < self._minutes:
            self._stalls.start()
            self.visitor.start()
            wait_for(60 * min(_REST_EVERY_MINUTES, self._minutes - passed))
            self.visitor.stop()
            self._stalls.pause()
            self._rest((time.monotonic() - started) / 60)

    def close(self) -> None:
        QDesktopServices.unsetUrlHandler("file")
        self.app.window.close()
        self.app.window.deleteLater()
        QApplication.processEvents()

    def _rest(self, minute: float) -> None:
        """As the window was in the beginning: everything away, nothing at work."""
        app, window = self.app, self.app.window
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible() and (isinstance(widget, QDialog) or widget.isModal()):
                widget.close()
        window.showNormal()
        window.resize(1280, 720)
        window.theme_chosen.emit("light")
        window.language_chosen.emit("en")
        app.live.stop()
        app.tour.end()
        app.controller.stop()
        wait_until(lambda: not app.controller.busy)
        while app.photos.count:
            app.photos.remove()
        app.controller.clear()
        for _ in range(MOST_STEPS):  # undo forgets what was before
            app.photos.open([self._spare])
            wait_until(lambda: app.photos.count == 1)
            app.photos.remove()
        window.prompt.edit.clear()
        for notice in window.notices.current():
            notice.dismiss()
        QApplication.clipboard().clear()
        self._load_shipped_model()
        wait_for(_SETTLE_S)
        wait_until(lambda: all(thread.idle for thread in app.threads))
        self.samples.append(take_sample(minute))

    def _load_shipped_model(self) -> None:
        """Anew, so that the engine keeps nothing of the photos."""
        app, opened = self.app, list[Path]()
        app.controller.opened.connect(opened.append)
        app.models.use_wanted.emit(self._model)
        wait_until(lambda: opened[-1:] == [self._model])
        app.controller.opened.disconnect(opened.append)


class _AnswerCounts(QObject):
    """Hears of every answer, those of the comparison too."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.counts = Answers()
        app.engine.ended.connect(self._take)

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
    shipped = default_bundle_path()
    copy, broken, empty = folder / "copy", folder / "broken", folder / "empty"
    shutil.copytree(shipped, copy)
    broken.mkdir()
    shutil.copy(shipped / "manifest.json", broken)
    empty.mkdir()
    return shipped, shipped, copy, copy, broken, empty
