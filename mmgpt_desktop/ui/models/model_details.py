"""The right half of the models' dialog: what is known of a model, and what is asked about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFormLayout, QFrame, QLineEdit, QProgressBar, QWidget

from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.models.model_exports import PRECISIONS, USUAL
from mmgpt_desktop.ui.widgets.box_layout import Part, hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.controls import Choice
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.theme import LARGE, MEDIUM, SMALL

_GIGA = 10**9


class _AskedHere(QFrame):
    """Something that must be agreed to, where it was caused."""

    opened = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.text = wrapped()
        self.yes = push_button(clicked=self._agree, look="primary")
        self.no = push_button(clicked=self.hide)
        self.hide()

    def fill(self, part: Part) -> None:
        """What stands between the sentence and its buttons."""
        buttons = hbox(1, self.no, self.yes)
        self.setLayout(vbox(self.text, part, buttons, gap=SMALL, margins=MEDIUM))

    def open_at(self, first: QWidget) -> None:
        self.show()
        first.setFocus()
        announce(self, self.text.text())

    def _agree(self) -> None:
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        self.opened.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        self.opened.emit(False)


class ConsentForm(_AskedHere):
    """What is agreed to runs with the token that was typed, if one was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._then: Callable[[str], None] = lambda _token: None
        self.no.setText(self.tr("Not now"))
        self.token = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText(self.tr("Access token (kept for this download only)"))
        self.token.setAccessibleName(self.token.placeholderText())
        self.token.returnPressed.connect(self._agree)
        self.fill(self.token)

    def ask(self, text: str, yes: str, then: Callable[[str], None], *, token: bool = False) -> None:
        self._then = then
        self.text.setText(text)
        self.yes.setText(yes)
        self.token.clear()
        self.token.setVisible(token)
        self.open_at(self.token if token else self.yes)

    def _agree(self) -> None:
        token = self.token.text().strip()
        self.token.clear()
        self.hide()
        self._then(token)


class ExportForm(_AskedHere):
    """How and where a model's ONNX graphs are to be made; `agreed` has precision and folder."""

    agreed = Signal(str, object)  # one of PRECISIONS, Path

    def __init__(self) -> None:
        super().__init__()
        self._parent, self._name = Path(), ""
        self.text.setText(
            self.tr(
                "Make ONNX graphs of this model? PyTorch takes some minutes for that, and as much "
                "memory as for an answer. The checkpoint stays as it is."
            )
        )
        self.precision = Choice()
        self.precision.setAccessibleName(self.tr("How the language model's weights are kept"))
        texts = (
            self.tr("32 bits: exact, and the largest"),
            self.tr("16 bits: half the size"),
            self.tr("8 bits: a quarter of the size"),
            self.tr("4 bits: an eighth, and the least exact"),
            self.tr("8 and 4 bits: reads questions fastest, the room of both"),
        )
        for name, text in zip(PRECISIONS, texts, strict=True):
            self.precision.addItem(text, name)
        self.precision.currentIndexChanged.connect(self._show_place)
        self.place = ElidedLabel()
        self.choose = push_button(self.tr("Choose…"), self._choose_place)
        self.choose.setAccessibleName(self.tr("Choose where the new folder is made"))
        self.yes.setText(self.tr("Export"))
        self.no.setText(self.tr("Not now"))
        self._arrange()

    def _arrange(self) -> None:
        weights, folder = Label(self.tr("Weights")), Label(self.tr("Folder"))
        weights.setBuddy(self.precision)
        folder.setBuddy(self.choose)
        rows = QFormLayout(horizontalSpacing=MEDIUM, verticalSpacing=SMALL)
        rows.addRow(weights, self.precision)
        rows.addRow(folder, hbox((self.place, 1), self.choose, margins=0))
        self.fill(rows)

    def ask(self, name: str, place: Path) -> None:
        """The folder is made within `place`, and called after the model."""
        self._parent, self._name = place, name
        self.precision.setCurrentIndex(self.precision.findData(USUAL))
        self._show_place()
        self.open_at(self.precision)

    @property
    def out(self) -> Path:
        return self._parent / f"{self._name}-onnx-{self.precision.currentData()}"

    def _show_place(self) -> None:
        self.place.say(printable(str(self.out)))

    def _choose_place(self) -> None:
        title = self.tr("Where the graphs' folder is made")
        folder = QFileDialog.getExistingDirectory(self, title, str(self._parent))
        if folder:
            self._parent = Path(folder)
            self._show_place()

    def _agree(self) -> None:
        self.hide()
        self.agreed.emit(self.precision.currentData(), self.out)


class Details(QFrame):
    """What is known of one model, and what can be done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.title = Label(wraps=True, selectable=True, scale=1.25, bold=True)
        self.summary = wrapped()
        self._shown: list[tuple[str, str]] = []
        self.facts = QFormLayout(horizontalSpacing=LARGE, verticalSpacing=SMALL)
        self.state = wrapped()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("How far it is"))
        self.question, self.form = ConsentForm(), ExportForm()
        self.actions_row = QWidget()
        for asked in (self.question, self.form):
            asked.opened.connect(self.actions_row.setHidden)
        self.buttons = hbox(1, gap=SMALL, margins=0)
        self.actions_row.setLayout(self.buttons)
        self.setLayout(
            vbox(
                self.title,
                self.summary,
                self.facts,
                1,
                self.state,
                self.bar,
                self.question,
                self.form,
                self.actions_row,
                gap=MEDIUM,
                margins=(LARGE, MEDIUM, LARGE, MEDIUM),
            )
        )

    def hide_questions(self) -> bool:
        """Whether something was asked that is withdrawn now."""
        asked = self.question.isVisible() or self.form.isVisible()
        self.question.hide()
        self.form.hide()
        return asked

    def show_progress(self, text: str | None, fraction: float = -1.0) -> None:
        """What is going on with the model; None for nothing, and below 0 for no end in sight."""
        self.bar.setVisible(text is not None)
        self.state.setVisible(text is not None)
        if text is not None:
            self.bar.setRange(0, 1000 if fraction >= 0 else 0)
            self.bar.setValue(round(1000 * max(0.0, fraction)))
            self.state.setText(text)

    def show_facts(self, facts: list[tuple[str, str]]) -> None:
        """Made anew where they changed alone: somebody may have marked one to copy it."""
        if facts == self._shown:
            return
        self._shown = facts
        while self.facts.rowCount():
            self.facts.removeRow(0)
        for name, text in facts:
            term, value = Label(name, look="muted"), wrapped()
            term.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setText(printable(text))
            self.facts.addRow(term, value)


def wrapped() -> Label:
    return Label(wraps=True, selectable=True)


def size(count: float) -> str:
    decimals = 1 if count >= _GIGA else 0
    units = QLocale.DataSizeFormat.DataSizeSIFormat
    return QLocale().formattedDataSize(round(count), decimals, units)


def about(gigabytes: float) -> str:
    return size(gigabytes * _GIGA)
