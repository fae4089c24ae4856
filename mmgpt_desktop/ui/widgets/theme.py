"""Colours, fonts and icons: light, dark and high contrast, following the system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget

from mmgpt_desktop.resources import resource_path

# The spacing scale, in device-independent pixels.
TIGHT, SMALL, MEDIUM, LARGE = 4, 8, 12, 20
_CURSOR_MS = 1000
_USUAL_LINE = 22  # of the largest ordinary font, in pixels


@dataclass(frozen=True)
class Colours:
    window: str  # behind the panes
    card: str  # a pane
    canvas: str  # behind a photo
    field: str  # where one types, and quiet buttons
    border: str
    edge: str  # of a control: 3:1 on its ground
    text: str
    muted: str
    accent: str
    accent_strong: str  # the accent under the pointer
    on_accent: str
    accent_soft: str
    lit: str  # behind a word that needed what is brushed
    problem: str
    problem_soft: str


LIGHT = Colours(
    window="#f1f2f5",
    card="#ffffff",
    canvas="#eceef2",
    field="#f7f8fa",
    border="#dfe2e8",
    edge="#868e9c",
    text="#1b1f27",
    muted="#596273",
    accent="#3d4fd0",
    accent_strong="#3142b8",
    on_accent="#ffffff",
    accent_soft="#e4e8fc",
    lit="#ffd666",
    problem="#a8261d",
    problem_soft="#fdebe9",
)

DARK = Colours(
    window="#121419",
    card="#1b1e25",
    canvas="#14161b",
    field="#232730",
    border="#2e333d",
    edge="#747d8d",
    text="#e8eaef",
    muted="#a0a9b8",
    accent="#9dabff",
    accent_strong="#b6c0ff",
    on_accent="#11162e",
    accent_soft="#2c3460",
    lit="#7a5a00",
    problem="#ffa198",
    problem_soft="#42211f",
)

# Black, white and one colour; what a control is shows its edge, not its ground.
CONTRAST = Colours(
    window="#000000",
    card="#000000",
    canvas="#000000",
    field="#000000",
    border="#8a8a8a",
    edge="#c8c8c8",
    text="#ffffff",
    muted="#f0f0f0",
    accent="#ffe94d",
    accent_strong="#fff5a8",
    on_accent="#000000",
    accent_soft="#003a57",
    lit="#6a4e00",
    problem="#ffb3ab",
    problem_soft="#3a0d0a",
)
THEMES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST}


class Theme(QObject):
    """Applies the colours to the application and says when they changed.

    `choice` is system, light, dark or contrast; `dress` makes the colours those of a brand.
    """

    changed = Signal()
    still = False  # nothing moves by itself

    def __init__(
        self,
        application: QApplication,
        choice: str = "system",
        dress: Callable[[Colours], Colours] = lambda colours: colours,
    ) -> None:
        super().__init__(application)
        self._application, self._dress = application, dress
        self.choice = choice
        self.colours = LIGHT
        application.setStyle("Fusion")
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        hints.accessibility().contrastPreferenceChanged.connect(self._follow)
        self._apply()

    def choose(self, choice: str) -> None:
        self.choice = choice
        self._apply()

    def set_still(self, still: bool) -> None:
        self.still = still
        if still:
            QApplication.setCursorFlashTime(0)
            for effect in Qt.UIEffect:
                QApplication.setEffectEnabled(effect, False)
        else:
            QApplication.setCursorFlashTime(_CURSOR_MS)
        self.changed.emit()

    def _wanted(self) -> str:
        if self.choice in THEMES:
            return self.choice
        hints = QGuiApplication.styleHints()
        if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
            return "contrast"
        return "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"

    def _follow(self) -> None:
        if self.choice == "system":
            self._apply()

    def _apply(self) -> None:
        name = self._wanted()
        self.colours = self._dress(THEMES[name])
        self._application.setPalette(_palette(self.colours))
        self._application.setStyleSheet(style_sheet(self.colours, name))
        self.changed.emit()

    def colour(self, name: str) -> QColor:
        return QColor(getattr(self.colours, name))

    def icon(self, name: str, colour: str = "text") -> QIcon:
        return _icon(name, getattr(self.colours, colour), self.colours.edge)


def _palette(colours: Colours) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for target, name in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.card,
        role.AlternateBase: colours.field,
        role.Text: colours.text,
        role.Button: colours.field,
        role.ButtonText: colours.text,
        role.ToolTipBase: colours.text,
        role.ToolTipText: colours.card,
        role.PlaceholderText: colours.muted,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.BrightText: colours.problem,
    }.items():
        palette.setColor(target, QColor(name))
    disabled = QPalette.ColorGroup.Disabled
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(disabled, target, QColor(colours.edge))
    return palette


def style_sheet(colours: Colours, name: str) -> str:
    """The sheet filled with a theme's colours, and with icons that it must name as files."""
    sheet = resource_path("style", "app.qss").read_text(encoding="utf-8")
    return Template(sheet).substitute(
        asdict(colours),
        check=resource_path("icons", f"check-{name}.svg").as_posix(),
        chevron_down=resource_path("icons", "chevron-down.svg").as_posix(),
    )


def svg(name: str, colour: str) -> str:
    """A shipped icon's text; `colour` is #rrggbb."""
    text = resource_path("icons", f"{name}.svg").read_text(encoding="utf-8")
    return text.replace("currentColor", colour)


@lru_cache(maxsize=128)
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    icon = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(svg(name, tint).encode()))
        for edge in (16, 20, 32, 40, 64, 128):
            icon.addPixmap(_draw(renderer, edge), mode)
    return icon


def _draw(renderer: QSvgRenderer, edge: int) -> QPixmap:
    pixmap = QPixmap(edge, edge)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    return pixmap


def scaled(pixels: int) -> int:
    """A size beside text: it grows where the system's text is larger than usual."""
    line = QFontMetrics(QApplication.font()).height()
    return round(pixels * max(1.0, line / _USUAL_LINE))


def resized(font: QFont, scale: float) -> QFont:
    """The font in another size. Some desktops give the size of theirs in pixels."""
    other = QFont(font)
    if font.pointSizeF() > 0:
        other.setPointSizeF(font.pointSizeF() * scale)
    else:
        other.setPixelSize(max(1, round(font.pixelSize() * scale)))
    return other


def set_font(widget: QWidget, *, scale: float = 1.0, bold: bool = False) -> None:
    """A size relative to the system's font, so that a larger system font is kept."""
    font = resized(QApplication.font(), scale)
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    widget.setFont(font)


def untinted(pixmap: QPixmap) -> QIcon:
    """An icon that looks the same where it is selected."""
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


def restyle(widget: QWidget) -> None:
    """Apply the style sheet anew after a property that it looks at has changed."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
