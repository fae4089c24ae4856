"""A photo under a heatmap, with what it is of and what its colours mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, MapStyle, colour_stops
from mmgpt_desktop.attention.raw import Shares
from mmgpt_desktop.messages import Box, FusionInfo, Photo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.widgets.box_layout import stack, vbox
from mmgpt_desktop.ui.widgets.cell_view import CellView
from mmgpt_desktop.ui.widgets.drawing import Heatmap
from mmgpt_desktop.ui.widgets.pane import EmptyState
from mmgpt_desktop.ui.widgets.photo_view import PhotoView
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import Retranslated, map_value, percent, say, translated
from mmgpt_desktop.ui.widgets.theme import SMALL, Theme, set_font

_ALL = -1
_WHERE = str(QT_TRANSLATE_NOOP("cells", "Row {row}, column {column}"))
_NOT_MEASURED = str(QT_TRANSLATE_NOOP("cells", "not measured yet"))
_BRUSH = str(QT_TRANSLATE_NOOP("cells", "Drag to see which words needed a place."))
_RANK = str(QT_TRANSLATE_NOOP("cells", "brightest {rank} of {count}"))
_READS_TEXT_TOO = "concat"  # the fusion whose attention is shared by picture and text


@dataclass(frozen=True)
class HeadSelection:
    """The chosen heads of a fusion, or a layer and a head by hand; -1 stands for all."""

    chosen: bool = True
    layer: int = _ALL
    head: int = _ALL

    def pairs(self, fusion: FusionInfo) -> tuple[tuple[int, int], ...]:
        if self.chosen:
            return fusion.head_choice.heads
        # A session's model may have fewer of them than the one that they were chosen for.
        layers, heads = range(fusion.image_layers), range(fusion.heads)
        return tuple(
            (layer, head)
            for layer in ((self.layer,) if self.layer in layers else layers)
            for head in ((self.head,) if self.head in heads else heads)
        )


class Legend(QWidget):
    """The colours from the smallest to the largest value, with both figures."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stops = list[tuple[float, QColor]]()
        self._low = self._high = self._what = ""
        self._ends, self._figures = ("", ""), False
        set_font(self, scale=0.9)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.set_colour_map(COLOUR_MAPS[0])

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, self.fontMetrics().height() + 14)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(100, self.sizeHint().height())

    def set_colour_map(self, name: str) -> None:
        self._stops = [(place, QColor(colour)) for place, colour in colour_stops(name)]
        self.update()

    def set_scale(self, method: Method, low: float, high: float) -> None:
        self._low, self._high = map_value(method, low), map_value(method, high)
        self._what = say(method.about.unit)
        self._ends = say(method.about.ends[0]), say(method.about.ends[1])
        self.setAccessibleName(
            self.tr("Colours: {what}, from {low} to {high}").format(
                what=self._what, low=self._low, high=self._high
            )
        )
        self.setToolTip(tip(self.accessibleName()))
        self.update()

    def show_figures(self, shown: bool) -> None:
        self._figures = shown
        self.update()

    @property
    def ends(self) -> tuple[str, str]:
        """What is written below the least and the greatest colour."""
        if not self._figures:
            return self._ends
        return f"{self._ends[0]} ({self._low})", f"{self._ends[1]} ({self._high})"

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as the colours run
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(0.5, 0.5, self.width() - 1, 9)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        gradient.setStops(self._stops)
        painter.setPen(QPen(self._theme.colour("edge"), 1))
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(self._theme.colour("muted"))
        below = QRectF(0, 12, self.width(), self.height() - 12)
        # Absolute: the colours run from left to right in every language.
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        for end, side in zip(self.ends, sides, strict=True):
            text = self.fontMetrics().elidedText(
                end, Qt.TextElideMode.ElideRight, self.width() // 2 - 4
            )
            painter.drawText(below, side | Qt.AlignmentFlag.AlignAbsolute, text)
        painter.end()


def cell_text(heatmap: Heatmap, cell: int) -> str:
    """A cell's place, its value and its rank, for a tooltip."""
    row, column = divmod(cell, heatmap.grid.columns)
    value = float(heatmap.cells[row, column])
    where = translated("cells", _WHERE).format(row=row + 1, column=column + 1)
    if not math.isfinite(value):
        return f"{where}: {translated('cells', _NOT_MEASURED)}"
    what = f"{map_value(heatmap.method, value)} ({say(heatmap.method.about.unit)})"
    rank = int((heatmap.cells > value).sum()) + 1
    place = translated("cells", _RANK).format(rank=rank, count=heatmap.grid.cells)
    return f"{where}: {what}; {place}\n{translated('cells', _BRUSH)}"


