"""Models that are made into ONNX graphs, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.hub.convert import ConversionReport
from mmgpt_desktop.ui.models.model_list import ListedModel, Models
from mmgpt_desktop.ui.worker import TaskThread

PRECISIONS = ("fp32", "fp16", "int8", "int4", "mixed")
USUAL = "int8"


@dataclass(frozen=True)
class Running:
    """An export of the model `key` into the folder `out`, and how far it is."""

    key: str
    out: Path
    fraction: float = 0.0
    what: str = ""


class ModelExports(QObject):
    """Works on its thread; all methods are for the GUI thread. What was made is listed."""

    changed = Signal()
    failed = Signal(object)  # AppError
    finished = Signal(object)  # ConversionReport

    _progressed = Signal(object, float, str)  # key, fraction, what; from the thread

    def __init__(self, thread: TaskThread, models: Models, home: Path) -> None:
        """`home` takes the graphs of models that are in nobody's own folder."""
        super().__init__()
        self._thread, self._models, self._home = thread, models, home
        self.running: Running | None = None
        self.reports: dict[str, ConversionReport] = {}  # by the made model's key
        self._cancel = CancelToken()
        self._job = object()
        thread.done.connect(self._take_report)
        thread.failed.connect(self._take_failure)
        self._progressed.connect(self._take_progress)

    def proposed(self, row: ListedModel) -> tuple[str, Path]:
        """What to call a model's graphs, and the folder for theirs."""
        if row.entry is not None:
            return row.entry.repository.rpartition("/")[2], self._home
        path = row.path or self._home
        return path.name, path.parent

    def start(self, row: ListedModel, out: Path, precision: str) -> None:
        """Nothing happens while another export runs."""
        if self.running is not None or row.path is None:
            return
        checkpoint, job = row.path, object()
        report = partial(self._progressed.emit, job)

        def work(cancel: CancelToken) -> ConversionReport:
            from mmgpt_desktop.hub.convert import convert

            return convert(checkpoint, out, precision, cancel, report)

        self.running, self._job = Running(row.key, out), job
        self._cancel = self._thread.submit(job, work)
        self.changed.emit()

    def stop(self) -> None:
        """At once; nothing of it stays."""
        self._cancel.cancel()
        self._end(self._job)

    def _end(self, job: object) -> bool:
        """False for one that was stopped before."""
        wanted = job is self._job and self.running is not None
        if wanted:
            self.running = None
            self.changed.emit()
        return wanted

    @Slot(object, float, str)
    def _take_progress(self, job: object, fraction: float, what: str) -> None:
        if job is self._job and self.running is not None:
            self.running = replace(self.running, fraction=fraction, what=what)
            self.changed.emit()

    @Slot(object, object)
    def _take_report(self, job: object, report: ConversionReport) -> None:
        if self._end(job):
            self.reports[str(report.folder)] = report
            self._models.add_folder(report.folder)
            self.finished.emit(report)

    @Slot(object, object)
    def _take_failure(self, job: object, error: AppError) -> None:
        if self._end(job):
            self.failed.emit(error)
