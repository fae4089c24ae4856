"""The window that visitors see: a page at a time under the event's name, and what lies over it."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QEvent, QLocale, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPixmap,
    QResizeEvent,
    QScreen,
)
from PySide6.QtWidgets import QApplication, QLayout, QWidget

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.ui.event.answer_page import AnswerPage
from mmgpt_desktop.ui.event.camera_page import CameraPage
from mmgpt_desktop.ui.event.cards import Cover, words
from mmgpt_desktop.ui.event.chooser import Chooser
from mmgpt_desktop.ui.event.draw_page import DrawPage
from mmgpt_desktop.ui.event.letters import TypedLetters
from mmgpt_desktop.ui.event.lock import PinPad
from mmgpt_desktop.ui.event.reset import Countdown
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.event.souvenir import what_to_do
from mmgpt_desktop.ui.event.start_page import StartPage
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.pictures.picture_drops import PictureDrops
from mmgpt_desktop.ui.widgets.box_layout import stack, vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label, window_title
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.shown_photo import logo_from_file
from mmgpt_desktop.ui.widgets.texts import Retranslated, error_hint, error_title
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import TaskThread

AWAY_MS = 700  # until it comes back before another program's window
LINE_MS = 5000  # the longest that a friendly line stays
_LOGO = QSizeF(32, 6)

_log = logging.getLogger(__name__)


def is_chinese() -> bool:
    """The language that is installed; there are two."""
    return QLocale().language() == QLocale.Language.Chinese


class Blank(Cover):
    """Black over everything, until it is touched; keys do nothing below it."""

    touched = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setStyleSheet("background: black;")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.touched.emit()


class Header(Retranslated, QWidget):
    """The event's name, and the few things that are always to be had during a visit."""

    def __init__(self, scale: Scale, profile: Profile, files: TaskThread) -> None:
        super().__init__()
        self._scale, self._profile = scale, profile
        self._picture = QPixmap()
        self.logo, self.title = Label(), ElidedLabel()
        self.title.setProperty("role", "title")
        self.title.say(profile.title)
        self.logo.hide()
        self.logo.setAccessibleName(profile.title)
        buttons = [push_button(look="quiet") for _ in range(5)]
        self.language, self.another, self.back, self.souvenir, self.done = buttons
        self.setLayout(scale.hbox(self.logo, (self.title, 1), *buttons, gap=1.6))
        scale.changed.connect(self._fit)
        self._fit()
        self.retranslate_ui()
        self.show_buttons()
        if profile.brand.logo is not None:
            self._load(profile.brand.logo, files)

    def retranslate_ui(self) -> None:
        self.language.setText("English" if is_chinese() else "\u4e2d\u6587")
        self.another.setText(self.tr("Another picture"))
        self.back.setText(self.tr("Back to the picture"))
        self.souvenir.setText(what_to_do(self._profile.souvenir))
        self.done.setText(self.tr("I'm done"))

    def _load(self, logo: Path, files: TaskThread) -> None:
        files.submit(lambda _task: logo_from_file(logo), self._show_logo, self._lack_logo)

    def _show_logo(self, image: QImage) -> None:
        self._picture = QPixmap.fromImage(image)
        self.logo.show()
        self._fit()

    def _lack_logo(self, error: AppError) -> None:
        """The organiser's business, and no visitor's; `event-check` says it too."""
        _log.warning("the show has no logo: %s", error)

    def _fit(self) -> None:
        if not self._picture.isNull():
            ratio = self.devicePixelRatioF()
            most = QSize(self._scale.px(_LOGO.width()), self._scale.px(_LOGO.height())) * ratio
            whole, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode
            picture = self._picture.scaled(most, whole, smooth.SmoothTransformation)
            picture.setDevicePixelRatio(ratio)
            self.logo.setPixmap(picture)

    def show_buttons(
        self, *, another: bool = False, back: bool = False, souvenir: bool = False
    ) -> None:
        self.another.setVisible(another)
        self.back.setVisible(back)
        self.souvenir.setVisible(souvenir)
        self.done.setVisible(another or back)


