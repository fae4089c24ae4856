"""Large pieces that the show's pages share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPainterPath, QPaintEvent, QShowEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QLayout, QPushButton, QSizePolicy, QWidget
from shiboken6 import isValid

from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.box_layout import vbox
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label
from mmgpt_desktop.ui.widgets.theme import Theme, restyle, svg

_TOO_LONG = re.compile(r"[^\s\u2e80-\uffef]{20,}")  # Chinese and the like end lines anywhere
_BREAK = "\u200b"  # nothing is seen of it


class Cover(QWidget):
    """Lies over all of the show. The focus stays in here, and goes back to where it was."""

    covers = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._before: QWidget | None = None
        self.hide()

    def cover(self, first: QWidget) -> None:
        """`first` has the focus then."""
        if self.isHidden():
            self._before = self.window().focusWidget()
        self.show()
        self.raise_()
        first.setFocus()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.covers.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.covers.emit(False)
        before, self._before = self._before, None
        inside = (focus := self.focusWidget()) is not None and focus is self.window().focusWidget()
        if inside and before is not None and isValid(before):
            before.setFocus()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802
        """Round and round: nobody sees what lies below."""
        buttons = self.findChildren(QPushButton)
        if not forward:
            buttons.reverse()
        now = self.focusWidget()
        at = buttons.index(now) + 1 if isinstance(now, QPushButton) else 0
        usable = [each for each in (*buttons[at:], *buttons[:at]) if each.isEnabled()]
        if usable and self.isVisible():
            usable[0].setFocus()
        return True


def in_turn(widgets: Iterable[QWidget]) -> None:
    """The Tab key goes from one to the next."""
    for one, following in itertools.pairwise(widgets):
        QWidget.setTabOrder(one, following)


def take_away(layout: QLayout, widgets: Iterable[QWidget]) -> None:
    """Others come in their place."""
    for widget in widgets:
        layout.removeWidget(widget)
        widget.hide()
        widget.deleteLater()


def words(role: str, *, centred: bool = False) -> Label:
    """A text in one of the show's sizes; see `event.qss`."""
    label = Label(wraps=True, centred=centred)
    label.setProperty("role", role)
    return label


def breakable(text: str) -> str:
    """A line may end within what is too long for one: it would widen all that it stands in."""
    return _TOO_LONG.sub(lambda word: _BREAK.join(word[0]), text)


class TwoLines(ElidedLabel):
    """What doesn't fit into two lines ends in an ellipsis; it is read out whole."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setWordWrap(True)
        self.setProperty("role", role)

    def _elide(self) -> None:
        room = round(1.8 * self.contentsRect().width())  # a line ends where a word does
        end = Qt.TextElideMode.ElideRight
        self.setText(breakable(self.fontMetrics().elidedText(self.whole, end, room)))


class Symbol(QWidget):
    """An icon painted sharp at any size."""

    def __init__(self, theme: Theme, scale: Scale, icon: str, size: float) -> None:
        super().__init__()
        self._theme, self._scale, self._icon, self._size = theme, scale, icon, size
        self._colour = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        scale.changed.connect(self._fit)
        theme.changed.connect(self.update)
        self._fit()

    def set_colour(self, colour: str) -> None:
        """#rrggbb, or empty for the accent."""
        self._colour = colour
        self.update()

    def _fit(self) -> None:
        edge = self._scale.px(self._size)
        self.setFixedSize(edge, edge)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        colour = self._colour or self._theme.colours.accent
        painter = QPainter(self)
        QSvgRenderer(QByteArray(svg(self._icon, colour).encode())).render(
            painter, QRectF(self.rect())
        )
        painter.end()


class Card(QPushButton):
    """A button as large as what lies in it; its texts may have several lines."""

    def __init__(self, scale: Scale, least: float, layout: QLayout) -> None:
        super().__init__()
        self._scale, self._least, self._inside = scale, least, layout
        self.setLayout(layout)
        for label in self.findChildren(Label):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        scale.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(self._scale.target(self._least))
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        return self._inside.totalSizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self._inside.totalMinimumSize()


class ActionCard(Card):
    """One of the big actions: an icon, what it does, and a line on it."""

    def __init__(self, theme: Theme, scale: Scale, icon: str) -> None:
        self.symbol = Symbol(theme, scale, icon, 12)
        self.title, self.hint = words("large", centred=True), words("small", centred=True)
        middle = (self.symbol, 0, Qt.AlignmentFlag.AlignHCenter)
        super().__init__(scale, 30, vbox(2, middle, 1, self.title, self.hint, 2))
        self.setObjectName("action")

    def set_texts(self, title: str, hint: str) -> None:
        self.title.setText(title)
        self.hint.setText(hint)
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)

    def stand_out(self, first: bool, on_brand: str) -> None:
        """The action that comes first has the brand's colour."""
        self.setProperty("first", first)
        self.symbol.set_colour(on_brand if first else "")
        for widget in (self, self.title, self.hint):
            restyle(widget)

    def set_drop(self, wanted: bool) -> None:
        self.setProperty("drop", wanted)
        restyle(self)


class QuestionCard(Card):
    """A question to be asked by touching it; `question` is what the model is asked."""

    def __init__(self, scale: Scale, question: str, said: str) -> None:
        label = TwoLines("body")
        super().__init__(scale, 8, scale.vbox(label, gap=0, margin=1.8, top=0.8))
        self.setObjectName("card")
        self.question = question
        policy = self.sizePolicy()
        policy.setVerticalPolicy(QSizePolicy.Policy.Preferred)
        self.setSizePolicy(policy)
        label.say(said)
        self.setAccessibleName(said)


class Tile(QPushButton):
    """A picture to be touched; what doesn't fit its shape is cut off."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("tile")
        self.setAccessibleName(name)
        expanding = QSizePolicy.Policy.Expanding
        self.setSizePolicy(expanding, expanding)
        self._picture = QImage()

    @property
    def picture(self) -> QImage:
        """Null until it is there."""
        return self._picture

    def show_picture(self, picture: QImage) -> None:
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._picture.isNull():
            return
        edge = 5.0
        place = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
        size = place.size().scaled(QSizeF(self._picture.size()), Qt.AspectRatioMode.KeepAspectRatio)
        source = QRectF(QPointF(), size)
        over = QSizeF(self._picture.size()) - size
        source.moveTopLeft(QPointF(over.width() / 2, over.height() / 4))  # heads are above
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        rounded = QPainterPath()
        rounded.addRoundedRect(place, 2 * edge, 2 * edge)
        painter.setClipPath(rounded)
        painter.drawImage(place, self._picture, source)
        painter.end()
