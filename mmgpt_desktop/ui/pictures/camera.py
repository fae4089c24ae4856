"""A stream of pictures: from a camera, from a part of the screen, or from a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCameraPermission,
    QCoreApplication,
    QElapsedTimer,
    QObject,
    QPermission,
    Qt,
    QTimer,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QImage

from mmgpt_desktop.ui.widgets.texts import translated

SHOWN_MS = 66  # between two pictures: more of them a second nobody needs to see
SILENCE_MS = 10_000  # without a picture for so long, a source is taken for dead
_WIDEST = 1280
_NO_LIBRARY = str(
    QT_TRANSLATE_NOOP(
        "cameras",
        "The camera can't be used: a library of the system is missing ({reason}). "
        "On Debian and Ubuntu, install libpulse0.",
    )
)
_NO_CAMERA = str(QT_TRANSLATE_NOOP("cameras", "There is no camera. Plug one in, then try again."))


class FrameSource(Protocol):
    """Gives pictures from `start` to `stop`, in the GUI thread; `failed` says why it can't."""

    @property
    def frame(self) -> SignalInstance: ...  # QImage

    @property
    def failed(self) -> SignalInstance: ...  # str, in the window's language

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Camera(QObject):
    """Switches a source on and off. After `failed` it is off.

    The source is made with `make_source` each time it is switched on, and let go of when it is
    off, so that no device stays open.
    """

    frame = Signal(QImage)
    failed = Signal(str)
    running_changed = Signal(bool)

    def __init__(
        self,
        make_source: Callable[[QObject], FrameSource] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._make_source = make_source or DeviceSource
        self._source: FrameSource | None = None
        self._newest: QImage | None = None
        self._silence = QTimer(self, singleShot=True, interval=SILENCE_MS)
        self._silence.timeout.connect(self._give_up)

    @property
    def running(self) -> bool:
        return self._source is not None

    def available(self) -> bool:
        """Whether there is something to switch on, as far as that is known before."""
        return self._make_source is not DeviceSource or not why_no_camera()

    def start(self) -> None:
        if self._source is not None:
            return
        source = self._source = self._make_source(self)
        source.frame.connect(self._take)
        source.failed.connect(self._fail)
        self._silence.start()
        self.running_changed.emit(True)
        source.start()

    def stop(self) -> None:
        source, self._source = self._source, None
        if source is None:
            return
        self._newest = None
        self._silence.stop()
        source.stop()
        if isinstance(source, QObject):
            source.deleteLater()
        self.running_changed.emit(False)

    def snapshot(self) -> QImage | None:
        """The newest picture; None while there is none."""
        return self._newest

    def _take(self, image: QImage) -> None:
        if self._source is not None and not image.isNull():
            self._newest = image
            self._silence.start()
            self.frame.emit(image)

    def _fail(self, text: str) -> None:
        if self._source is not None:
            self.stop()
            self.failed.emit(text)

    def _give_up(self) -> None:
        self._fail(self.tr("The camera gives no picture. Is another program using it?"))


def why_no_camera() -> str:
    """A sentence in the window's language; empty where there is a camera."""
    try:
        from PySide6.QtMultimedia import QMediaDevices
    except ImportError as error:
        return translated("cameras", _NO_LIBRARY).format(reason=str(error).partition(":")[0])
    none = QMediaDevices.defaultVideoInput().isNull()
    return translated("cameras", _NO_CAMERA) if none else ""


class DeviceSource(QObject):
    """The system's camera, by QtMultimedia, which is imported when it is needed: its libraries
    are not everywhere."""

    frame = Signal(QImage)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts: tuple[Any, ...] = ()  # camera, session, sink
        self._stopped = False
        self._since = QElapsedTimer()

    def start(self) -> None:
        if reason := why_no_camera():
            self.failed.emit(reason)
            return
        application, permission = QCoreApplication.instance(), QCameraPermission()
        assert application is not None
        status = application.checkPermission(permission)
        if status == Qt.PermissionStatus.Undetermined:
            application.requestPermission(permission, self, self._take_permission)
        else:
            self._begin(status)

    def stop(self) -> None:
        self._stopped = True
        parts, self._parts = self._parts, ()
        if parts:
            parts[0].stop()

    def _take_permission(self, permission: QPermission) -> None:
        if not self._stopped:
            self._begin(permission.status())

    def _begin(self, status: Qt.PermissionStatus) -> None:
        if status != Qt.PermissionStatus.Granted:
            self.failed.emit(
                self.tr(
                    "The camera may not be used: the system refuses it. "
                    "Allow it in the system's privacy settings, then try again."
                )
            )
            return
        from PySide6.QtMultimedia import QCamera, QMediaCaptureSession, QMediaDevices, QVideoSink

        device = QMediaDevices.defaultVideoInput()
        camera, session, sink = QCamera(device, self), QMediaCaptureSession(self), QVideoSink(self)
        if formats := device.videoFormats():
            camera.setCameraFormat(max(formats, key=_fitness))
        self._parts = (camera, session, sink)
        session.setCamera(camera)
        session.setVideoSink(sink)
        sink.videoFrameChanged.connect(self._take)
        camera.errorOccurred.connect(self._fail)
        camera.start()

    def _take(self, frame: Any) -> None:
        """Frames that come too fast are left out before they cost anything."""
        if not self._since.isValid() or self._since.elapsed() >= SHOWN_MS:
            self._since.start()
            self.frame.emit(frame.toImage())

    def _fail(self, _error: object, reason: str) -> None:
        said = self.tr(
            "The camera stopped ({reason}). Plug it in again, or close what else uses it."
        )
        self.failed.emit(said.format(reason=reason.strip().rstrip(".")))


def _fitness(camera_format: Any) -> tuple[bool, int, float]:
    """As sharp as is of use, then as smooth as there is."""
    width = camera_format.resolution().width()
    return width <= _WIDEST, width if width <= _WIDEST else -width, camera_format.maxFrameRate()
