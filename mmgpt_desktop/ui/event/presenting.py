"""What the presenter's window, its keys and a clicker do to the show."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from mmgpt_desktop.event.profile import EventSample, Profile
from mmgpt_desktop.messages import ModelInfo, RuntimeInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import default_bundle_path
from mmgpt_desktop.ui.event.inputs import Inputs
from mmgpt_desktop.ui.event.lock import ExitLock
from mmgpt_desktop.ui.event.presenter import Presenter
from mmgpt_desktop.ui.event.stage import Stage
from mmgpt_desktop.ui.widgets.texts import Own
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import EngineThread, MakeEngine

OpenModel = Callable[[Path], MakeEngine]


class Presenting(Own, QObject):
    """The window is made when it is first wanted; the keys work without it."""

    def __init__(
        self,
        theme: Theme,
        profile: Profile,
        stage: Stage,
        engine: EngineThread,
        inputs: Inputs,
        lock: ExitLock,
        open_model: OpenModel,
    ) -> None:
        super().__init__()
        self._theme, self._profile, self._stage = theme, profile, stage
        self._inputs, self.open_model = inputs, open_model
        self._model: ModelInfo | None = None
        self._models = [profile.model.folder or default_bundle_path()]
        if default_bundle_path() not in self._models:
            self._models.append(default_bundle_path())
        self._folder = self._wanted = self._models[0]
        self._at = -1
        self._speed = profile.show.speed
        self._frozen = False
        self.window: Presenter | None = None
        self._commands: dict[str, Callable[[], None]] = {
            "next": partial(self.step, +1),
            "previous": partial(self.step, -1),
            "play": self._toggle_playing,
            "freeze": self._toggle_frozen,
            "blank": self._toggle_blank,
            "present": partial(lock.ask, ExitLock.PRESENT),
            "close": self.close,
            "reset": stage.reset,
            "leave": lock.leave,
        }
        inputs.command.connect(self.run)
        stage.window.blank.touched.connect(self._toggle_blank)
        for cover in (stage.window.blank, stage.window.pad):
            cover.covers.connect(self._hold)
        stage.attract.playing_changed.connect(self._tell)
        stage.was_reset.connect(self._thaw)
        stage.watchdog.switched.connect(self._end_switch)
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._tell_failure)

    def run(self, command: str) -> None:
        self._commands[command]()
        self._tell()

    # The window

    def open(self) -> None:
        """It is the organiser's alone: it leads out of the show."""
        if self.window is None:
            self.window = self._make_window()
            self._tell_sample()
        window, screens = self.window, QGuiApplication.screens()
        if len(screens) > 1:
            window.setScreen(screens[0])
            window.move(screens[0].availableGeometry().topLeft())
        window.show()
        window.raise_()
        window.activateWindow()
        self._inputs.watch(window, show=False)
        self._inputs.presents = True
        self._tell()

    def _make_window(self) -> Presenter:
        window = Presenter(self._theme)
        window.command.connect(self.run)
        window.asked.connect(self._ask)
        window.fusion_chosen.connect(self._choose_fusion)
        window.method_chosen.connect(self._choose_method)
        window.model_chosen.connect(self._choose_model)
        window.speed_chosen.connect(self._choose_speed)
        window.set_speed(self._speed)
        if self._model is not None:
            window.set_model(self._model, self._stage.asker.fusion)
        self._tell_models(window)
        window.rewritten.connect(self._tell_title)
        window.closed.connect(self._end)
        return window

    def close(self) -> None:
        if self.window is not None:
            self.window.close()

    def _end(self) -> None:
        """Nobody presents any more: the show is the visitors' again."""
        self._inputs.presents = False
        self._stage.window.blank.hide()
        self._thaw()

    def _tell(self) -> None:
        if self.window is not None:
            self.window.set_on("play", self._stage.attract.playing)
            self.window.set_on("freeze", self._frozen)
            self.window.set_on("blank", self._stage.window.blank.isVisible())

    def _tell_sample(self) -> None:
        self._tell_title()
        if self.window is not None:
            sample = self._sample
            self.window.set_questions(sample.questions if sample else self._profile.questions)

    def _tell_title(self) -> None:
        if self.window is not None:
            sample = self._sample
            title = self._stage.title(sample) if sample else self.tr("None yet")
            self.window.sample.setText(title)

    @property
    def _sample(self) -> EventSample | None:
        return self._stage.samples[self._at] if self._at >= 0 else None

    # What it does

    def step(self, by: int) -> None:
        """To another sample, round the end; the first step shows the first one."""
        samples = self._stage.samples
        self._at = (self._at + by) % len(samples) if self._at >= 0 or by > 0 else len(samples) - 1
        if self._stage.attract.playing:
            self._stage.reset()
        self._stage.open(samples[self._at].photo)
        self._tell_sample()

    def _ask(self, question: str) -> None:
        self._stage.ask(question)

    def _toggle_playing(self) -> None:
        if self._stage.attract.playing:
            self._stage.reset()
        else:
            self._stage.play()

    def _toggle_frozen(self) -> None:
        self._freeze(not self._frozen)

    def _thaw(self) -> None:
        """What is frozen is one visitor's."""
        if self._frozen:
            self._freeze(False)
        self._tell()

    def _freeze(self, frozen: bool) -> None:
        self._frozen = self._inputs.frozen = frozen
        self._stage.freeze(frozen)
        self._hold()

    def _toggle_blank(self) -> None:
        blank = self._stage.window.blank
        if blank.isVisible():
            blank.hide()
        else:
            blank.cover(blank)
        self._tell()

    def _hold(self) -> None:
        """Nothing begins or ends by itself below what the organiser does; but below a black
        screen a visit ends, and the next visitor finds nothing of it."""
        self._stage.idle.hold(self._frozen or self._stage.window.pad.isVisible())

    def _choose_fusion(self, fusion: str) -> None:
        self._stage.asker.fusion = fusion

    def _choose_method(self, method: Method) -> None:
        self._stage.page.picture.choose_method(method)

    def _choose_speed(self, speed: float) -> None:
        self._speed = self._stage.attract.speed = speed
        self._stage.asker.set_speed(speed)

    def _choose_model(self, folder: Path) -> None:
        self._wanted = folder
        self._stage.stop_asking()
        self._stage.watchdog.switch(self.open_model(folder))
        if self.window is not None:
            self.window.models.setEnabled(False)
            self.window.say(self.tr("Loading the model…"))

    def _end_switch(self, done: bool) -> None:
        if done:
            self._folder = self._wanted
        if self.window is not None:
            self._tell_models(self.window)

    def _tell_models(self, window: Presenter) -> None:
        window.set_models({folder: folder.name for folder in self._models}, self._folder)

    def _take_model(self, model: ModelInfo, _runtime: RuntimeInfo) -> None:
        self._model = model
        if self.window is not None:
            self.window.set_model(model, self._stage.asker.fusion)
            self.window.say(self.tr("Answers now: {name}").format(name=model.name))

    def _tell_failure(self) -> None:
        if self.window is not None:
            self.window.say(self.tr("This model can't be loaded."))
