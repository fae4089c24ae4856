"""A report as files: never half of one, and every failure in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.report.data_files import as_json, as_npz
from mmgpt_desktop.report.html_page import page
from mmgpt_desktop.report.pictures import film, picture
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.writing import write


class Kind(StrEnum):
    """What can be saved; the value is the file's suffix, and JSON has an NPZ beside it."""

    PNG = "png"
    GIF = "gif"
    HTML = "html"
    JSON = "json"


def save(
    report: Report,
    kind: Kind,
    path: Path,
    progress: Callable[[float], None] = lambda _done: None,
    word: Word | None = None,
) -> None:
    """Write one kind; `word` is the one that a picture shows. Raises AppError.

    `progress` gets the fraction that is drawn; what it raises ends the work.
    """
    if kind is Kind.PNG:
        write(path, picture(report, word))
    elif kind is Kind.GIF:
        write(path, film(report, progress))
    elif kind is Kind.HTML:
        write(path, page(report, progress).encode())
    else:
        arrays = path.with_suffix(".npz")
        if arrays == path or (arrays.exists() and not path.exists()):
            title = "The numbers would go to {name}, and that is another file already."
            hint = "Choose another name, one that ends in .json."
            raise AppError(title, hint, name=safe_name(arrays.name))
        write(arrays, as_npz(report))
        write(path, as_json(report, arrays.name))
