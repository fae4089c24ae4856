"""The keyboard, and what this program is."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialogButtonBox, QGridLayout, QWidget

from mmgpt_desktop import __version__
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.ui.widgets.box_layout import holder
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.fitting import ScrollArea, fit
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.theme import LARGE, SMALL


class KeysDialog(Dialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard"))
        rows = (
            ("Enter", self.tr("Ask")),
            ("Shift+Enter", self.tr("New line in the question")),
            ("↑  ↓", self.tr("Earlier questions, while in the question")),
            ("Esc", self.tr("Stop the answer, else close a notice")),
            ("←  →  ↑  ↓", self.tr("From word to word, while in the answer")),
            ("F5", self.tr("Play the answer word by word")),
            ("F6  F7", self.tr("All heads for the chosen word, and the formula's numbers")),
            ("X", self.tr("Hold: the map before this one, while in the answer or the heatmap")),
            ("Shift", self.tr("Drag with it to brush a zoomed photo in the heatmap")),
            ("Ctrl+O", self.tr("Open pictures")),
            ("Ctrl+V", self.tr("Paste a picture or a picture file")),
            ("F8", self.tr("The camera on or off; Space takes a picture")),
            ("F9, Shift+F9", self.tr("A part of the screen: take it, or follow it")),
            ("Ctrl+PgUp / PgDown", self.tr("Previous or next picture")),
            ("Ctrl+D", self.tr("Draw instead of asking, and back")),
            ("Ctrl+I", self.tr("Name another picture in the question")),
            ("Ctrl+W", self.tr("Remove this picture")),
            ("+  -  0", self.tr("Zoom in, out, whole picture, while in a picture")),
            ("Ctrl+Shift+C", self.tr("Copy the answer")),
            ("Ctrl+E, Ctrl+Shift+E", self.tr("Save the map as a picture, the answer as a report")),
            ("Ctrl+S, Ctrl+Shift+O", self.tr("Save the session, open one")),
            ("Ctrl+H", self.tr("Recent sessions, and a search in them")),
            ("Ctrl+R", self.tr("Answer again")),
            ("Ctrl+Shift+R", self.tr("Ask the last question with the chosen fusion")),
            ("Ctrl+Shift+F", self.tr("Compare the fusions")),
            ("Ctrl+M", self.tr("Choose or download a model")),
            ("Ctrl+L", self.tr("Clear this conversation")),
            ("Ctrl+Z", self.tr("Undo")),
            ("Ctrl+1 … 4", self.tr("Go to picture, question, answer, heatmap")),
            ("F11", self.tr("Full screen")),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(LARGE)
        grid.setVerticalSpacing(SMALL)
        for row, (keys, meaning) in enumerate(rows):
            grid.addWidget(Label(keys, bold=True), row, 0)
            grid.addWidget(Label(meaning), row, 1)
        _finish(self, grid)


class AboutDialog(Dialog):
    def __init__(self, model: ModelInfo | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About MMGPT Desktop"))
        picture = Label()
        icon = QIcon(str(resource_path("icons", "app.svg")))
        picture.setPixmap(icon.pixmap(QSize(64, 64), self.devicePixelRatioF()))
        title = Label(f"MMGPT Desktop {__version__}", scale=1.4, bold=True)
        texts = [
            self.tr(
                "Ask about a picture, read the answer word by word, and see where in the "
                "picture the model looked."
            ),
            self.tr("Everything stays on this computer."),
            self.tr(
                "The heatmap shows attention: where the model read from, not why it said "
                "what it said. Answers can be wrong."
            ),
            self.tr("Apache License 2.0"),
        ]
        if model is not None:
            texts.insert(2, f"{model.name}: {model.description}")
        grid = QGridLayout()
        grid.setHorizontalSpacing(LARGE)
        grid.setVerticalSpacing(SMALL)
        grid.addWidget(picture, 0, 0, len(texts) + 1, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(title, 0, 1)
        for row, text in enumerate(texts, start=1):
            label = Label(text, wraps=True)
            label.setMinimumWidth(380)
            grid.addWidget(label, row, 1)
        _finish(self, grid)


def _finish(dialog: Dialog, content: QGridLayout) -> None:
    content.setContentsMargins(0, 0, SMALL, 0)
    area = ScrollArea(holder(content), text=True)
    area.setAccessibleName(dialog.windowTitle())
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    dialog.fill(area, buttons, gap=LARGE)
    fit(dialog, dialog.sizeHint() + QSize(area.verticalScrollBar().sizeHint().width(), 0))
