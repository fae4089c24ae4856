"""The presenter's own screen: what is shown next, and how."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFormLayout, QGroupBox, QPushButton, QWidget

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.controls import Choice, Slide
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.texts import Own, Retranslated, fusion_label, own, own_locale
from mmgpt_desktop.ui.widgets.theme import LARGE, MEDIUM

SLOWEST, FASTEST = 25, 400  # hundredths


class Presenter(ByKeyboard, Own, Retranslated, QWidget):
    """Does nothing itself, and is told what became of it. It speaks the organiser's language."""

    command = Signal(str)  # "next", "previous", "play", "blank", "freeze", "reset", "leave"
    asked = Signal(str)
    closed = Signal()
    rewritten = Signal()  # in another language

    def __init__(self) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Window | Qt.WindowType.WindowStaysOnTopHint)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sample = Label(scale=1.2, bold=True)
        self.buttons: dict[str, QPushButton] = {}
        for name in ("previous", "next", "play", "freeze", "blank", "reset", "leave"):
            button = self.buttons[name] = QPushButton()
            button.clicked.connect(lambda _=False, name=name: self.command.emit(name))
        for name in ("play", "freeze", "blank"):
            self.buttons[name].setCheckable(True)
        self.questions, self.ask = Choice(), QPushButton()
        self.questions.setEditable(True)
        self.questions.setInsertPolicy(Choice.InsertPolicy.NoInsert)
        self.questions.setCompleter(None)  # type: ignore[arg-type]  # what is written is asked
        line = self.questions.lineEdit()
        assert line is not None  # it is editable
        line.returnPressed.connect(self.ask.click)
        self.ask.setObjectName("primary")
        self.ask.clicked.connect(lambda: self.asked.emit(self.questions.currentText()))
        for button in (*self.buttons.values(), self.ask):
            button.setAutoDefault(True)  # Enter presses the one that has the focus
        self.models, self.fusions, self.methods = Choice(), Choice(), Choice()
        for method in Method:
            self.methods.addItem("", method)
        self.speed = Slide(Qt.Orientation.Horizontal)
        self.speed.setRange(SLOWEST, FASTEST)
        self.speed.setSingleStep(25)
        self.speed.setPageStep(25)
        self.speed.valueChanged.connect(self._show_speed)
        self.keys, self.state = (Label(look="muted", wraps=True) for _ in range(2))
        self._arrange()
        self.retranslate_ui()
        self.resize(460, 640)

    def _arrange(self) -> None:
        self._boxes = [QGroupBox(), QGroupBox(), QGroupBox()]
        self._boxes[0].setLayout(
            vbox(
                self.sample,
                hbox(self.buttons["previous"], self.buttons["next"]),
                hbox((self.questions, 1), self.ask),
            )
        )
        form = QFormLayout(self._boxes[1])
        self._labels = [Label() for _ in range(4)]
        fields = (self.models, self.fusions, self.methods, self.speed)
        for label, field in zip(self._labels, fields, strict=True):
            label.setBuddy(field)
            form.addRow(label, field)
        self._boxes[2].setLayout(
            vbox(
                hbox(*(self.buttons[name] for name in ("play", "freeze", "blank"))),
                hbox(self.buttons["reset"], self.buttons["leave"]),
            )
        )
        self.setLayout(vbox(*self._boxes, self.state, 1, self.keys, gap=MEDIUM, margins=LARGE))

    def retranslate_ui(self) -> None:
        self.setWindowTitle(self.tr("Presenter"))
        titles = (self.tr("Sample"), self.tr("How it answers"), self.tr("The big screen"))
        for box, title in zip(self._boxes, titles, strict=True):
            box.setTitle(title)
        names = (self.tr("Model"), self.tr("Fusion"), self.tr("Heatmap"), self.tr("Speed"))
        fields = (self.models, self.fusions, self.methods, self.speed)
        for label, field, name in zip(self._labels, fields, names, strict=True):
            label.setText(name)
            field.setAccessibleName(name)
        self._show_speed()
        for name, text in {
            "previous": self.tr("Previous"),
            "next": self.tr("Next"),
            "play": self.tr("Play the samples"),
            "freeze": self.tr("Freeze"),
            "blank": self.tr("Blank"),
            "reset": self.tr("Start anew"),
            "leave": self.tr("Leave the event…"),
        }.items():
            self.buttons[name].setText(text)
        self.questions.setAccessibleName(self.tr("Question"))
        self.ask.setText(self.tr("Ask"))
        for place, method in enumerate(Method):
            self.methods.setItemText(place, own("sentences", method.about.name))
        for place in range(self.fusions.count()):
            self.fusions.setItemText(place, fusion_label(self.fusions.itemData(place), own))
        self.keys.setText(
            self.tr(
                "Keys, also on a clicker: Page Down and Page Up for the samples, B or the full "
                "stop for a black screen, F5 to play the samples. F9 closes this window."
            )
        )
        self.rewritten.emit()

    def _show_speed(self) -> None:
        value = own_locale().toString(self.speed.value() / 100, "f", 2)
        self._labels[3].setText(self.tr("Speed \u00d7 {value}").format(value=value))

    def set_models(self, models: dict[object, str], current: object) -> None:
        """Folders by their names."""
        self.models.clear()
        for path, name in models.items():
            self.models.addItem(name, path)
        self.models.setCurrentIndex(list(models).index(current))
        self.models.setEnabled(len(models) > 1)

    def set_model(self, model: ModelInfo, fusion: str | None) -> None:
        self.fusions.clear()
        for each in model.fusions:
            self.fusions.addItem(fusion_label(each.name, own), each.name)
        self.fusions.setCurrentIndex(max(0, self.fusions.findData(fusion or model.fusion)))
        self.fusions.setEnabled(len(model.fusions) > 1)

    def set_questions(self, questions: tuple[str, ...]) -> None:
        self.questions.clear()
        self.questions.addItems(questions)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        super().closeEvent(event)
        self.closed.emit()
