"""Choose the model that answers: one that is here, or one to download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from mmgpt_desktop.embedded import MODELS
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.hub.cache import Phase, Progress
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.hub.convert import ConversionReport
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.models.model_details import Details, about, size
from mmgpt_desktop.ui.models.model_exports import ModelExports, Running
from mmgpt_desktop.ui.models.model_list import ListedModel, Models
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.fitting import ScrollArea, fit
from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.ui.widgets.texts import error_title, note_text, translated
from mmgpt_desktop.ui.widgets.theme import LARGE, MEDIUM, SMALL, Theme

_KEY = Qt.ItemDataRole.UserRole
_LIST_WIDTH = 300
_SMALLEST, _LARGEST = QSize(880, 600), QSize(1200, 800)
_GIGA = 10**9


class ModelsDialog(ByKeyboard, QDialog):
    """Enter does what the coloured button says, Delete what deletes; nothing is downloaded
    before a question was agreed to. Downloads go on when it is closed."""

    def __init__(
        self, theme: Theme, models: Models, exports: ModelExports, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Models"))
        self._models, self._exports = models, exports
        self._awaited = ""  # a model to look at once it is listed
        self.notices = Notices(theme)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Models"))
        self.list.setMaximumWidth(_LIST_WIDTH)
        self.list.setMinimumWidth(_LIST_WIDTH * 2 // 3)
        self.list.setWordWrap(True)
        self._heading_font = self.list.font()
        self._heading_font.setBold(True)
        self.details = Details()
        self._make_buttons()
        self._arrange()
        self.list.currentItemChanged.connect(self._look)
        self.list.itemActivated.connect(self._act)
        self.details.form.agreed.connect(self._export)
        for asked in (self.details.question, self.details.form):
            asked.opened.connect(self._return)
        models.changed.connect(self.show_models)
        models.failed.connect(self._tell)
        exports.changed.connect(self.show_models)
        exports.failed.connect(self._tell)
        exports.finished.connect(self._show_made)
        self.show_models()
        room = parent.size() * 0.7 if parent is not None else _SMALLEST
        fit(self, room.expandedTo(_SMALLEST).boundedTo(_LARGEST))

    def _make_buttons(self) -> None:
        self.delete_button = self._button("", self._ask_delete)
        self.export_button = self._button(self.tr("Export to ONNX…"), self._ask_export)
        self.stop_button = self._button(
            self.tr("Stop the export"), lambda _row: self._exports.stop()
        )
        self.cancel_button = self._button(
            self.tr("Stop the download"), lambda row: self._models.cancel(row.key)
        )
        self.download_button = self._button("", self._ask_download, "primary")
        self.use_button = self._button("", self._use, "primary")

    def _button(self, text: str, act: Callable[[ListedModel], None], look: str = "") -> QPushButton:
        """Acts on the model that is looked at."""

        def run() -> None:
            if (row := self.row) is not None:
                act(row)

        added = push_button(text, run, look)
        added.hide()  # all together are wider than any model has need of
        self.details.buttons.addWidget(added)
        return added

    def _arrange(self) -> None:
        self.add_button = push_button(self.tr("Add a folder…"), self.choose_folder)
        self.add_button.setToolTip(self.tr("A model that is on this computer already"))
        below = hbox(self.add_button, 1, push_button(self.tr("Close"), self.reject))
        middle = hbox((self.list, 1), (ScrollArea(self.details), 2), gap=MEDIUM)
        self.setLayout(
            vbox(
                self.notices, (middle, 1), below, gap=MEDIUM, margins=(LARGE, SMALL, LARGE, MEDIUM)
            )
        )
        self.list.setFocus()

    @property
    def row(self) -> ListedModel | None:
        """The model that is looked at."""
        item = self.list.currentItem()
        return self._models.row(item.data(_KEY)) if item is not None else None

    def look_at_current(self) -> None:
        """Begin with the model that is in use, and see what is on the disk now."""
        models = self._models
        self.choose(next((row.key for row in models.rows if models.in_use(row)), ""))
        self.details.hide_questions()
        models.refresh()

    def show_models(self) -> None:
        """Bring the list and the details up to date; the chosen one stays chosen."""
        rows = self._models.rows
        here, away = [row for row in rows if row.path], [row for row in rows if not row.path]
        groups = ((self.tr("On this computer"), here), (self.tr("To download"), away))
        keys = [key for _, rows in groups if rows for key in ("", *(row.key for row in rows))]
        if keys != [self.list.item(place).data(_KEY) or "" for place in range(self.list.count())]:
            self._fill(groups)
        for place in range(self.list.count()):
            item = self.list.item(place)
            row = self._models.row(item.data(_KEY) or "")
            if row is not None:
                item.setText(f"{printable(row.name)}\n{self._state(row)}")
        if self._awaited in keys:
            self.choose(self._awaited)
            self._awaited = ""
        self._show_details()

    def _fill(self, groups: tuple[tuple[str, list[ListedModel]], ...]) -> None:
        chosen = self.row
        self.list.blockSignals(True)
        self.list.clear()
        for title, rows in groups:
            if rows:
                heading = QListWidgetItem(title)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)
                heading.setFont(self._heading_font)
                self.list.addItem(heading)
            for row in rows:
                item = QListWidgetItem()
                item.setData(_KEY, row.key)
                item.setSizeHint(QSize(0, 2 * self.list.fontMetrics().lineSpacing() + MEDIUM))
                self.list.addItem(item)
        self.list.blockSignals(False)
        if chosen is not None:
            self.choose(chosen.key)

    def choose(self, key: str) -> None:
        """Look at a model."""
        for place in range(self.list.count()):
            if self.list.item(place).data(_KEY) == key:
                self.list.setCurrentRow(place)

    def _look(self) -> None:
        self.details.hide_questions()
        self._show_details()

    def _state(self, row: ListedModel) -> str:
        """In a few words, for the list."""
        progress = self._models.progress(row)
        if progress is not None:
            return self._progress_text(progress)
        if self._running(row) is not None:
            return self.tr("Being exported…")
        if self._models.in_use(row):
            return self.tr("In use")
        if row.path is not None:
            return size(row.size) if row.size else ""
        assert row.entry is not None
        if row.size:
            return self.tr("{size} of about {whole} are here").format(
                size=size(row.size), whole=about(row.entry.gigabytes)
            )
        return self.tr("About {size}").format(size=about(row.entry.gigabytes))

    def _progress_text(self, progress: Progress) -> str:
        if progress.phase is Phase.ASKING:
            return self.tr("Waiting to begin…")
        amount = self.tr("{done} of {total}").format(
            done=size(progress.done), total=size(progress.total)
        )
        return {
            Phase.LOADING: self.tr("Downloading: {amount}"),
            Phase.WAITING: self.tr("The server is silent; trying again: {amount}"),
            Phase.CHECKING: self.tr("Checking what arrived: {amount}"),
        }[progress.phase].format(amount=amount)

    def _show_details(self) -> None:
        row, details = self.row, self.details
        details.setVisible(row is not None)
        if row is None:
            return
        details.title.setText(printable(row.name))
        summary = self._summary(row)
        details.summary.setText(summary)
        details.summary.setVisible(bool(summary))
        details.show_facts(self._facts(row))
        progress = self._models.progress(row)
        running = self._running(row)
        if progress is not None:
            fraction = progress.done / progress.total if progress.total else -1.0
            details.show_progress(self._progress_text(progress), fraction)
        elif running is not None:
            details.show_progress(self._export_text(running), running.fraction)
        else:
            details.show_progress(None)
        self._show_buttons(row, loading=progress is not None, exporting=running is not None)

    def _running(self, row: ListedModel) -> Running | None:
        """The export of this model that is at work."""
        running = self._exports.running
        return running if running is not None and running.key == row.key else None

    def _export_text(self, running: Running) -> str:
        what = translated("progress", running.what) or self.tr("Starting PyTorch")
        return self.tr("Export: {what}…").format(what=what)

    def _show_buttons(self, row: ListedModel, *, loading: bool, exporting: bool) -> None:
        in_use, listed = self._models.in_use(row), row.entry is not None
        self.export_button.setVisible(row.exportable and not exporting)
        self.export_button.setEnabled(self._exports.running is None)
        self.stop_button.setVisible(exporting)
        use = self.tr("Draw with this model") if row.draws else self.tr("Use this model")
        self.use_button.setText(self.tr("In use") if in_use else use)
        self.use_button.setEnabled(not in_use)
        self.use_button.setVisible(row.path is not None)
        more = self.tr("Go on with the download…") if row.size else self.tr("Download…")
        self.download_button.setText(more)
        self.download_button.setVisible(listed and row.path is None and not loading)
        self.cancel_button.setVisible(loading)
        self.delete_button.setText(self.tr("Delete…") if listed else self.tr("Take off the list"))
        removable = not row.embedded and not in_use and not loading and not exporting
        self.delete_button.setVisible(removable and (not listed or row.size > 0))

    def _summary(self, row: ListedModel) -> str:
        if row.embedded:
            return note_text(MODELS[row.name])
        return translated("catalogue", row.entry.summary) if row.entry else ""

    def _facts(self, row: ListedModel) -> list[tuple[str, str]]:
        facts = []
        entry = row.entry
        if row.path is not None:
            facts.append((self.tr("On the disk"), size(row.size) if row.size else "…"))
        elif entry is not None:
            facts.append(
                (self.tr("Download"), self.tr("About {size}").format(size=about(entry.gigabytes)))
            )
        if entry is not None:
            needed = self.tr("About {size}").format(size=about(entry.memory_gigabytes))
            facts.append((self.tr("Memory needed"), needed))
        if self._models.free is not None:
            facts.append((self.tr("Memory free"), self._free_memory(*self._models.free)))
        if entry is not None:
            facts += [
                (self.tr("Licence"), self._licence(entry)),
                (self.tr("From"), f"{self._models.host}/{entry.repository}"),
            ]
        if not row.draws:
            facts.append((self.tr("Speed here"), self._speed(row)))
        if row.path is not None:
            facts.append((self.tr("Folder"), str(row.path)))
        report = self._exports.reports.get(row.key)
        return facts if report is None else facts + self._reported(report)

    def _speed(self, row: ListedModel) -> str:
        speed = self._models.speed(row)
        if not speed:
            return self.tr("Not measured yet")
        measured = self.tr("{count} tokens a second in its last answer")
        return measured.format(count=QLocale().toString(speed, "f", 0))

    def _free_memory(self, computer: int, card: int | None) -> str:
        if card is None:
            return size(computer)
        both = self.tr("{computer} in the computer, {card} on the graphics card")
        return both.format(computer=size(computer), card=size(card))

    def _reported(self, report: ConversionReport) -> list[tuple[str, str]]:
        """What the export gave."""
        sizes = self.tr("{size}, and the checkpoint's weights {before}").format(
            size=size(report.bytes), before=size(report.before)
        )
        if report.error is not None:
            lines = self.tr("Not compared: {why}").format(why=error_title(report.error))
        else:
            lines = "\n".join(map(note_text, report.comparison))
        facts = [(self.tr("Exported"), sizes), (self.tr("Beside PyTorch"), lines)]
        return facts + ([(self.tr("Heatmap"), note_text(report.heads))] if report.heads else [])

    def _licence(self, entry: CatalogueEntry) -> str:
        if not entry.gated:
            return entry.licence
        return self.tr("{licence}, to be accepted there first").format(licence=entry.licence)

    def _act(self) -> None:
        """What the coloured button of the chosen row does."""
        for button in (self.use_button, self.download_button):
            if button.isVisible() and button.isEnabled():
                button.click()
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete and self.delete_button.isVisible():
            self.delete_button.click()
        elif event.key() != Qt.Key.Key_Escape or not (
            self.details.hide_questions() or self.notices.close_newest()
        ):
            super().keyPressEvent(event)

    def _use(self, row: ListedModel) -> None:
        self._models.use(row.key)
        self.accept()

    def _ask_download(self, row: ListedModel) -> None:
        if row.entry is None:
            return
        left = max(0.0, row.entry.gigabytes - row.size / _GIGA)
        text = self.tr(
            "Connect to {host} and download about {size}? Its licence is: {licence}."
        ).format(host=self._models.host, size=about(left), licence=row.entry.licence)
        if row.entry.gated:
            text += " " + self.tr(
                "Accept its terms at {page} first, and enter an access token of yours, unless "
                "one is set up on this computer."
            ).format(page=f"{self._models.host}/{row.entry.repository}")
        self.details.question.ask(
            text,
            self.tr("Download"),
            lambda token: self._models.download(row.key, token),
            token=row.entry.gated,
        )

    def _ask_delete(self, row: ListedModel) -> None:
        if row.entry is None:  # nothing is lost
            self._models.delete(row.key)
            return
        text = self.tr(
            "Delete {size} from this computer? Other programs that use the Hugging Face cache "
            "have to download it again too."
        ).format(size=size(row.size))
        self.details.question.ask(
            text, self.tr("Delete"), lambda _token: self._models.delete(row.key)
        )

    def _ask_export(self, row: ListedModel) -> None:
        self.details.form.ask(*self._exports.proposed(row))

    def _export(self, precision: str, out: Path) -> None:
        if self.row is not None:
            self._exports.start(self.row, out, precision)

    def _show_made(self, report: ConversionReport) -> None:
        self._awaited = str(report.folder)

    def _return(self, opened: bool) -> None:
        """To the list, when what was asked is answered."""
        if not opened:
            self.list.setFocus()

    def choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Add a model's folder"))
        if folder:
            self._models.add_folder(Path(folder))

    def _tell(self, error: AppError) -> None:
        self.notices.tell_error(error)