class HeatmapView(Retranslated, QWidget):
    """`changed` says that another picture is wanted; opacity needs none.

    It knows how heatmaps are to be drawn; which one is drawn, others decide. With
    `plain_photo` the photo alone is shown until there is one. Without `details` no figures
    stand around it.
    """

    changed = Signal()
    whole_changed = Signal(bool)
    fusion_changed = Signal(object)  # FusionInfo
    heatmap_shown = Signal(object)  # Heatmap

    def __init__(
        self, theme: Theme, view: PhotoView | None = None, *, plain_photo: bool = False
    ) -> None:
        super().__init__()
        self._plain_photo = plain_photo
        self.method, self.whole, self.details = Method.HEADS, False, False
        self._heads: dict[FusionInfo, HeadSelection] = {}  # one's layers are not another's
        self.map_style = MapStyle()
        self.fusion: FusionInfo | None = None
        self._caption = self._note = ""
        self.view = view or CellView(theme)
        self.empty = EmptyState(theme, "look")
        self._stack = stack(self.empty, self.view)
        self.caption = Label(wraps=True)
        self.shares = Label(look="caption", wraps=True, scale=0.9)
        self.legend = Legend(theme)
        for widget in (self.caption, self.shares, self.legend):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(plain_photo)  # the photo stays where it is
            widget.setSizePolicy(policy)
        self._arrange()
        self.retranslate_ui()
        self.say_empty("")

    def retranslate_ui(self) -> None:
        self.view.setAccessibleName(self.tr("Photo under the heatmap"))

    def _arrange(self) -> None:
        said = vbox(self.caption, self.shares, gap=2)
        self.setLayout(vbox(said, (self._stack, 1), self.legend, gap=SMALL, margins=0))

    def set_style(self, style: MapStyle) -> None:
        """But for the opacity, with which the view paints whatever was drawn."""
        self.map_style = style
        self.legend.set_colour_map(style.colour_map)
        self.changed.emit()

    def set_whole(self, whole: bool) -> None:
        """The mean over all words instead of one word's."""
        if whole != self.whole:
            self.whole = whole
            self.whole_changed.emit(whole)

    def set_fusion(self, fusion: FusionInfo) -> None:
        """Whose heatmap comes next; whoever offers its heads hears of another one."""
        if fusion != self.fusion:
            self.fusion = fusion
            self.fusion_changed.emit(fusion)

    def show_details(self, shown: bool) -> None:
        self.details = shown
        self.legend.show_figures(shown)
        self.changed.emit()  # what is written around the map is written anew

    def set_photo(self, photo: Photo | None) -> None:
        self.view.set_photo(photo)

    @property
    def heads(self) -> HeadSelection:
        """What is chosen for the fusion in view."""
        return self._heads_of(self.fusion)

    @heads.setter
    def heads(self, heads: HeadSelection) -> None:
        if self.fusion is not None:
            self._heads[self.fusion] = heads

    def _heads_of(self, fusion: FusionInfo | None) -> HeadSelection:
        chosen = None if fusion is None else self._heads.get(fusion)
        return chosen or HeadSelection()

    def map_choice(self, fusion: FusionInfo) -> MapChoice:
        """The method and the heads chosen, for an answer of that fusion."""
        if not self.method.from_attention:
            return MapChoice(self.method)
        heads = self._heads_of(fusion)
        if self.method is Method.HEADS and heads == HeadSelection(chosen=False):
            return MapChoice(Method.MEAN)
        return MapChoice(self.method, heads.pairs(fusion))

    @property
    def picture_edge(self) -> int:
        """The longest edge of the photo as shown unzoomed, in device pixels."""
        ratio = self.view.devicePixelRatioF()
        rect = self.view.photo_rect()
        edge = max(rect.width(), rect.height()) / max(self.view.zoom, 1.0)
        return max(64, min(1024, round(edge * ratio)))

    def show_heatmap(self, heatmap: Heatmap, caption: str, boxes: tuple[Box, ...] = ()) -> None:
        self._stack.setCurrentWidget(self.view)
        self.view.set_boxes(boxes)
        self.view.set_layer(heatmap.image, smooth=self.map_style.smooth)
        self.legend.set_scale(heatmap.method, heatmap.low, heatmap.high)
        self.legend.show()
        self._caption = caption
        self._show_caption()
        self._show_shares(heatmap.shares)
        if isinstance(self.view, CellView):
            self.view.set_cells(heatmap.grid, lambda cell: cell_text(heatmap, cell))
        self.view.setAccessibleDescription(f"{caption}. {self.shares.text()}")
        self.heatmap_shown.emit(heatmap)

    def set_note(self, note: str) -> None:
        """Say something else than which word it is, until the note is empty."""
        self._note = note
        self._show_caption()

    def _show_caption(self) -> None:
        said = self._note or self._caption
        self.caption.setText(said)
        self.caption.setVisible(bool(said))

    def _show_shares(self, shares: Shares | None) -> None:
        """How much was read from the photo at all: the colours only say where in it."""
        if shares is None:
            self.shares.clear()
            self.shares.hide()
            return
        rest = self.tr("nothing {percent}")
        more = self.tr(
            "What the model read for this word: the photo; the names that a first guess at the "
            "photo gave it; or nothing, when neither helps. (The mean over all layers and heads.)"
        )
        if self.fusion is not None and self.fusion.name == _READS_TEXT_TOO:
            rest = self.tr("the rest {percent}")
            more = self.tr(
                "What the model read for this word: the photo; the names that a first guess at the "
                "photo gave it; the rest is the text. (The mean over all layers and heads.)"
            )
        parts = [
            self.tr("photo {percent}").format(percent=percent(shares.photo)),
            self.tr("guessed names {percent}").format(percent=percent(shares.names)),
            rest.format(percent=percent(shares.rest)),
        ]
        if shares.copied >= 0.01:
            parts.append(self.tr("copied {percent}").format(percent=percent(shares.copied)))
            more += " " + self.tr(
                "Copied: how much of the word is one of these names as it stands."
            )
        self.shares.setText(" · ".join(parts).replace(" %", "\u00a0%"))
        self.shares.setToolTip(tip(more))
        self.shares.setVisible(self.details)

    def say_empty(self, reason: str) -> None:
        """No heatmap now: say why, or what to do for one."""
        plain = self._plain_photo and not reason
        self._stack.setCurrentWidget(self.view if plain else self.empty)
        self.view.set_layer(None)
        self.view.set_boxes(())
        if isinstance(self.view, CellView):
            self.view.set_cells(None)
        self._caption = self._note = ""
        for label in (self.legend, self.caption, self.shares):
            label.hide()
        self.empty.set_texts(
            self.tr("No heatmap yet") if not reason else self.tr("No heatmap"),
            reason or self.tr("Ask about a picture, then point at a word of the answer."),
        )