class EventWindow(PictureDrops, Retranslated, QWidget):
    """Fills a screen, and stays until `leave`."""

    dropped = Signal(object)  # QMimeData
    touched = Signal()  # something that shows that somebody is there

    def __init__(
        self, theme: Theme, scale: Scale, profile: Profile, camera: Camera, files: TaskThread
    ) -> None:
        super().__init__()
        self._theme, self._scale, self._profile = theme, scale, profile
        self.fills = self._leaving = False
        self.setObjectName("event")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(window_title(profile.title))
        self.setWindowFlags(Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self.setAcceptDrops(profile.lock.drop)
        self.header = Header(scale, profile, files)
        self.start_page = StartPage(theme, scale, profile)
        self.chooser, self.camera_page = Chooser(scale, files), CameraPage(theme, scale, camera)
        self.answer_page = AnswerPage(theme, scale, profile)
        self.draw_page = DrawPage(theme, scale, profile.limits.question_chars, profile.drawing)
        pages = self.start_page, self.chooser, self.camera_page, self.draw_page, self.answer_page
        self.pages = stack(*pages)
        self._bar = QWidget()
        self._bar.setLayout(scale.hbox(self.header, gap=0, margin=4, top=1.6))
        column = vbox(self._bar, (self.pages, 1), gap=0, margins=0)
        # Else the pages' sizes, which follow the window's, would set it.
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.setLayout(column)
        self.countdown, self.pad = Countdown(scale, self), PinPad(theme, scale, self)
        self.blank = Blank(self)
        lines = self.answer_page.asking.line, self.draw_page.wishes.line
        TypedLetters(self, lines, self.pad)
        self.line = words("lamp", centred=True)
        self.line.setParent(self)
        self.line.hide()
        self.line_time = QTimer(self, singleShot=True, interval=LINE_MS)
        self.line_time.timeout.connect(self.line.hide)
        self.away = QTimer(self, interval=AWAY_MS)
        self.away.timeout.connect(self._come_before)
        theme.changed.connect(self._dress)
        scale.changed.connect(self._dress)
        self._dress()
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.pages.setAccessibleName(self._profile.title)
        self.unsay()  # it was for a moment, and in another language

    def _dress(self) -> None:
        self.setStyleSheet(self._scale.style_sheet(self._theme.colours, self._profile.brand.colour))

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(1280, 720)

    def say(self, text: str) -> None:
        """A friendly line for a few seconds."""
        self.line.setText(text)
        self.line.show()
        self.line.raise_()
        self._place_line()
        self.line_time.start()
        announce(self.line, text)

    def say_error(self, error: AppError) -> None:
        self.say(f"{error_title(error)} {error_hint(error)}".strip())

    def unsay(self) -> None:
        self.line_time.stop()
        self.line.hide()
        self.line.clear()  # it may say what a visitor said

    def set_playing(self, playing: bool) -> None:
        """While the samples play no pointer stands in the way."""
        if playing:
            self.setCursor(Qt.CursorShape.BlankCursor)
        else:
            self.unsetCursor()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._scale.fit(self.size())
        super().resizeEvent(event)
        for cover in (self.countdown, self.pad, self.blank):
            cover.setGeometry(self.rect())
        self._place_line()

    def _place_line(self) -> None:
        width = min(self.width() - self._scale.px(8), self._scale.px(110))
        height = max(self.line.heightForWidth(width), self._scale.px(7))
        self.line.setGeometry((self.width() - width) // 2, self._scale.px(12), width, height)

    def fill(self, screen: QScreen) -> None:
        """All of the screen from now on, whatever a desktop's menus make of the window."""
        if self.isFullScreen():  # else it would keep the screen that it fills
            self.showNormal()
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.fills = True
        self.showFullScreen()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        changed = event.type() == QEvent.Type.WindowStateChange
        if changed and self.fills and (self.isMinimized() or not self.isFullScreen()):
            QTimer.singleShot(0, self, self._come_back)

        if event.type() == QEvent.Type.ActivationChange and self.fills:
            self.away.start()

    def _come_before(self) -> None:
        """Another program's window was chosen (Alt+Tab); one of our own may stay."""
        if self._leaving or QApplication.activeWindow() is not None:
            self.away.stop()
        else:
            self.raise_()
            self.activateWindow()

    def _come_back(self) -> None:
        """The desktop may have ended the full screen, or put the window away."""
        if not self._leaving:
            self.showFullScreen()
            self.raise_()
            self.activateWindow()

    def leave(self) -> None:
        """The one way out."""
        self._leaving = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not self._leaving:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        event.accept()

    def show_drop(self, over: bool) -> None:
        self.start_page.drop.set_drop(over)
        if over:
            self.touched.emit()
