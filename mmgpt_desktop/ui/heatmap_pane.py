"""Where the model looked: the photo under the heatmap of the chosen word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, legend
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.parts import EmptyState, Pane
from mmgpt_desktop.ui.photo_view import PhotoView
from mmgpt_desktop.ui.texts import note_text, percent
from mmgpt_desktop.ui.theme import SMALL, TIGHT, Theme, set_font
from mmgpt_desktop.worker import Heatmap, ShownPhoto

_ALL = -1
_CONTROLS_WIDTH = 204


@dataclass(frozen=True)
class HeadSelection:
    """The chosen heads of the model, or a layer and a head by hand; -1 stands for all."""

    chosen: bool = True
    layer: int = _ALL
    head: int = _ALL

    def pairs(self, model: ModelInfo) -> tuple[tuple[int, int], ...]:
        fusion = model.fusion_info()
        if self.chosen:
            return fusion.head_choice.heads
        layers = range(fusion.image_layers) if self.layer == _ALL else (self.layer,)
        heads = range(fusion.heads) if self.head == _ALL else (self.head,)
        return tuple((layer, head) for layer in layers for head in heads)


class Legend(QWidget):
    """The colours from the smallest to the largest share, with both figures."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._colours: NDArray[np.uint8] = legend(COLOUR_MAPS[0])
        self._low = self._high = ""
        set_font(self, scale=0.9)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, self.fontMetrics().height() + 14)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(100, self.sizeHint().height())

    def set_colour_map(self, name: str) -> None:
        self._colours = legend(name)
        self.update()

    def set_scale(self, low: float, high: float) -> None:
        self._low, self._high = percent(low, 1), percent(high, 1)
        self.setAccessibleName(
            self.tr("Scale: a cell's share of the attention, from {low} to {high}").format(
                low=self._low, high=self._high
            )
        )
        self.setToolTip(self.accessibleName())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(0.5, 0.5, self.width() - 1, 9)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        last = len(self._colours) - 1
        for place in range(0, last + 1, 15):
            gradient.setColorAt(place / last, QColor(*map(int, self._colours[place])))
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(self._theme.colour("muted"))
        below = QRectF(0, 12, self.width(), self.height() - 12)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, self._low)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, self._high)
        middle = self.tr("share of a cell")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, middle)
        painter.end()


