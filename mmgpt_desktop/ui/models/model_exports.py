"""Models that are made into ONNX graphs, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.hub.convert import ConversionReport
from mmgpt_desktop.ui.models.model_list import ListedModel, Models
from mmgpt_desktop.ui.worker import Task, TaskThread

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

    def __init__(self, thread: TaskThread, models: Models, home: Path) -> None:
        """`home` takes the graphs of models that are in nobody's own folder."""
        super().__init__()
        self._thread, self._models, self._home = thread, models, home
        self.running: Running | None = None
        self.reports: dict[str, ConversionReport] = {}  # by the made model's key
        self._task = CancelToken()

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
        checkpoint = row.path

        def work(task: Task) -> ConversionReport:
            from mmgpt_desktop.hub.convert import convert

            def report(fraction: float, what: str) -> None:
                task.report((fraction, what))

            return convert(checkpoint, out, precision, task, report)

        self.running = Running(row.key, out)
        self._task = self._thread.submit(work, self._take_report, self._fail, self._take_progress)
        self.changed.emit()

    def stop(self) -> None:
        """At once; nothing of it stays."""
        self._task.cancel()
        self._end()

    def _end(self) -> None:
        if self.running is not None:
            self.running = None
            self.changed.emit()

    def _take_progress(self, news: tuple[float, str]) -> None:
        if self.running is not None:
            self.running = replace(self.running, fraction=news[0], what=news[1])
            self.changed.emit()

    def _take_report(self, report: ConversionReport) -> None:
        self._end()
        self.reports[str(report.folder)] = report
        self._models.add_folder(report.folder)
        self.finished.emit(report)

    def _fail(self, error: AppError) -> None:
        self._end()
        self.failed.emit(error)
