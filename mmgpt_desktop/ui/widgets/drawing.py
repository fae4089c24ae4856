"""From an answer's maps to pictures: for the drawing thread, no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter

from mmgpt_desktop.attention.answer_maps import AnswerMaps
from mmgpt_desktop.attention.heatmap import MapStyle, render, size_within
from mmgpt_desktop.attention.maps import Scale, Span
from mmgpt_desktop.attention.raw import Shares
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.messages import PatchGrid
from mmgpt_desktop.methods import Method

# A smooth map has no edges to lose when it is painted larger. Drawn at a large pane's full
# size it took 60 ms for each token, from the cores that write the answer.
SMOOTH_EDGE = 256
SMALL_OPACITY = 0.7


@dataclass(frozen=True, eq=False)
class Heatmap:
    """RGBA over the whole photo, the cells it shows, and what its colours reach from and to.

    `peak` is the cell with the largest value. `shares` say how much was read from the photo;
    None where the map isn't attention.
    """

    image: QImage
    method: Method
    cells: NDArray[np.float32]
    grid: PatchGrid
    low: float
    high: float
    peak: int
    shares: Shares | None


def draw_heatmap(
    maps: AnswerMaps,
    span: Span,
    style: MapStyle,
    edge: int,
    words: Sequence[Span] = (),
) -> Heatmap:
    """The map of the steps in `span`, at most `edge` device pixels long.

    `words` are all words' spans, for one scale across them.
    """
    cells = maps.cells(*span)
    scale = maps.scale(words if style.same_scale and words else [span])
    image = draw_cells(cells, maps.maps.grid, style, edge, scale)
    low, high = scale or (0.0, 0.0)
    peak = int(np.where(np.isfinite(cells), cells, -np.inf).argmax())
    read = None
    if maps.choice.method.from_attention:
        read = Shares.of(maps.attention[slice(*span)])
    return Heatmap(image, maps.choice.method, cells, maps.maps.grid, low, high, peak, read)


def draw_strip(
    maps: AnswerMaps,
    words: Sequence[Span],
    photo: QImage,
    size: QSize,
    style: MapStyle,
    cancel: CancelToken,
) -> tuple[QImage, ...]:
    """A small picture for each word: the photo under its map. Raises Cancelled."""
    small = small_photo(photo, size)
    edge = max(small.width(), small.height())
    same = maps.scale(words) if style.same_scale and words else None
    pictures = []
    for word in words:
        cancel.raise_if_cancelled()
        scale = same or maps.scale([word])
        layer = draw_cells(maps.cells(*word), maps.maps.grid, style, edge, scale)
        pictures.append(over_photo(small, layer))
    return tuple(pictures)


def small_photo(photo: QImage, size: QSize) -> QImage:
    """As large as it fits into `size`."""
    ratio, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return photo.scaled(size, ratio, smooth)


def over_photo(photo: QImage, layer: QImage) -> QImage:
    picture = photo.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    painter.setOpacity(SMALL_OPACITY)
    painter.drawImage(picture.rect(), layer)
    painter.end()
    return picture


def draw_cells(
    cells: NDArray[np.float32],
    grid: PatchGrid,
    style: MapStyle,
    edge: int,
    scale: Scale | None = None,
) -> QImage:
    """Opaque: the window sets the opacity when it paints. At most `edge` device pixels long."""
    if style.smooth and not style.contours:
        edge = min(edge, SMOOTH_EDGE)
    size = size_within((grid.photo_width, grid.photo_height), edge)
    rgba = np.ascontiguousarray(render(cells, grid, replace(style, opacity=1.0), size, scale=scale))
    height, width = rgba.shape[:2]
    image = QImage(rgba.data, width, height, width * 4, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
