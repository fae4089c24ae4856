from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.ui.widgets.theme import (
    CONTRAST,
    DARK,
    LIGHT,
    THEMES,
    Colours,
    Theme,
    style_sheet,
)

EACH = pytest.mark.parametrize("colours", THEMES.values(), ids=THEMES)
TINTED = sorted(
    path.stem for path in resource_path("icons").glob("*.svg") if "currentColor" in path.read_text()
)


def name_of(colours: Colours) -> str:
    return next(name for name, each in THEMES.items() if each is colours)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    made = QColor(colour)
    red, green, blue = map(linear, (made.redF(), made.greenF(), made.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@EACH
def test_text_is_readable_on_every_ground(colours: Colours) -> None:
    grounds = (colours.window, colours.card, colours.canvas, colours.field, colours.accent_soft)
    for ground in grounds:
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.muted, ground) >= 4.5
    for ground in (colours.card, colours.window):
        assert contrast(colours.accent, ground) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.on_accent, colours.accent_strong) >= 4.5
    for ground in (colours.card, colours.problem_soft):
        assert contrast(colours.problem, ground) >= 4.5
        assert contrast(colours.accent, ground) >= 4.5  # of a notice's buttons
    assert contrast(colours.accent, colours.accent_soft) >= 4.5
    assert contrast(colours.text, colours.problem_soft) >= 4.5
    assert contrast(colours.text, colours.lit) >= 4.5


@EACH
def test_controls_and_focus_stand_out_from_their_ground(colours: Colours) -> None:
    for ground in (colours.card, colours.field):
        assert contrast(colours.edge, ground) >= 3
        assert contrast(colours.accent, ground) >= 3


@EACH
def test_each_rule_of_the_sheet_is_readable(colours: Colours) -> None:
    """Where a rule names text and ground; disabled controls may be dim (WCAG 2.2, 1.4.3)."""
    rules = re.findall(r"([^{}]+)\{([^}]*)\}", style_sheet(colours, name_of(colours)))
    seen = 0
    for selector, body in rules:
        ground = re.search(r"(?<![\w-])(?:selection-)?background(?:-color)?: (#\w{6})", body)
        text = re.search(r"(?<![\w-])(?:selection-)?color: (#\w{6})", body)
        if ground and text and ":disabled" not in selector:
            seen += 1
            assert contrast(text[1], ground[1]) >= 4.5, selector
    assert seen > 15


def test_high_contrast_is_higher() -> None:
    for ground in ("window", "card", "canvas", "field"):
        for text in ("text", "muted", "accent", "problem"):
            assert contrast(getattr(CONTRAST, text), getattr(CONTRAST, ground)) >= 7
        assert contrast(CONTRAST.border, getattr(CONTRAST, ground)) >= 3  # ordinary themes: less
    assert contrast(CONTRAST.text, CONTRAST.border) >= 3  # marks on a bar


@EACH
def test_the_sheet_is_filled_completely(colours: Colours) -> None:
    sheet = style_sheet(colours, name_of(colours))
    assert "$" not in sheet
    used = set(re.findall(r"#[0-9a-f]{6}", sheet))
    assert used <= {getattr(colours, field.name) for field in fields(colours)}
    icons = [Path(path) for path in re.findall(r'url\("(.+?)"\)', sheet)]
    assert len(icons) == 2
    assert all(icon.is_file() for icon in icons)
    check = next(icon for icon in icons if icon.stem.startswith("check"))
    assert colours.on_accent in check.read_text()


def test_it_follows_the_system(qtbot: QtBot, qapp: QApplication) -> None:
    hints = QGuiApplication.styleHints()
    theme = Theme(qapp)
    with qtbot.waitSignal(theme.changed):
        hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    theme.choose("dark")
    assert theme.colours is DARK
    with qtbot.assertNotEmitted(theme.changed):
        hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    with qtbot.waitSignal(theme.changed):
        theme.choose("contrast")
    assert theme.colours is CONTRAST
    theme.choose("system")
    assert theme.colours is (DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT)
    theme.deleteLater()


@pytest.mark.parametrize("name", TINTED)
def test_icons_take_the_themes_colour(qapp: QApplication, name: str) -> None:
    theme = Theme(qapp, "dark")
    image = theme.icon(name, "accent").pixmap(QSize(32, 32), 1.0).toImage()
    opaque = {
        image.pixelColor(x, y).name()
        for x in range(32)
        for y in range(32)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert DARK.accent in opaque
    theme.deleteLater()
