"""Where pictures come from when somebody asks for them: a file, a sample, the clipboard."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog

from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.pictures.samples_dialog import SamplesDialog
from mmgpt_desktop.ui.pictures.sources import FILES
from mmgpt_desktop.ui.widgets.shell import Shell


class PictureChoice(QObject):
    def __init__(self, shell: Shell, pane: ImagePane) -> None:
        super().__init__(shell.window)
        self._shell, self.photos = shell, Photos(shell, pane)
        pane.open_wanted.connect(self.open_files)
        pane.samples_wanted.connect(self.open_samples)
        shell.actions.connect(
            {"open": self.open_files, "paste": self.paste, "samples": self.open_samples}
        )

    def paste(self) -> None:
        self.photos.take_mime(QGuiApplication.clipboard().mimeData())

    def open_files(self) -> None:
        pictures, everything = self.tr("Pictures and videos"), self.tr("All files")
        names, _ = QFileDialog.getOpenFileNames(
            self._shell.window,
            self.tr("Open pictures"),
            self._shell.preferences.settings.last_folder,
            f"{pictures} ({FILES});;{everything} (*)",
            options=QFileDialog.Option.HideNameFilterDetails,
        )
        if names:
            self._shell.preferences.change(last_folder=str(Path(names[0]).parent))
            self.photos.open([Path(name) for name in names])

    def open_samples(self) -> None:
        dialog = SamplesDialog(read_samples(), self._shell.window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.photos.open(dialog.paths)
        dialog.deleteLater()
