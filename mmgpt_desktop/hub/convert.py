"""A checkpoint made into ONNX graphs in a process of its own.

That process can be ended at once in the midst of PyTorch's exporter, and when the memory runs
out it is the one that dies, not the window.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.work_folder import sweep_exports
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.text import reason_of, safe_name

Progress = Callable[[float, str], None]  # fraction 0..1, what is being done

_COMPARING = 0.9
_NICENESS = 10


@dataclass(frozen=True)
class ConversionReport:
    """What an export gave: bytes of the graphs' folder and of the checkpoint's weights,
    sentences that compare both, and one on how the heatmap's heads were chosen; `error` where
    that could not be found out."""

    folder: Path
    bytes: int
    before: int
    comparison: tuple[Note, ...]
    heads: Note = NO_NOTE
    error: AppError | None = None


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
        found: ConversionReport | AppError = _exported(pipe, checkpoint, out, precision)
    except AppError as error:
        found = error
    except OSError as error:
        title, hint = "The graphs could not be written: {reason}.", "Choose another place for them."
        found = AppError(title, hint, reason=reason_of(error))
    except Exception as error:
        title = "The model could not be exported ({reason})."
        found = RuntimeFailure(title, "Choose another model.", reason=reason_of(error))
    pipe.send(found)


def _exported(pipe: Connection, checkpoint: Path, out: Path, precision: str) -> ConversionReport:
    from mmgpt_desktop.engine.head_choice import SCENES
    from mmgpt_desktop.export.against_torch import comparison_report
    from mmgpt_desktop.export.export_folder import choose_heads, export
    from mmgpt_desktop.export.linear import Precision

    def progress(fraction: float, what: str) -> None:
        pipe.send((fraction, what))

    done = export(checkpoint, out, Precision(precision), progress)
    lines, heads, error = list[Note](), NO_NOTE, None
    try:
        heads = choose_heads(done.folder, SCENES, progress)
        progress(_COMPARING, "Comparing with PyTorch")
        lines = comparison_report(checkpoint, out)
    except AppError as failure:
        error = failure
    return ConversionReport(
        done.folder, sum(done.sizes.values()), done.before, tuple(lines), heads, error
    )
