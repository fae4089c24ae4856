"""Which fusion answers next."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import IconButton
from mmgpt_desktop.ui.widgets.controls import Choice
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import Retranslated, fusion_label, fusion_text
from mmgpt_desktop.ui.widgets.theme import SMALL, Theme


class FusionSwitch(Retranslated, QWidget):
    """Which of the model's fusions answers next; hidden where there is no choice."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = ""  # to be chosen where the first model has it
        self.box = Choice()
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.box.currentIndexChanged.connect(self._choose)
        self._label = Label(look="caption", scale=0.9)
        self._label.setBuddy(self.box)
        self.again_button = IconButton(theme, "regenerate")
        self.compare_button = IconButton(theme, "compare")
        parts = (self._label, self.box, self.again_button, self.compare_button)
        self.setLayout(hbox(*parts, gap=SMALL, margins=0))
        self.retranslate_ui()
        self.hide()

    def retranslate_ui(self) -> None:
        self._label.setText(self.tr("Fusion"))
        self.box.setAccessibleName(
            self.tr("Fusion: how the model brings picture and text together, from now on")
        )
        self.again_button.set_name(
            self.tr("Ask the last question again, with this fusion"), "Ctrl+Shift+R"
        )
        self.compare_button.set_name(self.tr("Compare the fusions side by side"), "Ctrl+Shift+F")
        for place in range(self.box.count()):
            name = self.box.itemData(place)
            self.box.setItemText(place, fusion_label(name))
            self.box.setItemData(place, tip(fusion_text(name)), Qt.ItemDataRole.ToolTipRole)
        self._explain()

    def set_model(self, model: ModelInfo) -> None:
        """Offer the model's fusions; the one of before is chosen if it is one of them."""
        wanted = self.fusion or self.wanted
        names = [fusion.name for fusion in model.fusions]
        self.box.blockSignals(True)
        self.box.clear()
        for name in names:
            self.box.addItem("", name)
        self.box.setCurrentIndex(names.index(wanted if wanted in names else model.fusion))
        self.box.blockSignals(False)
        self.retranslate_ui()
        self.setVisible(len(names) > 1)

    @property
    def fusion(self) -> str | None:
        """None while there is no choice: the model's own."""
        return self.box.currentData() if self.box.count() > 1 else None

    def _choose(self) -> None:
        self._explain()
        self.chosen.emit(self.box.currentData())

    def _explain(self) -> None:
        text = fusion_text(self.box.currentData() or "")
        self.box.setToolTip(tip(text))
        self.box.setAccessibleDescription(text)
