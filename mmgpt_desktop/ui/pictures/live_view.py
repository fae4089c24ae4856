"""What a camera sees, and the light that says that it is on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame

from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.photo_view import PictureArea
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, Label
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, TIGHT, Theme


class LiveView(PictureArea):
    """The newest picture, as large as fits. Space and Enter take it, Esc ends."""

    snapshot_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._image = QImage()

    @property
    def image(self) -> QImage:
        return self._image

    def show_frame(self, image: QImage) -> None:
        self._image = image
        self.update()

    def clear(self) -> None:
        self.show_frame(QImage())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.snapshot_wanted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.stop_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not self._image.isNull():
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
        self.paint_focus(painter)
        painter.end()


class LiveBar(Retranslated, QFrame):
    """Shown as long as a source is on, whatever else is in view."""

    snapshot_wanted = Signal()
    pause_wanted = Signal()
    go_on_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self._screen = self._paused = False
        self.text = ElidedLabel()
        self.snapshot_button = push_button(clicked=self.snapshot_wanted, look="primary")
        self.pause_button = push_button(clicked=self._pause)
        self.stop_button = push_button(clicked=self.stop_wanted)
        buttons = (self.snapshot_button, self.pause_button, self.stop_button)
        light = Label("●", look="problem")  # what it means stands beside it in words
        parts = (light, (self.text, 1), *buttons)
        self.setLayout(hbox(*parts, gap=SMALL, margins=(MEDIUM, TIGHT, TIGHT, TIGHT)))
        self.retranslate_ui()
        self.hide()

    def show_state(self, *, screen: bool, paused: bool) -> None:
        """`screen`: a part of the screen is followed, not a camera."""
        changed = self.isHidden() or (screen, paused) != (self._screen, self._paused)
        self._screen, self._paused = screen, paused
        self.retranslate_ui()
        self.show()
        if changed:
            announce(self, self.text.whole)

    def _pause(self) -> None:
        (self.go_on_wanted if self._paused else self.pause_wanted).emit()

    def retranslate_ui(self) -> None:
        on = self.tr("Following the screen") if self._screen else self.tr("The camera is on")
        paused = self.tr("captions are paused")
        self.text.say(f"{on} · {paused}" if self._paused else on)
        self.setAccessibleName(self.text.whole)
        self.snapshot_button.setText(self.tr("Take a picture"))
        self.snapshot_button.setToolTip(self.tr("Take a picture, to ask about it (Space)"))
        self.pause_button.setText(self.tr("Go on") if self._paused else self.tr("Pause"))
        self.stop_button.setText(self.tr("Stop"))
        self.stop_button.setToolTip(self.tr("Switch it off (Esc)"))
        self.snapshot_button.setVisible(not self._paused)
