"""All heads of a model at once: what each one looked at for one word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QImage, QPixmap
from PySide6.QtWidgets import QListView, QWidget

from mmgpt_desktop.attention.heads import agreement, concentration, head_maps
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.messages import AttentionMap, PatchGrid, Photo
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.controls import Choice
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.drawing import draw_cells, over_photo, small_photo
from mmgpt_desktop.ui.widgets.plain import Label, tip, window_title
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.widgets.texts import percent
from mmgpt_desktop.ui.widgets.theme import SMALL, untinted
from mmgpt_desktop.ui.worker import Task, TaskThread

_ICON = QSize(128, 96)
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, eq=False)
class InspectedWord:
    """A word whose heads are compared; `needed` is occlusion's map [row, column], if there is."""

    text: str
    maps: tuple[AttentionMap, ...]
    photo: Photo
    style: MapStyle
    needed: NDArray[np.float32] | None = None

    @property
    def grid(self) -> PatchGrid:
        return self.maps[0].grid


class HeadsModel(QAbstractListModel):
    """A row for each head, best first. A picture is drawn when a view first asks for it."""

    def __init__(self, word: InspectedWord, thread: TaskThread) -> None:
        super().__init__()
        self._word, self._thread = word, thread
        self._weights = head_maps(word.maps)  # [layer, head, cell]
        layers, heads = self._weights.shape[:2]
        self._by_place = [(layer, head) for layer in range(layers) for head in range(heads)]
        self._order = list(self._by_place)
        self.size = _ICON  # of each one, with its label
        self._scores: NDArray[np.float32] | None = None
        self._pictures: dict[tuple[int, int], QIcon] = {}
        self._asked: dict[tuple[int, int], Task] = {}

    def order_by(self, scores: NDArray[np.float32] | None) -> None:
        """By `scores` [layer, head], largest first, or by layer and head."""
        self.beginResetModel()
        self._scores, self._order = scores, list(self._by_place)
        if scores is not None:
            self._order.sort(key=lambda place: -scores[place])
        self.endResetModel()

    def scores(self, kind: str) -> NDArray[np.float32] | None:
        if kind == "needed" and self._word.needed is not None:
            return agreement(self._weights, self._word.needed.ravel())
        return concentration(self._weights) if kind == "concentration" else None

    def head(self, row: int) -> tuple[int, int]:
        return self._order[row]

    def widest_label(self, metrics: QFontMetrics) -> int:
        """In pixels, in the order of now."""
        return max(metrics.horizontalAdvance(self._label(place)) for place in self._by_place)

    @property
    def drawn(self) -> int:
        """How many pictures were asked for so far."""
        return len(self._asked)

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        place = self._order[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(place)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._label(place)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._label(place))
        if role == Qt.ItemDataRole.SizeHintRole:
            return self.size
        return None

    def _label(self, place: tuple[int, int]) -> str:
        layer, head = place
        text = self.tr("Layer {layer}, head {head}").format(layer=layer + 1, head=head + 1)
        if self._scores is None:
            return text
        return self.tr("{head}: {share}").format(head=text, share=percent(self._scores[place]))

    def _picture(self, place: tuple[int, int]) -> QIcon:
        if place not in self._asked:
            grid, word = self._word.grid, self._word
            cells = self._weights[place].reshape(grid.rows, grid.columns)

            def work(_task: Task) -> QImage:
                small = small_photo(levels_of(word.photo)[-1], _ICON)
                edge = max(small.width(), small.height())
                return over_photo(small, draw_cells(cells, grid, word.style, edge))

            self._asked[place] = self._thread.submit(work, partial(self._take, place))
        return self._pictures.get(place, _blank())

    def _take(self, place: tuple[int, int], picture: QImage) -> None:
        self._pictures[place] = untinted(QPixmap.fromImage(picture))
        index = self.index(self._order.index(place))
        self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def stop(self) -> None:
        for task in self._asked.values():
            task.cancel()


def _blank() -> QIcon:
    pixmap = QPixmap(_ICON)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)


class HeadGrid(Dialog):
    """Choosing a head shows it in the heatmap; its formula is a button away."""

    head_chosen = Signal(int, int)  # layer, head
    formula_wanted = Signal(int, int)

    def __init__(
        self, word: InspectedWord, thread: TaskThread, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        title = self.tr("All heads for “{word}”").format(word=word.text)
        self.setWindowTitle(window_title(title))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.model = HeadsModel(word, thread)
        self.model.setParent(self)
        self.list = QListView()
        self.list.setObjectName("heads")
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(_ICON)
        self.list.setAccessibleName(self.tr("All heads; Enter shows one in the heatmap"))
        self.list.setModel(self.model)
        self.list.activated.connect(self._show_head)
        self._make_order(word)
        self._arrange()
        self.finished.connect(self.model.stop)

    def _make_order(self, word: InspectedWord) -> None:
        self.order = Choice()
        if word.needed is not None:
            self.order.addItem(self.tr("Agreement with what the word needed"), "needed")
        self.order.addItem(self.tr("Concentration on few cells"), "concentration")
        self.order.addItem(self.tr("Layer and head"), "")
        self.order.setAccessibleName(self.tr("Order"))
        self.order.currentIndexChanged.connect(self._sort)
        self._sort()

    def _arrange(self) -> None:
        self.show_button = push_button(self.tr("Show in the heatmap"), self._show_head, "primary")
        self.formula_button = push_button(
            self.tr("The formula with its numbers…"), self._want_formula
        )
        label = Label(self.tr("Sorted by"))
        label.setBuddy(self.order)
        above, below = hbox(label, self.order, 1), hbox(1, self.formula_button, self.show_button)
        self.fill(above, (self.list, 1), below, wanted=QSize(840, 600), gap=SMALL)

    def _sort(self) -> None:
        self.model.order_by(self.model.scores(self.order.currentData()))
        width = max(_ICON.width(), self.model.widest_label(self.list.fontMetrics()))
        self.model.size = QSize(width + 16, _ICON.height() + 28)
        self.list.setGridSize(self.model.size + QSize(8, 4))
        self.list.setCurrentIndex(self.model.index(0))

    def _show_head(self) -> None:
        self.head_chosen.emit(*self.model.head(self.list.currentIndex().row()))

    def _want_formula(self) -> None:
        self.formula_wanted.emit(*self.model.head(self.list.currentIndex().row()))
