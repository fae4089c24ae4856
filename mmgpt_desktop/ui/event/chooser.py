"""Pictures to choose from, as large tiles: the samples, or the one folder that is allowed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.imaging.file_kinds import PICTURE_SUFFIXES
from mmgpt_desktop.ui.event.cards import Tile, in_turn, take_away, words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.shown_photo import tile_from_file
from mmgpt_desktop.ui.widgets.texts import Retranslated, translated
from mmgpt_desktop.ui.worker import Task, TaskThread

TILES = 6
_TILE = QSize(640, 480)  # pixels: sharp also on a large screen


def _small(path: Path, _task: CancelToken) -> QImage:
    return tile_from_file(path, _TILE)


def _pictures_in(folder: Path, _task: CancelToken) -> list[Path]:
    """By name, without folders, hidden files and links that lead out of the folder."""
    inside = folder.resolve()
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not path.name.startswith(".")
        and path.resolve().parent == inside
        and path.is_file()
    )


class Chooser(Retranslated, QWidget):
    """Six tiles at a time; decoding is left to the thread."""

    chosen = Signal(object)  # Path

    def __init__(self, scale: Scale, files: TaskThread) -> None:
        super().__init__()
        self.setObjectName("page")
        self._scale, self._files = scale, files
        self._paths: list[Path] = []
        self._titles: dict[Path, str] = {}
        self._first = 0
        self._listing = CancelToken()
        self._drawing: list[Task] = []
        self.tiles: list[Tile] = []
        self.heading, self.empty = words("huge", centred=True), words("body", centred=True)
        self.back = push_button()
        self.before = push_button(clicked=lambda: self._turn(-1))
        self.after = push_button(clicked=lambda: self._turn(+1))
        self._arrange()
        self.retranslate_ui()

    def _arrange(self) -> None:
        self._grid = self._scale.grid(gap=2)
        buttons = self._scale.hbox(self.back, 1, self.before, self.after, gap=2)
        self.setLayout(
            self._scale.vbox(
                self.heading, self.empty, (self._grid, 1), buttons, gap=2, margin=4, top=2.5
            )
        )
        self._scale.changed.connect(self._lay)
        self._lay()

    def retranslate_ui(self) -> None:
        self.heading.setText(self.tr("Touch a picture"))
        self.empty.setText(self.tr("There are no pictures here yet."))
        self.back.setText(self.tr("Back"))
        self.before.setText(self.tr("Earlier ones"))
        self.after.setText(self.tr("More"))

    def show_samples(self, titles: dict[Path, str]) -> None:
        """`titles` are in the catalogue's context "samples"."""
        self._listing.cancel()
        self._titles = titles
        self._show(list(titles))

    def show_folder(self, folder: Path) -> None:
        self._listing.cancel()
        self._titles = {}
        self._show([])
        self.empty.hide()
        self._listing = self._files.submit(
            partial(_pictures_in, folder), self._show, self._show_none
        )

    def clear(self) -> None:
        self._listing.cancel()
        self._show([])

    def _show_none(self, _error: AppError) -> None:
        """A folder that went away holds nothing."""
        self._show([])

    def _show(self, paths: list[Path]) -> None:
        self._paths, self._first = paths, 0
        self.empty.setVisible(not paths)
        self._lay()
        if self.tiles:
            self.tiles[0].setFocus()

    def _turn(self, by: int) -> None:
        self._first = max(0, self._first + by * TILES)
        self._lay()

    def _lay(self) -> None:
        take_away(self._grid, self.tiles)
        for task in self._drawing:
            task.cancel()
        self._drawing.clear()
        page = self._paths[self._first : self._first + TILES]
        self.tiles = [self._tile(path) for path in page]
        columns = 2 if self._scale.upright else 3
        for place, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, *divmod(place, columns))
        self.before.setVisible(self._first > 0)
        self.after.setVisible(self._first + TILES < len(self._paths))
        in_turn([*self.tiles, self.back, self.before, self.after])

    def _tile(self, path: Path) -> Tile:
        title = translated("samples", self._titles.get(path, "")) or path.stem
        tile = Tile(title)
        tile.clicked.connect(lambda: self.chosen.emit(path))
        self._drawing.append(self._files.submit(partial(_small, path), tile.show_picture))
        return tile
