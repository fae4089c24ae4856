"""A checkpoint made into ONNX graphs in a process of its own.

That process can be ended at once in the midst of PyTorch's exporter, and when the memory runs
out it is the one that dies, not the window.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.folder.work_folder import sweep_exports
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.text import reason_of, safe_name

_COMPARING = 0.9
_NICENESS = 10


@dataclass(frozen=True)
class ConversionReport:
    """What an export gave: the bytes of each file, and those of the checkpoint's weights `before`;
    sentences that compare both, and one on how the heatmap's heads were chosen; `error` where
    that could not be found out."""

    folder: Path
    sizes: Mapping[str, int]
    before: int
    comparison: tuple[Note, ...] = ()
    heads: Note = NO_NOTE
    error: AppError | None = None

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


def convert(
    checkpoint: Path, out: Path, precision: str, cancel: CancelToken, progress: Progress
) -> ConversionReport:
    """Write the graphs into the new folder `out`, with the language model's weights as
    `Precision` names them; on failure nothing stays there.

    Raises AppError with a sentence, and Cancelled.
    """
    if out.exists():
        title = "There is a folder {path} already."
        raise AppError(title, "Choose another place for the graphs.", path=safe_name(str(out)))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, checkpoint, out, precision), daemon=True)
    process.start()
    theirs.close()
    forget = cancel.on_cancel(process.kill)
    try:
        found = _last_message(ours, progress)
    finally:
        forget()
        process.kill()
        process.join()
        ours.close()
    if not isinstance(found, ConversionReport) or cancel.cancelled:
        sweep_exports(out.parent)
        shutil.rmtree(out, ignore_errors=True)
    cancel.raise_if_cancelled()
    if isinstance(found, AppError):
        raise found
    return found


def _last_message(pipe: Connection, progress: Progress) -> ConversionReport | AppError:
    """What the other process ends with; what it tells before goes to `progress`."""
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            title = "The export was ended from outside, most likely because the memory was full."
            return RuntimeFailure(title, "Close other programs, or take a smaller model.")
        if isinstance(message, ConversionReport | AppError):
            return message
        progress(*message)


def work(pipe: Connection, checkpoint: Path, out: Path, precision: str) -> None:
    """All that the other process does."""
    warnings.simplefilter("ignore")  # libraries' warnings are for developers, and so is
    for stream in (1, 2):  # what they print
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # an answer that is written meanwhile goes first
    try:
        found: ConversionReport | AppError = export_and_try(
            checkpoint, out, precision, lambda *news: pipe.send(news)
        )
    except AppError as error:
        found = error
    except OSError as error:
        title, hint = "The graphs could not be written: {reason}.", "Choose another place for them."
        found = AppError(title, hint, reason=reason_of(error))
    except Exception as error:
        title = "The model could not be exported ({reason})."
        found = RuntimeFailure(title, "Choose another model.", reason=reason_of(error))
    pipe.send(found)


def export_and_try(
    checkpoint: Path, out: Path, precision: str, progress: Progress, *, compare: bool = True
) -> ConversionReport:
    """Write the graphs, choose the heads of their heatmap, and ask them and PyTorch the same.

    Raises as `export`; what fails afterwards is in the report.
    """
    from mmgpt_desktop.engine.folder.checkpoint import weight_files
    from mmgpt_desktop.engine.folder.recognise import model_folder
    from mmgpt_desktop.engine.head_choice import SCENES
    from mmgpt_desktop.export.against_torch import comparison_report
    from mmgpt_desktop.export.export_folder import choose_heads, export
    from mmgpt_desktop.export.linear import Precision

    sizes = export(checkpoint, out, Precision(precision), progress)
    before = sum(file.stat().st_size for file in weight_files(model_folder(checkpoint)))
    report = ConversionReport(out, sizes, before)
    try:
        report = replace(report, heads=choose_heads(out, SCENES, progress))
        if compare:
            progress(_COMPARING, "Comparing with PyTorch")
            report = replace(report, comparison=tuple(comparison_report(checkpoint, out)))
    except AppError as failure:
        return replace(report, error=failure)
    return report
