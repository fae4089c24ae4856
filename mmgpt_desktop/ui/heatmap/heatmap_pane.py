"""Where the model looked: the heatmap of the chosen word, and how it is drawn."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP, Qt, Signal
from PySide6.QtGui import QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QWidget,
)

from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, MapStyle
from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.messages import FusionInfo
from mmgpt_desktop.methods import TRACED, Method, Unit
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.heatmap.check_card import CheckCard
from mmgpt_desktop.ui.heatmap.heatmap_view import HeadSelection, HeatmapView
from mmgpt_desktop.ui.widgets.box_layout import holder, vbox
from mmgpt_desktop.ui.widgets.buttons import Disclosure, IconButton, TwoWay
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.controls import Choice, Slide
from mmgpt_desktop.ui.widgets.fitting import ScrollArea
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import (
    Retranslated,
    fusion_label,
    fusion_text,
    note_text,
    percent,
    say,
    translated,
)
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, TIGHT, Theme, scaled

# In the order of showing; all heads are a choice of layers.
METHODS = tuple(method for method in Method if method is not Method.MEAN)
_CONTROLS_WIDTH = 216
_FULL = str(QT_TRANSLATE_NOOP("lacks", "needs the full edition"))
_NOT_WITH = str(QT_TRANSLATE_NOOP("lacks", "not with {fusion}"))
_NOT_HERE = str(QT_TRANSLATE_NOOP("lacks", "not with this model"))
_ROOM_BESIDE, _ROOM_BELOW = 440, 330


class WordOrWhole(Retranslated, TwoWay):
    """A word's heatmap, or the whole answer's."""

    def __init__(self) -> None:
        super().__init__()
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.first.setText(self.tr("Word"))
        self.first.setToolTip(self.tr("For the chosen word"))
        self.second.setText(self.tr("Whole answer"))
        self.second.setToolTip(self.tr("For all words of the answer together"))

    def set_whole(self, whole: bool) -> None:
        self.choose(second=whole)


class DrawingPanel(ByKeyboard, Retranslated, QFrame):
    """How maps are drawn, whatever they show; opens below its button."""

    changed = Signal()  # all but the opacity
    opacity_changed = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.colours = Choice()
        self.colours.addItems([name.capitalize() for name in COLOUR_MAPS])
        self.colours.currentIndexChanged.connect(self.changed)
        self.opacity = Slide(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.valueChanged.connect(self._tell_opacity)
        self.smooth, self.contours, self.same_scale = QCheckBox(), QCheckBox(), QCheckBox()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(MEDIUM, MEDIUM, MEDIUM, MEDIUM)
        self._form.setSpacing(SMALL)
        for control in (self.colours, self.opacity):
            self._form.addRow(Label(), control)
        for box in (self.smooth, self.contours, self.same_scale):
            box.toggled.connect(self.changed)
            self._form.addRow(box)
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        for control, name in (
            (self.colours, self.tr("Colours")),
            (self.opacity, self.tr("Opacity")),
        ):
            control.setAccessibleName(name)
            label = self._form.labelForField(control)
            assert isinstance(label, Label)
            label.setText(name)
        self.smooth.setText(self.tr("Smooth"))
        self.smooth.setToolTip(self.tr("Off: each cell as one even square"))
        self.contours.setText(self.tr("Contours"))
        self.contours.setToolTip(
            self.tr("Lines around what is bright, instead of colours over the photo")
        )
        self.same_scale.setText(self.tr("One scale for all words"))
        self.same_scale.setToolTip(
            self.tr("Off: each word has its own colours, from its darkest place to its brightest")
        )

    @property
    def map_style(self) -> MapStyle:
        return MapStyle(
            COLOUR_MAPS[max(0, self.colours.currentIndex())],
            self.smooth.isChecked(),
            self.opacity.value() / 100,
            self.contours.isChecked(),
            self.same_scale.isChecked(),
        )

    def take_settings(self, settings: Settings) -> None:
        if settings.colour_map in COLOUR_MAPS:
            self.colours.setCurrentIndex(COLOUR_MAPS.index(settings.colour_map))
        self.opacity.setValue(round(100 * min(1.0, max(0.0, settings.opacity))))
        self._tell_opacity(self.opacity.value())
        self.smooth.setChecked(settings.smooth)
        self.contours.setChecked(settings.contours)
        self.same_scale.setChecked(settings.same_scale)
        self.changed.emit()

    def open_below(self, button: QWidget) -> None:
        self.adjustSize()
        corner = button.mapToGlobal(button.rect().bottomRight())
        self.move(corner.x() - self.width(), corner.y() + TIGHT)
        self.show()
        self.opacity.setFocus()

    def _tell_opacity(self, value: int) -> None:
        self.opacity.setToolTip(tip(percent(value / 100)))
        self.opacity_changed.emit(value / 100)


class HeatmapPane(Retranslated, Pane):
    before_held = Signal(bool)
    details_shown = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._film_runs = False
        self.picture = HeatmapView(theme)
        self.picture.fusion_changed.connect(self._offer_heads)
        self.switch = WordOrWhole()
        self.switch.changed.connect(self.picture.set_whole)
        self.picture.whole_changed.connect(self.switch.set_whole)
        self.drawing = DrawingPanel(self)
        self.drawing.changed.connect(self._choose_style)
        self.drawing.opacity_changed.connect(self.picture.view.set_opacity)
        self.check = CheckCard(theme)
        self.details = Disclosure()
        self.details.toggled.connect(self._show_details)
        self._make_controls(theme)
        self._arrange()
        self._place_controls(below=False)
        self.retranslate_ui()

    def _make_controls(self, theme: Theme) -> None:
        self.drawing_button = IconButton(theme, "sliders", self._open_drawing)
        self.before_button = IconButton(theme, "flip")
        self.before_button.pressed.connect(lambda: self.before_held.emit(True))
        self.before_button.released.connect(lambda: self.before_held.emit(False))
        self.grid_button = IconButton(theme, "wall")
        self.film_button = IconButton(theme, "play")
        self.method = Choice()
        for method in METHODS:
            self.method.addItem("", method)
        self.method.currentIndexChanged.connect(self._choose_method)
        self.layer = Choice()
        self.layer.currentIndexChanged.connect(self._choose_heads)
        self.head = Choice()
        self.head.currentIndexChanged.connect(self._choose_heads)
        self.meaning = Label(look="caption", wraps=True, scale=0.9)
        self.how = Label(look="caption", wraps=True, scale=0.9)

    def _arrange(self) -> None:
        for button in (
            self.grid_button,
            self.before_button,
            self.film_button,
            self.drawing_button,
        ):
            self.header.addWidget(button)
        self.header.addWidget(self.switch)
        for box in (self.method, self.layer, self.head):
            box.setMinimumHeight(box.sizeHint().height())
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        parts = (self.method, self.check, self.meaning, self.details, self._behind_details(), 1)
        side = vbox(*parts, gap=TIGHT + 2, margins=0)
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._parts.setSpacing(SMALL + TIGHT)
        self._side = ScrollArea(holder(side, "clear"))  # large text needs more height
        self._side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._parts.addWidget(self.picture)
        self._parts.addWidget(self._side)
        self.body.addLayout(self._parts, 1)

    def _behind_details(self) -> QWidget:
        """The figures that the verdict follows from, and which heads are drawn."""
        # Layer and head side by side would be cut where a scroll bar is.
        parts = (self.check.more, self.layer, self.head, self.how)
        self._more = holder(vbox(*parts, gap=TIGHT + 2, margins=0))
        self._more.hide()
        return self._more

    def _show_details(self, shown: bool) -> None:
        self._more.setVisible(shown)
        self.picture.show_details(shown)
        self.details_shown.emit(shown)

    def retranslate_ui(self) -> None:
        self._write_title()
        self._offer_methods()
        self.method.setAccessibleName(self.tr("Method"))
        self.layer.setAccessibleName(self.tr("Layer"))
        self.head.setAccessibleName(self.tr("Head"))
        self.grid_button.set_name(self.tr("All heads for the chosen word"), "F6")
        self.before_button.set_name(self.tr("Hold to see the map before this one"), "X")
        self.show_film(self._film_runs)
        self.drawing_button.set_name(self.tr("Colours, opacity and scale"))
        self._offer_heads(self.picture.fusion)

    def _write_title(self) -> None:
        needed = self.picture.method.about.unit is Unit.COST
        looked = self.tr("Where the model looked")
        self.set_title(self.tr("What the words needed") if needed else looked)
        self.meaning.setText(say(self.picture.method.about.meaning))
        self.method.setToolTip(tip(self.meaning.text()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._place_controls(below=self.width() < _ROOM_BESIDE and self.height() >= _ROOM_BELOW)

    def _place_controls(self, *, below: bool) -> None:
        """Beside the picture, as wide as they always are; below it in a narrow, high pane."""
        direction = QBoxLayout.Direction
        self._parts.setDirection(direction.TopToBottom if below else direction.LeftToRight)
        self._parts.setStretch(0, 2)
        self._parts.setStretch(1, 1 if below else 0)
        width = scaled(_CONTROLS_WIDTH)
        self._side.setMinimumWidth(width)
        self._side.setMaximumWidth(self.maximumWidth() if below else width)

    def take_settings(self, settings: Settings) -> None:
        self.drawing.take_settings(settings)
        self.details.setChecked(settings.details)

    def show_film(self, running: bool) -> None:
        """What the film's button does next."""
        self._film_runs = running
        self.film_button.set_icon("pause" if running else "play")
        name = self.tr("Stop the film") if running else self.tr("Play the answer word by word")
        self.film_button.set_name(name, "F5")

    def _open_drawing(self) -> None:
        self.drawing.open_below(self.drawing_button)

    def _offer_methods(self) -> None:
        """What can't be had with the fusion in view says why, and can't be chosen."""
        fusion, model = self.picture.fusion, self.method.model()
        for place, method in enumerate(METHODS):
            why = _why_lacking(fusion, method)
            name = say(method.about.name)
            self.method.setItemText(place, f"{name} ({why})" if why else name)
            self.method.setItemData(
                place, tip(say(method.about.meaning)), Qt.ItemDataRole.ToolTipRole
            )
            if isinstance(model, QStandardItemModel):
                model.item(place).setEnabled(not why)

    def _offer_heads(self, fusion: FusionInfo | None) -> None:
        """Layers of one fusion are not those of another: each keeps what was chosen for it."""
        layers, heads = (fusion.image_layers, fusion.heads) if fusion is not None else (0, 0)
        layer, head = self.tr("Layer {number}"), self.tr("Head {number}")
        layer_names = [layer.format(number=each + 1) for each in range(layers)]
        head_names = [head.format(number=each + 1) for each in range(heads)]
        now = self.picture.heads
        place = 0 if now.chosen else now.layer + 2
        every = [self.tr("Chosen heads"), self.tr("All layers"), *layer_names]
        self._fill(self.layer, every, place)
        self._fill(self.head, [self.tr("All heads"), *head_names], now.head + 1)
        self._offer_methods()
        self._take_heads()

    def _fill(self, box: QComboBox, names: list[str], chosen: int) -> None:
        box.blockSignals(True)
        box.clear()
        box.addItems(names)
        box.setCurrentIndex(min(chosen, box.count() - 1))
        box.blockSignals(False)

    @property
    def selection(self) -> HeadSelection:
        place = self.layer.currentIndex()
        if place <= 0:
            return HeadSelection()
        return HeadSelection(False, place - 2, self.head.currentIndex() - 1)

    def choose_method(self, method: Method) -> None:
        self.method.setCurrentIndex(METHODS.index(method))

    def choose_head(self, layer: int, head: int) -> None:
        """One head's attention, as if it were chosen in the boxes."""
        self.choose_method(Method.HEADS)
        self.details.setChecked(True)  # they say which one it is
        self.layer.setCurrentIndex(layer + 2)
        self.head.setCurrentIndex(head + 1)

    def _choose_style(self) -> None:
        self.picture.set_style(self.drawing.map_style)

    def _choose_method(self) -> None:
        self.picture.method = METHODS[self.method.currentIndex()]
        self._write_title()
        self._choose_heads()

    def _choose_heads(self) -> None:
        self._take_heads()
        self.picture.changed.emit()

    def _take_heads(self) -> None:
        self.picture.heads = self.selection
        by_heads = self.picture.fusion is not None and self.picture.method.from_attention
        self.layer.setEnabled(by_heads)
        self.head.setEnabled(by_heads and not self.selection.chosen)
        self.how.setText(self._explanation())
        self.how.setVisible(bool(self.how.text()))

    def _explanation(self) -> str:
        if self.picture.fusion is None or not self.picture.method.from_attention:
            return ""
        if not self.selection.chosen:
            return self.tr("The layers and heads that you chose, together.")
        return note_text(self.picture.fusion.head_choice.how)


def _why_lacking(fusion: FusionInfo | None, method: Method) -> str:
    """Empty for a method that can be had."""
    if fusion is None or method not in fusion.lacks:
        return ""
    if method in TRACED and missing_torch() is not None:
        return translated("lacks", _FULL)
    ours = bool(fusion_text(fusion.name))
    said = translated("lacks", _NOT_WITH if ours else _NOT_HERE)
    return said.format(fusion=fusion_label(fusion.name))