class HeatmapPane(Pane):
    """`changed` says that another picture is wanted; opacity needs none."""

    changed = Signal()
    opacity_changed = Signal(float)
    whole_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: ModelInfo | None = None
        self.view = PhotoView(theme)
        self._empty = EmptyState(theme, "look")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.view)
        self.caption = QLabel()
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.caption.setWordWrap(True)
        self.legend = Legend(theme)
        self._make_controls()
        self._arrange()
        self._write()
        self.say_empty("")

    def _make_controls(self) -> None:
        self.word_button, self.whole_button = QPushButton(), QPushButton()
        self._views = QButtonGroup(self)
        for place, button in (("first", self.word_button), ("last", self.whole_button)):
            button.setObjectName("segment")
            button.setProperty("place", place)
            button.setCheckable(True)
            self._views.addButton(button)
        self.word_button.setChecked(True)
        self.whole_button.toggled.connect(self.whole_changed)
        self.layer = QComboBox()
        self.layer.currentIndexChanged.connect(self._fit_heads)
        self.head = QComboBox()
        self.head.currentIndexChanged.connect(self._choose_again)
        self.colours = QComboBox()
        self.colours.addItems([name.capitalize() for name in COLOUR_MAPS])
        self.colours.currentIndexChanged.connect(self._choose_again)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.valueChanged.connect(self._set_opacity)
        self.smooth = QCheckBox()
        self.smooth.toggled.connect(self._choose_again)
        self.how = QLabel()
        self.how.setObjectName("caption")
        self.how.setWordWrap(True)
        set_font(self.how, scale=0.9)

    def _arrange(self) -> None:
        self.header.setSpacing(0)
        self.header.addWidget(self.word_button)
        self.header.addWidget(self.whole_button)
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
        picture = QVBoxLayout()
        picture.setSpacing(SMALL)
        picture.addWidget(self._stack, 1)
        picture.addWidget(self.legend)
        beside = QHBoxLayout()
        beside.setSpacing(SMALL + TIGHT)
        beside.addLayout(picture, 1)
        beside.addWidget(holder)
        self.body.addWidget(self.caption)
        self.body.addLayout(beside, 1)

    def _write(self) -> None:
        self.set_title(self.tr("Where the model looked"))
        self.word_button.setText(self.tr("Word"))
        self.word_button.setToolTip(self.tr("For the chosen word"))
        self.whole_button.setText(self.tr("Whole answer"))
        self.whole_button.setToolTip(self.tr("The mean over all words of the answer"))
        names = (self.tr("Layer"), self.tr("Head"), self.tr("Colours"), self.tr("Opacity"))
        fields = (self.layer, self.head, self.colours, self.opacity)
        for label, control, name in zip(self._labels, fields, names, strict=True):
            label.setText(name)
            control.setAccessibleName(name)
        self._fill(self.layer, [self.tr("Chosen heads")], 0)
        self._fill(self.head, [self.tr("All heads")], 0)
        self.layer.setEnabled(False)
        self.head.setEnabled(False)
        self.view.setAccessibleName(self.tr("Photo under the heatmap"))
        self.smooth.setText(self.tr("Smooth"))
        self.smooth.setToolTip(self.tr("Off: each cell as one even square"))

    def take_settings(self, settings: Settings) -> None:
        if settings.colour_map in COLOUR_MAPS:
            self.colours.setCurrentIndex(COLOUR_MAPS.index(settings.colour_map))
        self.legend.set_colour_map(self.colour_map)
        self.opacity.setValue(round(settings.opacity * 100))
        self._set_opacity(self.opacity.value())
        self.smooth.setChecked(settings.smooth)

    def set_model(self, model: ModelInfo) -> None:
        self._model = model
        fusion = model.fusion_info()
        layers = [self.tr("Chosen heads"), self.tr("All layers")]
        self._fill(self.layer, layers, fusion.image_layers)
        self._fill(self.head, [self.tr("All heads")], fusion.heads)
        self.layer.setEnabled(True)
        self._fit_heads()

    def _fill(self, box: QComboBox, names: list[str], count: int) -> None:
        box.blockSignals(True)
        box.clear()
        box.addItems([*names, *(str(number) for number in range(1, count + 1))])
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

    @property
    def whole(self) -> bool:
        return self.whole_button.isChecked()

    def set_whole(self, whole: bool) -> None:
        (self.whole_button if whole else self.word_button).setChecked(True)

    def set_photo(self, shown: ShownPhoto | None) -> None:
        self.view.set_photo(shown)

    def show_heatmap(self, heatmap: Heatmap, caption: str) -> None:
        self._stack.setCurrentWidget(self.view)
        self.view.set_layer(heatmap.image, smooth=self.smooth.isChecked())
        self.legend.set_scale(heatmap.low, heatmap.high)
        self.legend.show()
        self.how.show()
        self.caption.setText(caption)
        self.caption.setVisible(bool(caption))
        self.view.setAccessibleDescription(caption)

    def say_empty(self, reason: str) -> None:
        """No heatmap now: say why, or what to do for one."""
        self._stack.setCurrentWidget(self._empty)
        for label in (self.legend, self.caption, self.how):
            label.hide()
        self._empty.set_texts(
            self.tr("No heatmap yet") if not reason else self.tr("No heatmap"),
            reason or self.tr("Ask about a picture, then point at a word of the answer."),
        )

    def empty_text(self) -> str:
        return self._empty.hint.text()

    def picture_edge(self) -> int:
        """The longest edge of the photo as shown unzoomed, in device pixels."""
        ratio = self.view.devicePixelRatioF()
        rect = self.view.photo_rect()
        edge = max(rect.width(), rect.height()) / max(self.view.zoom, 1.0)
        return max(64, min(1024, round(edge * ratio)))

    def _set_opacity(self, value: int) -> None:
        self.view.set_opacity(value / 100)
        self.opacity.setToolTip(percent(value / 100))
        self.opacity_changed.emit(value / 100)

    def _fit_heads(self) -> None:
        self.head.setEnabled(not self.selection.chosen)
        self._choose_again()

    def _choose_again(self) -> None:
        self.legend.set_colour_map(self.colour_map)
        self.how.setText(self._explanation())
        self.changed.emit()

    def _explanation(self) -> str:
        if self._model is None:
            return ""
        if not self.selection.chosen:
            return self.tr("The mean over the layers and heads that you chose.")
        return note_text(self._model.fusion_info().head_choice.how)
