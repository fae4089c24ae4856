"""Where the model looked: the heatmap of the chosen word, and how it is drawn."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from mmgpt_desktop.attention.heatmap import COLOUR_MAPS
from mmgpt_desktop.messages import FusionInfo
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.heatmap_view import HeadSelection, HeatmapView
from mmgpt_desktop.ui.parts import Pane
from mmgpt_desktop.ui.texts import note_text, percent
from mmgpt_desktop.ui.theme import SMALL, TIGHT, Theme, set_font

_CONTROLS_WIDTH = 204


class WordOrWhole(QWidget):
    """Two buttons, one of them down: a word's heatmap or the whole answer's."""

    whole_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.word_button = QPushButton(self.tr("Word"))
        self.word_button.setToolTip(self.tr("For the chosen word"))
        self.whole_button = QPushButton(self.tr("Whole answer"))
        self.whole_button.setToolTip(self.tr("The mean over all words of the answer"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        group = QButtonGroup(self)
        for place, button in (("first", self.word_button), ("last", self.whole_button)):
            button.setObjectName("segment")
            button.setProperty("place", place)
            button.setCheckable(True)
            group.addButton(button)
            row.addWidget(button)
        self.word_button.setChecked(True)
        self.whole_button.toggled.connect(self.whole_changed)

    def set_whole(self, whole: bool) -> None:
        (self.whole_button if whole else self.word_button).setChecked(True)


class HeatmapPane(Pane):
    """`changed` says that the drawing was changed by hand, all but the opacity."""

    changed = Signal()
    opacity_changed = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._by_hand: dict[str, tuple[int, int]] = {}  # places in the boxes, for each fusion
        self.picture = HeatmapView(theme)
        self.picture.changed.connect(self.changed)
        self.picture.fusion_changed.connect(self._offer_heads)
        self.switch = WordOrWhole()
        self.switch.whole_changed.connect(self.picture.set_whole)
        self.picture.whole_changed.connect(self.switch.set_whole)
        self._make_controls()
        self._arrange()
        self._write()

    def _make_controls(self) -> None:
        self.layer = QComboBox()
        self.layer.currentIndexChanged.connect(self._choose_heads)
        self.head = QComboBox()
        self.head.currentIndexChanged.connect(self._choose_heads)
        self.colours = QComboBox()
        self.colours.addItems([name.capitalize() for name in COLOUR_MAPS])
        self.colours.currentIndexChanged.connect(self._choose_style)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.valueChanged.connect(self._set_opacity)
        self.smooth = QCheckBox()
        self.smooth.toggled.connect(self._choose_style)
        self.how = QLabel()
        self.how.setObjectName("caption")
        self.how.setWordWrap(True)
        set_font(self.how, scale=0.9)

    def _arrange(self) -> None:
        self.header.addWidget(self.switch)
        self._labels = [QLabel() for _ in range(4)]
        controls = QGridLayout()
        controls.setHorizontalSpacing(SMALL)
        controls.setVerticalSpacing(TIGHT + 2)
        controls.setColumnStretch(1, 1)
        fields = (self.layer, self.head, self.colours, self.opacity)
        for row, (label, control) in enumerate(zip(self._labels, fields, strict=True)):
            label.setObjectName("caption")
            label.setBuddy(control)
            set_font(label, scale=0.9)
            controls.addWidget(label, row, 0)
            controls.addWidget(control, row, 1)
            control.setMinimumHeight(control.sizeHint().height())
        controls.addWidget(self.smooth, len(fields), 1)
        side = QVBoxLayout()
        side.setSpacing(TIGHT)
        side.addLayout(controls)
        side.addSpacing(TIGHT)
        side.addWidget(self.how)
        side.addStretch(1)
        holder = QWidget()
        holder.setFixedWidth(_CONTROLS_WIDTH)
        holder.setLayout(side)
        side.setContentsMargins(0, 0, 0, 0)
        beside = QHBoxLayout()
        beside.setSpacing(SMALL + TIGHT)
        beside.addWidget(self.picture, 1)
        beside.addWidget(holder)
        self.body.addLayout(beside, 1)

    def _write(self) -> None:
        self.set_title(self.tr("Where the model looked"))
        names = (self.tr("Layer"), self.tr("Head"), self.tr("Colours"), self.tr("Opacity"))
        fields = (self.layer, self.head, self.colours, self.opacity)
        for label, control, name in zip(self._labels, fields, names, strict=True):
            label.setText(name)
            control.setAccessibleName(name)
        self._fill(self.layer, [self.tr("Chosen heads")], 0)
        self._fill(self.head, [self.tr("All heads")], 0)
        self.layer.setEnabled(False)
        self.head.setEnabled(False)
        self.smooth.setText(self.tr("Smooth"))
        self.smooth.setToolTip(self.tr("Off: each cell as one even square"))

    def take_settings(self, settings: Settings) -> None:
        if settings.colour_map in COLOUR_MAPS:
            self.colours.setCurrentIndex(COLOUR_MAPS.index(settings.colour_map))
        self.opacity.setValue(round(settings.opacity * 100))
        self._set_opacity(self.opacity.value())
        self.smooth.setChecked(settings.smooth)
        self._choose_style()

    def _offer_heads(self, fusion: FusionInfo) -> None:
        """Layers of one fusion are not those of another: each keeps what was chosen for it."""
        layer, head = self._by_hand.get(fusion.name, (0, 0))
        layers = [self.tr("Chosen heads"), self.tr("All layers")]
        self._fill(self.layer, layers, fusion.image_layers, layer)
        self._fill(self.head, [self.tr("All heads")], fusion.heads, head)
        self.layer.setEnabled(True)
        self._take_heads()

    def _fill(self, box: QComboBox, names: list[str], count: int, chosen: int = 0) -> None:
        box.blockSignals(True)
        box.clear()
        box.addItems([*names, *(str(number) for number in range(1, count + 1))])
        box.setCurrentIndex(min(chosen, box.count() - 1))
        box.blockSignals(False)

    @property
    def selection(self) -> HeadSelection:
        place = self.layer.currentIndex()
        if place <= 0:
            return HeadSelection()
        return HeadSelection(False, place - 2, self.head.currentIndex() - 1)

    @property
    def colour_map(self) -> str:
        return COLOUR_MAPS[max(0, self.colours.currentIndex())]

    def _set_opacity(self, value: int) -> None:
        self.picture.view.set_opacity(value / 100)
        self.opacity.setToolTip(percent(value / 100))
        self.opacity_changed.emit(value / 100)

    def _choose_style(self) -> None:
        self.picture.set_style(self.colour_map, self.smooth.isChecked())

    def _choose_heads(self) -> None:
        self._take_heads()
        self.picture.changed.emit()

    def _take_heads(self) -> None:
        if self.picture.fusion is not None:
            chosen = self.layer.currentIndex(), self.head.currentIndex()
            self._by_hand[self.picture.fusion.name] = chosen
        self.picture.heads = self.selection
        self.head.setEnabled(not self.selection.chosen)
        self.how.setText(self._explanation())

    def _explanation(self) -> str:
        if self.picture.fusion is None:
            return ""
        if not self.selection.chosen:
            return self.tr("The mean over the layers and heads that you chose.")
        return note_text(self.picture.fusion.head_choice.how)
