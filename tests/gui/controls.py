"""What a person reaches in a window: its controls, their names and the keys, its dialogs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.widgets.photo_view import PhotoView
from mmgpt_desktop.ui.window.app import App
from tests.not_none import not_none

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    PhotoView,
)


def controls(root: QWidget) -> list[QWidget]:
    """What a person uses, without Qt's own parts of it (scroll bars, a box's list, a header)."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if isinstance(widget, CONTROLS) and not _inside(widget, root)
    ]


def _inside(widget: QWidget, root: QWidget) -> bool:
    above = widget.parentWidget()
    internal = widget.objectName().startswith("qt_")
    while above is not None and above is not root:
        internal |= isinstance(above, CONTROLS) or above.objectName().startswith("qt_")
        above = above.parentWidget()
    return internal


def name_of(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def check_keyboard_and_names(root: QWidget) -> None:
    shown = [each for each in controls(root) if each.isVisibleTo(root) and each.isEnabled()]
    assert [each for each in shown if not name_of(each)] == []
    lonely = [each for each in shown if not each.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert [name_of(each) for each in lonely] == []
    chain, widget = set(), not_none(root.nextInFocusChain())
    for _ in range(1000):
        chain.add(widget)
        widget = not_none(widget.nextInFocusChain())
    assert [name_of(each) for each in shown if each not in chain] == []


def opened(qtbot: QtBot, app: App, kind: type[QDialog]) -> QDialog:
    qtbot.waitUntil(lambda: bool(app.window.findChildren(kind)))
    return app.window.findChildren(kind)[0]
