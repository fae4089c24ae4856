"""A picture of whoever stands there: live, counted down, taken."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.ui.event.cards import words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.pictures.live_view import LiveView
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme

SECONDS = 3
_LAMP = "\u25cf"


class CameraPage(Retranslated, QWidget):
    """The camera is on while the page is in view, and says so. What it shows is a mirror, the
    picture that is taken is not."""

    taken = Signal(QImage)
    left = Signal()

    def __init__(self, theme: Theme, scale: Scale, camera: Camera) -> None:
        super().__init__()
        self.setObjectName("page")
        self.camera = camera
        self.view = LiveView(theme)
        self.light, self.count = words("light", centred=True), words("shutter", centred=True)
        self.shoot = push_button(clicked=self.begin, look="primary")
        self.back = push_button(clicked=self.left)
        self._left = 0
        self.second = QTimer(self, interval=1000)
        self.second.timeout.connect(self._count_down)
        self.view.snapshot_wanted.connect(self.begin)
        self.view.stop_wanted.connect(self.left)
        camera.frame.connect(self._show_frame)
        camera.running_changed.connect(self._show_light)
        buttons = scale.hbox(self.back, (self.shoot, 1), gap=2)
        self.count.setParent(self)
        self.count.hide()
        self.setLayout(scale.vbox((self.view, 1), self.light, buttons, gap=2, margin=4, top=2))
        self._show_light(False)
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.view.setAccessibleName(self.tr("What the camera sees"))
        self.light.setText(f"{_LAMP} " + self.tr("The camera is on"))
        self.shoot.setText(self.tr("Take the picture"))
        self.back.setText(self.tr("Back"))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.shoot.setEnabled(False)
        self.camera.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.clear()

    def clear(self) -> None:
        """Off, and nothing of what it saw is left."""
        self.second.stop()
        self.count.hide()
        self.camera.stop()
        self.view.clear()

    def _show_frame(self, image: QImage) -> None:
        self.view.show_frame(image.flipped(Qt.Orientation.Horizontal))
        if not self.shoot.isEnabled() and not self.second.isActive():
            self.shoot.setEnabled(True)
            self.shoot.setFocus()

    def _show_light(self, running: bool) -> None:
        self.light.setVisible(running)

    def begin(self) -> None:
        """Time to smile."""
        if self.shoot.isEnabled():
            self.view.setFocus()  # where a second press does nothing
            self.shoot.setEnabled(False)
            self._left = SECONDS
            self.second.start()
            self._show_count()

    def _show_count(self) -> None:
        self.count.setText(str(self._left))
        self.count.adjustSize()
        place = self.count.rect()
        place.moveCenter(self.view.geometry().center())
        self.count.setGeometry(place)
        self.count.show()
        self.count.raise_()
        announce(self.count, self.count.text())

    def _count_down(self) -> None:
        self._left -= 1
        if self._left > 0:
            self._show_count()
            return
        self.second.stop()
        self.count.hide()
        image = self.camera.snapshot()
        if image is not None:
            self.taken.emit(image)
        else:
            self.shoot.setEnabled(True)
