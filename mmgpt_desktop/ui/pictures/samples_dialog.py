"""The photos that come with the program, to try it out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from mmgpt_desktop.resources import SamplePhoto
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.texts import translated
from mmgpt_desktop.ui.widgets.theme import SMALL, untinted

_ICON = QSize(168, 126)


class SamplesDialog(Dialog):
    """Choose photos; below, where the chosen one is from."""

    def __init__(self, samples: tuple[SamplePhoto, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Sample photos"))
        self._samples = samples
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Sample photos"))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.list.setIconSize(_ICON)
        self.list.setSpacing(SMALL)
        self.list.setWordWrap(True)
        for sample in samples:
            pixmap = QPixmap(str(sample.path))
            item = QListWidgetItem(untinted(pixmap), translated("samples", sample.title))
            item.setSizeHint(_ICON + QSize(16, 40))
            self.list.addItem(item)
        self.source = Label(look="muted", wraps=True, selectable=True)
        self.source.setMinimumHeight(self.source.fontMetrics().height() * 2 + 4)
        self.open_button = push_button(self.tr("Open"), self.accept, "primary")
        self.open_button.setDefault(True)
        buttons = hbox(1, push_button(self.tr("Cancel"), self.reject), self.open_button)
        self.fill((self.list, 1), self.source, buttons, wanted=QSize(640, 520))
        self.list.itemActivated.connect(self.accept)
        self.list.itemSelectionChanged.connect(self._describe)
        self.list.setCurrentRow(0)

    @property
    def paths(self) -> list[Path]:
        rows = sorted(self.list.row(item) for item in self.list.selectedItems())
        return [self._samples[row].path for row in rows]

    def _describe(self) -> None:
        self.open_button.setEnabled(bool(self.paths))
        row = self.list.currentRow()
        if 0 <= row < len(self._samples):
            sample = self._samples[row]
            self.source.setText(
                self.tr("{title}, by {author}. Licence: {licence}. Source: {source}").format(
                    title=translated("samples", sample.title),
                    author=sample.author,
                    licence=sample.licence,
                    source=sample.source,
                )
            )
