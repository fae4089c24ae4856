"""What answers, and how far loading it has come."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QStatusBar

from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.plain import ElidedLabel
from mmgpt_desktop.ui.widgets.texts import Retranslated, note_text


class Status(Retranslated, QStatusBar):
    cancelled = Signal()
    load_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, 12, 4)
        self.text = ElidedLabel(look="muted")
        self.text.setContentsMargins(12, 2, 8, 2)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.cancel = push_button(clicked=self.cancelled, look="flat")
        self.load = push_button(clicked=self.load_wanted, look="flat")
        self.addWidget(self.text, 1)
        for widget in (self.bar, self.cancel, self.load):
            self.addPermanentWidget(widget)
        self.retranslate_ui()
        self._show(loading=False, missing=False)

    def retranslate_ui(self) -> None:
        self.cancel.setText(self.tr("Cancel"))
        self.load.setText(self.tr("Load the model"))
        self.cancel.setToolTip(self.tr("Stop loading the model"))
        self.bar.setAccessibleName(self.tr("Loading the model"))

    def show_loading(self, fraction: float, what: str) -> None:
        self._say(what)
        self.bar.setValue(round(fraction * 100))
        self._show(loading=True, missing=False)

    def show_model(self, name: str, runtime: RuntimeInfo) -> None:
        """The model, what runs it, in which precision, and a sentence on a fallback."""
        parts = (name, self._runtime(runtime), runtime.precision, note_text(runtime.note))
        self._say(" · ".join(filter(None, parts)))
        self._show(loading=False, missing=False)

    def show_no_model(self, why: str) -> None:
        self._say(why)
        self._show(loading=False, missing=True)

    def _runtime(self, runtime: RuntimeInfo) -> str:
        if runtime.runtime is RuntimeName.TORCH and runtime.on_card:
            return self.tr("PyTorch on the graphics card")
        return {
            RuntimeName.ONNX_CUDA: self.tr("ONNX Runtime on the graphics card"),
            RuntimeName.ONNX_CPU: self.tr("ONNX Runtime on the processor"),
            RuntimeName.TORCH: self.tr("PyTorch on the processor"),
        }[runtime.runtime]

    def _say(self, text: str) -> None:
        self.text.say(printable(text.replace("\n", " ")))

    def _show(self, *, loading: bool, missing: bool) -> None:
        self.bar.setVisible(loading)
        self.cancel.setVisible(loading)
        self.load.setVisible(missing)
