"""Sizes that grow with the show's window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtWidgets import QApplication, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.widgets.theme import Theme

SMALL, LARGE = QSize(1024, 600), QSize(3840, 2160)


def test_a_layout_and_an_icon_grow_with_the_window(qapp: QApplication, qtbot: QtBot) -> None:
    scale, widget, button = Scale(), QWidget(), QToolButton()
    qtbot.addWidget(widget)
    qtbot.addWidget(button)
    scale.fit(SMALL)
    box = scale.vbox(gap=2, margin=1)
    widget.setLayout(box)
    scale.set_icon(button, Theme(qapp, "light"), "keyboard", 4)
    before = box.spacing(), box.contentsMargins().left(), button.iconSize().width()
    scale.fit(LARGE)
    after = box.spacing(), box.contentsMargins().left(), button.iconSize().width()
    assert before == (12, 6, 24)
    assert after == (43, 22, 86)


def test_what_is_gone_is_sized_no_more(qapp: QApplication, qtbot: QtBot) -> None:
    """A page whose cards were replaced: before, each later change raised an error."""
    scale, theme = Scale(), Theme(qapp, "light")
    card, button = QWidget(), QToolButton()
    box: QVBoxLayout = scale.vbox(gap=2)
    card.setLayout(box)
    scale.set_icon(button, theme, "keyboard", 4)
    with qtbot.captureExceptions() as raised:
        for each in (card, button):
            _delete(each)
        scale.fit(LARGE)
        theme.changed.emit()
    assert not raised


def _delete(widget: QObject) -> None:
    widget.deleteLater()
    QApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete.value)
