"""Saves the answer in view: a picture, a film, a page, a card or data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path, PurePath

from PySide6.QtCore import QObject, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices

from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.imaging.drawing_file import drawing_png
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.report_files import Kind, save
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.files.saving import ask_where_to_save, proposed_stem
from mmgpt_desktop.ui.heatmap.answer_report import report_maker
from mmgpt_desktop.ui.heatmap.heatmap_controller import HeatmapController
from mmgpt_desktop.ui.widgets.notices import Notice
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.worker import Task
from mmgpt_desktop.writing import write

_UNSAFE = re.compile(r"[^\w\- ]")  # in a file's name, on one system or another


class Exporter(QObject):
    """What is saved is captured when the menu is used; drawing and writing happen on a thread."""

    def __init__(self, shell: Shell, chat: ChatController, heatmap: HeatmapController) -> None:
        super().__init__(shell.window)
        self._shell, self._chat, self._thread = shell, chat, shell.threads["exports"]
        self._pane, self._heatmaps = heatmap.pane, heatmap.heatmaps
        self._folder = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.PicturesLocation
        )
        shell.actions.connect({f"export-{kind}": partial(self.export, kind) for kind in Kind})
        shell.actions.connect(
            {"export-card": self.export_card, "export-drawing": self.export_drawing}
        )

    def export(self, kind: Kind) -> None:
        """Ask for a name and save the answer of the chosen word, else the last one."""
        turn, word = self._turn(), self._word()
        if (report := self._report_maker(turn)) is None or turn is None:
            return
        path = self.ask_path((kind,), self._proposed(turn, kind))
        if path is not None:
            self._save(path, lambda go_on: save(report(), kind, path, go_on, word))

    def export_card(self) -> None:
        """The same as one card, to be printed."""
        turn, when = self._turn(), datetime.now()
        if (report := self._report_maker(turn)) is None or turn is None:
            return
        path = self.ask_path(("png", "pdf"), self._proposed(turn, "png"))
        if path is None:
            return

        def work(_go_on: Callable[[float], None]) -> None:
            from mmgpt_desktop.event.card import as_file, card  # not while the app starts
            from mmgpt_desktop.event.profile import Brand

            sheet = card(report(), Brand(), "MMGPT Desktop", when)
            write(path, as_file(sheet, "pdf" if path.suffix.lower() == ".pdf" else "png"))

        self._save(path, work)

    def export_drawing(self) -> None:
        """The picture in view, if it was drawn here, with what drew it."""
        photo, drawing = self._chat.conversation.photo, self._chat.conversation.drawing
        if photo is None or drawing is None:
            return
        stem = proposed_stem(_UNSAFE.sub("_", photo.name)) or "drawing"
        path = self.ask_path(("png",), f"{stem}.png")
        if path is not None:
            pixels = photo.pixels
            self._save(path, lambda _go_on: write(path, drawing_png(pixels, drawing)))

    def _save(self, path: Path, work: Callable[[Callable[[float], None]], None]) -> None:
        """`work` calls what it is given with the fraction that is done."""
        self._folder = str(path.parent)
        saving = self.tr("Saving {name}…").format(name=path.name)
        notice = self._shell.notices.tell(saving, stays=True)

        def run(task: Task) -> None:
            def go_on(done: float) -> None:
                task.raise_if_cancelled()
                task.report(done)

            work(go_on)

        task = self._thread.submit(
            run,
            partial(self._tell_done, path, notice),
            partial(self._fail, notice),
            partial(self._shell.notices.show_progress, notice),
        )
        notice.add_action(self.tr("Cancel"), task.cancel)

    def _turn(self) -> Turn | None:
        if self._heatmaps.chosen is not None:
            return self._heatmaps.chosen[0]
        turns = self._chat.conversation.turns
        return turns[-1] if turns else None

    def _word(self) -> Word | None:
        """The one whose map is in view; None for the whole answer's."""
        chosen = self._heatmaps.chosen
        if chosen is None or self._pane.picture.whole:
            return None
        return chosen[0].words[chosen[1]]

    def _report_maker(self, turn: Turn | None) -> Callable[[], Report] | None:
        """None, and a notice, where no answer is finished."""
        model = (turn.model if turn is not None else None) or self._chat.model
        if turn is None or turn.outcome is None or model is None:
            self._shell.notices.tell(
                self.tr("There is no finished answer to save."),
                self.tr("Ask about a picture first."),
            )
            return None
        return report_maker(turn, model, self._heatmaps, self._pane.drawing.map_style)

    def _proposed(self, turn: Turn, suffix: str) -> str:
        photo = turn.request.images[0].name if turn.request.images else ""
        stem = proposed_stem(_UNSAFE.sub("_", PurePath(photo).stem)) or "answer"
        return f"{stem}.{suffix}"

    def ask_path(self, suffixes: Sequence[str], proposed: str) -> Path | None:
        """The dialog asks before a file is replaced."""
        kinds = {f"{suffix.upper()} (*.{suffix})": suffix for suffix in suffixes}
        title = self.tr("Save the answer")
        return ask_where_to_save(self._shell.window, title, self._folder, kinds, proposed)

    def _tell_done(self, path: Path, saving: Notice, _nothing: None) -> None:
        self._shell.notices.forget(saving)
        notice = self._shell.notices.tell(
            self.tr("Saved as {name}.").format(name=path.name), str(path.parent)
        )
        notice.add_action(self.tr("Open"), partial(self.open, path))

    def open(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._shell.notices.tell(
                self.tr("No program was found that opens {name}.").format(name=path.name),
                str(path.parent),
                problem=True,
            )

    def _fail(self, saving: Notice, error: AppError) -> None:
        self._shell.notices.forget(saving)
        self._shell.notices.tell_error(error)
