"""softmax(Q K^T / sqrt(d)) V with the numbers of one head and one word."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtWidgets import QDialogButtonBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import HeadNumbers, PatchGrid
from mmgpt_desktop.ui.widgets.box_layout import holder, vbox
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.fitting import ScrollArea
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.texts import error_hint, error_title, percent
from mmgpt_desktop.ui.widgets.theme import MEDIUM

_SHOWN = 4  # of a vector's numbers


def number(value: float) -> str:
    return QLocale().toString(float(value), "f", 2)


def vector(values: NDArray[np.float32], shown: int = _SHOWN) -> str:
    more = ", …" if len(values) > shown else ""
    return f"({', '.join(number(float(value)) for value in values[:shown])}{more})"


class FormulaDialog(Dialog):
    """What a head computed for one token; waits until the numbers are there."""

    def __init__(
        self, word: str, layer: int, head: int, grid: PatchGrid, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("The formula with its numbers"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._grid = grid
        self.formula = Label("softmax(Q Kᵀ / √d) V", scale=1.6, bold=True)
        said = self.tr(
            "“{word}”, layer {layer}, head {head}: the query q asks with what was read so "
            "far, each cell of the photo offers a key k and a value v. The better k fits q, "
            "the more of v is read."
        )
        self.what = Label(said.format(word=word, layer=layer + 1, head=head + 1), wraps=True)
        self.query = Label(wraps=True)
        self.table = QTableWidget(0, 6)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setAccessibleName(self.tr("The brightest cells and what they give"))
        waiting = self.tr("Being computed. The first time takes some seconds…")
        self.worked = Label(waiting, wraps=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        # The last stretch until the table is there.
        parts = (self.formula, self.what, self.query, (self.table, 1), self.worked, 0)
        inside = holder(vbox(*parts, gap=MEDIUM, margins=0))
        self.fill((ScrollArea(inside), 1), buttons, wanted=QSize(860, 560))
        self.query.hide()
        self.table.hide()

    def show_error(self, error: AppError) -> None:
        self.worked.setText(f"{error_title(error)} {error_hint(error)}".strip())

    def show_numbers(self, numbers: HeadNumbers) -> None:
        size = len(numbers.query)
        self.query.setText(
            self.tr("q = {vector}, {count} numbers; √d = {root}").format(
                vector=vector(numbers.query, 8), count=size, root=number(math.sqrt(size))
            )
        )
        self._fill(numbers)
        self.worked.setText(self._worked(numbers))
        self.query.show()
        self.table.show()

    def _fill(self, numbers: HeadNumbers) -> None:
        self.table.setHorizontalHeaderLabels(
            [self.tr("cell"), "k", "q·k / √d", "exp(q·k / √d)", self.tr("weight"), "v"]
        )
        self.table.setRowCount(len(numbers.cells) + 2)
        place = self.tr("row {row}, column {column}")
        for row, cell in enumerate(numbers.cells):
            where = place.format(
                row=int(cell) // self._grid.columns + 1, column=int(cell) % self._grid.columns + 1
            )
            score = float(numbers.scores[row])
            weight = percent(numbers.weights[row], 1)
            key, value = vector(numbers.keys[row]), vector(numbers.values[row])
            self._row(row, (where, key, number(score), number(math.exp(score)), weight, value))
        last = len(numbers.cells)
        everything = number(numbers.denominator)
        rest = percent(numbers.rest, 1)
        self._row(last, (self.tr("all other cells, names and text"), "", "", "", rest, ""))
        output = vector(numbers.output)
        self._row(last + 1, (self.tr("together"), "", "", everything, percent(1.0), output))

    def _row(self, row: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            self.table.setItem(row, column, QTableWidgetItem(text))

    def _worked(self, numbers: HeadNumbers) -> str:
        """The brightest cell's line of the formula, with its numbers put in."""
        score, root = float(numbers.scores[0]), math.sqrt(len(numbers.query))
        return self.tr(
            "The brightest cell: q·k = {product}, divided by {root} is {score}. exp({score}) = "
            "{exponential}, divided by the sum over everything, {sum}, is {weight}. So much of "
            "its v is in what the head read: {output}."
        ).format(
            product=number(score * root),
            root=number(root),
            score=number(score),
            exponential=number(math.exp(score)),
            sum=number(numbers.denominator),
            weight=percent(numbers.weights[0], 1),
            output=vector(numbers.output),
        )
