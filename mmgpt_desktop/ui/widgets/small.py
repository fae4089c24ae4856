"""Small pieces that the panes share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, SignalInstance
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QIcon,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QToolButton,
    QWidget,
)

from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, TIGHT, Theme, scaled

HEADER_HEIGHT = 32


class Retranslated:
    """Beside a QWidget: `retranslate_ui` sets all texts, and does so again in a new language."""

    def retranslate_ui(self) -> None:
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)  # type: ignore[misc]
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()


class ElidedLabel(Label):
    """One line that is shortened where it doesn't fit; the tooltip has all of it."""

    def __init__(self, *, look: str = "", scale: float = 1.0, bold: bool = False) -> None:
        super().__init__(look=look, scale=scale, bold=bold)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def whole(self) -> str:
        return self._whole

    def say(self, text: str) -> None:
        self._whole = text
        self.setToolTip(tip(text))
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        width = self.contentsRect().width()
        end = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._whole, end, width))


class Pane(QFrame):
    """A card with a heading; `header` takes further widgets, `body` the content."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self.heading = ElidedLabel(look="heading", scale=1.05, bold=True)
        self.heading.setMinimumWidth(0)
        self.header = hbox((self.heading, 1), gap=TIGHT)
        self.header.addStrut(scaled(HEADER_HEIGHT))
        self.body = vbox(self.header, gap=SMALL, margins=(MEDIUM, SMALL, MEDIUM, MEDIUM))
        self.setLayout(self.body)

    def set_title(self, title: str) -> None:
        self.heading.say(title)
        self.setAccessibleName(title)


def push_button(
    text: str = "", clicked: Callable[..., object] | SignalInstance | None = None, look: str = ""
) -> QPushButton:
    """Pressed by itself alone, never by Enter elsewhere in a dialog; `look` is a name in the style
    sheet."""
    made = QPushButton(text, autoDefault=False)
    made.setObjectName(look)
    if clicked is not None:
        made.clicked.connect(clicked)
    return made


class IconButton(QToolButton):
    """A flat button with an icon that follows the theme, and a name that is read out."""

    def __init__(
        self, theme: Theme, icon: str, clicked: Callable[..., object] | SignalInstance | None = None
    ) -> None:
        super().__init__()
        self.setObjectName("flat")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(scaled(18), scaled(18)))
        self.setFixedSize(scaled(30), scaled(30))
        self._theme, self._icon = theme, icon
        if clicked is not None:
            self.clicked.connect(clicked)
        theme.changed.connect(self._draw)
        self._draw()

    def set_name(self, name: str, shortcut: str = "") -> None:
        self.setAccessibleName(name)
        self.setToolTip(tip(f"{name} ({shortcut})" if shortcut else name))

    def set_icon(self, icon: str) -> None:
        self._icon = icon
        self._draw()

    def _draw(self) -> None:
        self.setIcon(self._theme.icon(self._icon))


class Choice(QComboBox):
    """The wheel scrolls what is around it, and never chooses by the way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()


class Slide(QSlider):
    """The wheel moves it only where somebody is at it."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class WaitBar(QProgressBar):
    """How far something has come; it moves while nobody knows, unless nothing is to move."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._fraction = theme, -1.0
        self.setTextVisible(False)
        theme.changed.connect(self._draw)
        self._draw()

    def show_fraction(self, fraction: float) -> None:
        """0 to 1, or below 0 while nobody knows how much there is."""
        self._fraction = fraction
        self._draw()

    def _draw(self) -> None:
        moves = self._fraction < 0 and not self._theme.still
        self.setRange(0, 0 if moves else 100)
        self.setValue(round(max(0.0, self._fraction) * 100))


class EmptyState(QWidget):
    """An icon, a sentence on what will be here, one on what to do, and its buttons."""

    def __init__(self, theme: Theme, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._icon = theme, icon
        self._picture = Label(centred=True)
        self.title = Label(centred=True, wraps=True, scale=1.1, bold=True)
        self.hint = Label(centred=True, wraps=True, look="muted")
        self.buttons = hbox(1, 1, gap=SMALL)
        below = vbox(self.buttons, margins=(0, SMALL, 0, 0))
        self.setLayout(vbox(1, self._picture, self.title, self.hint, below, 1, gap=SMALL))
        theme.changed.connect(self._draw)
        self._draw()

    def set_texts(self, title: str, hint: str) -> None:
        self.title.setText(title)
        self.hint.setText(hint)

    def add_button(self, button: QPushButton) -> None:
        self.buttons.insertWidget(self.buttons.count() - 1, button)

    def _draw(self) -> None:
        icon = self._theme.icon(self._icon, "muted")
        self._picture.setPixmap(icon.pixmap(QSize(40, 40), self.devicePixelRatioF()))


def untinted(pixmap: QPixmap) -> QIcon:
    """An icon that looks the same where it is selected."""
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say what appeared without the focus going there."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def restyle(widget: QWidget) -> None:
    """Apply the style sheet anew after a property that it looks at has changed."""
    style: QStyle = widget.style()
    style.unpolish(widget)
    style.polish(widget)
