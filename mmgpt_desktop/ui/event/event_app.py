"""Builds the show, runs it, and takes it down again."""

from __future__ import annotations

import logging
import os
import signal
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.embedded import default_model, painter_path
from mmgpt_desktop.event.pin_tries import Tries
from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.event.supervisor import Heartbeat
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.settings import data_path, load_settings, settings_path
from mmgpt_desktop.ui.application import make_application, prepare_process
from mmgpt_desktop.ui.event.awake import Awake
from mmgpt_desktop.ui.event.inputs import Inputs
from mmgpt_desktop.ui.event.lock import ExitLock
from mmgpt_desktop.ui.event.presenting import OpenModel, Presenting
from mmgpt_desktop.ui.event.scale import branded
from mmgpt_desktop.ui.event.show import is_chinese
from mmgpt_desktop.ui.event.stage import Stage
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import MakePainter, Threads, engine_maker, painter_maker

BEAT_MS = 1000
SETTLE_MS = 500  # screens come and go in several steps
HUNG = 75  # the exit code that has the supervisor start the app again

_log = logging.getLogger(__name__)


class EventApp(QObject):
    """The show with its threads; it reads no settings and writes none. `close` ends the threads.

    With `still` nothing moves by itself. What a restart must not forget is in the folder `state`,
    by default the user's. `awake` and `camera` are for tests.
    """

    def __init__(
        self,
        application: QApplication,
        profile: Profile,
        open_model: OpenModel,
        *,
        theme: str = "system",
        still: bool = False,
        state: Path | None = None,
        awake: Awake | None = None,
        camera: Camera | None = None,
        make_painter: MakePainter | None = None,
    ) -> None:
        super().__init__()
        self._application, self._profile = application, profile
        install_language(application, profile.language or "")
        self.theme = Theme(application, theme, partial(branded, brand=profile.brand.colour))
        self.theme.set_still(still)
        model = open_model(profile.model.folder or default_model())
        paints = profile.drawing.offered and make_painter is not None
        self.threads = Threads(model, self, paints=paints)
        self.stage = Stage(self.theme, profile, camera or Camera(), self.threads, make_painter)
        self.window = self.stage.window
        tries = Tries(state or data_path() / "event", profile.path)
        self.lock = ExitLock(profile.lock, self.window.pad, self.threads["system"], tries)
        self.inputs = Inputs(self.lock)
        self.presenting = Presenting(
            profile, self.stage, self.threads.engine, self.inputs, self.lock, open_model
        )
        self.screens = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self.awake = awake or Awake()
        self._language = ""
        self.ended_in_time = True
        self._connect()

    def _connect(self) -> None:
        self.inputs.came.connect(self.stage.idle.notice)
        self.inputs.woken.connect(self.stage.reset)
        self.stage.attract.playing_changed.connect(self._shield)
        self.stage.was_reset.connect(self._reset_language)
        self.stage.watchdog.hung.connect(self._end_hung)
        self.lock.opened.connect(self.open_for)
        for changed in (self._application.screenAdded, self._application.screenRemoved):
            changed.connect(self.screens.start)
        self.screens.timeout.connect(self._take_screens)
        self.window.header.language.clicked.connect(self._switch_language)

    def start(self, *, full_screen: bool = True) -> None:
        """Show the start page, then load the model behind it."""
        self.threads.start()
        if full_screen:
            self._fill()
        else:
            self.window.show()
        self.inputs.watch(self.window, show=True)
        self.threads["system"].submit(lambda _task: self.awake.start())
        self.stage.watchdog.load()
        self.stage.reset()

    def _take_screens(self) -> None:
        """A projector was plugged in or out."""
        if QGuiApplication.screens() and self.window.fills:
            self._fill()

    def _fill(self) -> None:
        """On one screen nothing lies over the show."""
        screens = QGuiApplication.screens()
        self.window.fill(screens[-1])
        if len(screens) > 1:
            self.presenting.open()
        else:
            self.presenting.close()

    def _shield(self, playing: bool) -> None:
        self.inputs.shield = playing

    def open_for(self, purpose: str) -> None:
        if purpose == ExitLock.PRESENT:
            self.presenting.open()
        else:
            self._application.exit(0)

    def _switch_language(self) -> None:
        """For this visitor."""
        self._language = "en" if is_chinese() else "zh_CN"
        install_language(self._application, self._language, visitor=True)

    def _reset_language(self) -> None:
        if self._language:
            self._language = ""
            install_language(self._application, self._profile.language or "")

    def _end_hung(self) -> None:
        """A thread that hangs can't be ended; the process can, and is started again."""
        _log.error("the engine hangs: the app is started again")
        logging.shutdown()
        os._exit(HUNG)

    def close(self) -> None:
        """Stop all work and end the threads."""
        self.stage.stop()
        self.presenting.close()
        self.window.leave()
        self.ended_in_time = self.threads.close()
        self.awake.stop()


def run(
    profile: Profile, heartbeat: int | None, runtime: RuntimeName | None, *, again: bool = False
) -> int:
    """The show, until it is left by PIN or keys; the process's exit code.

    `heartbeat` is what the supervisor gave for its pipe; see `Heartbeat`. `again`: the show
    broke off, and somebody may stand there.
    """
    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    application = make_application()
    application.setAttribute(Qt.ApplicationAttribute.AA_DisableSessionManager)
    heart = Heartbeat(heartbeat) if heartbeat is not None else None
    still = load_settings(settings_path()).still  # this computer's user may want no motion
    painter = painter_path()
    app = EventApp(
        application,
        profile,
        partial(engine_maker, runtime=runtime),
        still=still,
        make_painter=painter_maker(painter, runtime) if painter is not None else None,
    )
    beats = QTimer(interval=BEAT_MS)
    if heart is not None:
        beats.timeout.connect(heart.beat)
        beats.start()
    app.start()
    if again:
        app.stage.say_sorry()
    code = application.exec()
    if heart is not None:
        heart.leave()
    app.close()
    if not app.ended_in_time:
        # A native call that doesn't come back must not keep the process, nor crash it.
        logging.shutdown()
        os._exit(code)
    return code
