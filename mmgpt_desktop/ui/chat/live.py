"""Live mode: what a camera or a part of the screen shows is described every few seconds."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QImage

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import GenerationOutcome, Photo
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.pictures.camera import Camera, FrameSource
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.pictures.region import RegionPicker, RegionSource, ScreenRegion
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.shown_photo import photo_from_image
from mmgpt_desktop.ui.widgets.texts import usual_question

CAPTION = "Describe this picture."
EVERY_MS = 2500  # from the end of a caption to the next

MakeSource = Callable[[QObject], FrameSource]


class Live(QObject):
    """Off, or on: then captions follow each other, or pause while something else is in view.

    There is never more than one caption on its way: the next one is of the newest picture. A
    question takes the newest picture as a photo, and is asked about that.
    """

    def __init__(self, shell: Shell, pane: ImagePane, controller: ChatController) -> None:
        super().__init__(shell.window)
        self._shell, self._pane = shell, pane
        self._controller, self._photos = controller, controller.photos
        self._thread = shell.threads["live frames"]
        self._camera: Camera | None = None
        self._screen = False
        self._looking = False  # the captions are in view, not paused
        self._passing = Conversation()
        self._question = ""  # to be asked about the picture that is being taken
        self._captioned = self._taken = CancelToken()  # the frames on their way
        self.pause_ms = EVERY_MS
        self._next = QTimer(self, singleShot=True)
        self._next.timeout.connect(self._caption)
        controller.ended.connect(self._wait)
        self._photos.chosen.connect(self._look_away)
        self.region = RegionPicker(shell.window)
        self._connect_pane()
        controller.prompt.asked.connect(self.ask)
        shell.window.installEventFilter(self)

    def _connect_pane(self) -> None:
        bar, view, actions = self._pane.live_bar, self._pane.live, self._shell.actions
        self._pane.camera_wanted.connect(self.switch)
        actions.connect({"region": self.stop, "follow": self.stop})  # no light to be seen
        actions.connect({"region": self.region.pick, "follow": self.region.pick_to_follow})
        actions.connect({"camera": self.switch})
        self.region.picked.connect(self.take_region)
        self.region.to_follow.connect(self.follow)
        self.region.failed.connect(self.tell)
        bar.snapshot_wanted.connect(self.snapshot)
        bar.pause_wanted.connect(self.pause)
        bar.go_on_wanted.connect(self.go_on)
        bar.stop_wanted.connect(self.stop)
        view.snapshot_wanted.connect(self.snapshot)
        view.stop_wanted.connect(self.stop)
        self._controller.stop_wanted.connect(self._stop_looking)

    @property
    def running(self) -> bool:
        return self._camera is not None

    @property
    def looking(self) -> bool:
        return self._looking

    def start(self, make_source: MakeSource | None = None, *, screen: bool = False) -> None:
        """With a camera, unless another source is given; `screen` says that it is one."""
        self.stop()
        self._screen = screen
        camera = self._camera = Camera(make_source, self)
        camera.frame.connect(self._show_frame)
        camera.failed.connect(self._end_failed)
        self.go_on()
        camera.start()

    def switch(self) -> None:
        """The camera on or off."""
        if self._camera is None or self._screen:
            self.start()
        else:
            self.stop()

    def follow(self, region: ScreenRegion) -> None:
        self.start(lambda parent: RegionSource(region, parent), screen=True)

    def stop(self) -> None:
        camera, self._camera = self._camera, None
        if camera is None:
            return
        camera.stop()
        camera.deleteLater()
        self._question = ""
        self._end_looking()
        self._pane.live_bar.hide()
        self._pane.live.clear()
        self._photos.end_passing()

    def go_on(self) -> None:
        """Back to the live picture, and to captions of it."""
        if self._camera is None or self._looking:
            return
        self._looking = True
        self._shell.engine.reserve()  # for captions alone, also between them
        self._pass_by(Conversation())
        self._pane.show_live()
        self._pane.live.setFocus()
        self._show_state()
        self._next.start(0)

    def pause(self) -> None:
        self._photos.end_passing()  # and then `_look_away`

    def snapshot(self) -> None:
        """The newest picture becomes a photo, and the question is next."""
        image = self._camera.snapshot() if self._camera is not None else None
        if image is not None:
            self._add(image, screen=self._screen)

    def take_region(self, region: ScreenRegion) -> None:
        """A part of the screen becomes a photo."""
        self._add(region.image, screen=True)

    def _add(self, image: QImage, *, screen: bool) -> None:
        name = self.tr("Part of the screen") if screen else self.tr("Camera picture")
        self._taken.cancel()
        self._taken = self._thread.submit(
            lambda _: photo_from_image(image, name), self._take, self._end_broken
        )

    def ask(self, text: str) -> None:
        """What the user asks: while the live picture is in view, it is about that."""
        if not self._looking or not text.strip():
            self._controller.ask(text)
        elif self._camera is not None and self._camera.snapshot() is not None:
            self._question = text
            self.snapshot()
        else:  # nothing was seen yet
            self.pause()
            self._controller.ask(text)

    def _show_frame(self, image: QImage) -> None:
        self._pane.live.show_frame(image)

    def _caption(self) -> None:
        """Begin one, or try again later: while there is no picture, no model, or no peace."""
        image = self._camera.snapshot() if self._camera is not None else None
        if not self._looking:
            return
        if image is None or self._controller.busy or self._controller.model is None:
            self._next.start(min(self.pause_ms, 200))
            return
        self._captioned.cancel()
        self._captioned = self._thread.submit(
            lambda _: photo_from_image(image, ""), self._describe, self._end_broken
        )

    def _describe(self, photo: Photo) -> None:
        if self._looking and not self._controller.busy:
            self._pass_by(Conversation(photo))
            self._controller.describe(usual_question(CAPTION, self._controller.model))

    def _take(self, photo: Photo) -> None:
        question, self._question = self._question, ""
        self._photos.add(photo)
        if question:
            self._controller.ask(question)

    def _pass_by(self, conversation: Conversation) -> None:
        self._passing = conversation
        self._photos.pass_by(conversation)

    def _wait(self, outcome: GenerationOutcome) -> None:
        """What failed once would fail again, every few seconds."""
        if self._looking and outcome.kind == "failed":
            self.stop()
        elif self._looking:
            self._next.start(self.pause_ms)

    def _look_away(self, _conversation: Conversation) -> None:
        """Something else is in view now."""
        if self._looking and not self._photos.passing:
            self._end_looking()
            self._show_state()

    def _end_looking(self) -> None:
        if self._looking:
            self._looking = False
            self._next.stop()
            self._controller.stop_about(self._passing)
            self._passing = Conversation()  # what the camera saw is let go
            self._shell.engine.release()

    def _stop_looking(self) -> None:
        """Esc ends the captions, but an answer alone while they are paused."""
        if self._looking:
            self.stop()

    def _show_state(self) -> None:
        self._pane.live_bar.show_state(screen=self._screen, paused=not self._looking)

    def _end_failed(self, text: str) -> None:
        self.stop()
        self.tell(text)

    def tell(self, text: str) -> None:
        self._shell.notices.tell(text, problem=True)

    def _end_broken(self, error: AppError) -> None:
        self.stop()
        self._shell.notices.tell_error(error)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Nobody sees the light of a minimised window: the camera goes off with it."""
        minimised = (
            event.type() == QEvent.Type.WindowStateChange and self._shell.window.isMinimized()
        )
        if minimised or event.type() == QEvent.Type.Close:
            self.stop()
        return super().eventFilter(watched, event)
