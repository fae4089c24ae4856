"""What the presenter's window, its keys and a clicker do to the show."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from mmgpt_desktop.embedded import models_here
from mmgpt_desktop.event.profile import EventSample, Profile
from mmgpt_desktop.messages import ModelInfo, RuntimeInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.event.inputs import Inputs
from mmgpt_desktop.ui.event.lock import ExitLock
from mmgpt_desktop.ui.event.presenter import Presenter
from mmgpt_desktop.ui.event.stage import Stage
from mmgpt_desktop.ui.widgets.texts import Own
from mmgpt_desktop.ui.worker import EngineThread, MakeEngine

OpenModel = Callable[[Path], MakeEngine]


class Presenting(Own, QObject):
    """The keys work without the window, too."""

    def __init__(
        self,
        profile: Profile,
        stage: Stage,
        engine: EngineThread,
        inputs: Inputs,
        lock: ExitLock,
        open_model: OpenModel,
    ) -> None:
        super().__init__()
        self._profile, self._stage = profile, stage
        self._inputs, self.open_model = inputs, open_model
        folder, embedded = profile.model.folder, models_here().values()
        self._models = list(dict.fromkeys([folder, *embedded] if folder else embedded))
        self._folder = self._wanted = self._models[0]
        self._at = -1
        self.window = Presenter()
        self.window.speed.setValue(round(profile.show.speed * 100))
        self._tell_models()
        self._tell_sample()
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
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._tell_failure)
        self._connect_stage()
        self._connect_window()

    def _connect_stage(self) -> None:
        stage = self._stage
        stage.window.blank.touched.connect(self._toggle_blank)
        for cover in (stage.window.blank, stage.window.pad):
            cover.covers.connect(self._hold)
        stage.attract.playing_changed.connect(self._tell)
        stage.was_reset.connect(self._thaw)
        stage.watchdog.switched.connect(self._end_switch)

    def _connect_window(self) -> None:
        window = self.window
        window.command.connect(self.run)
        window.asked.connect(self._stage.ask)
        window.models.activated.connect(self._choose_model)
        window.fusions.activated.connect(self._choose_fusion)
        window.methods.activated.connect(self._choose_method)
        window.speed.valueChanged.connect(self._choose_speed)
        window.rewritten.connect(self._tell_title)
        window.closed.connect(self._end)

    def run(self, command: str) -> None:
        self._commands[command]()
        self._tell()

    # The window

    def open(self) -> None:
        """It is the organiser's alone: it leads out of the show."""
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

    def close(self) -> None:
        if self.window.isVisible():
            self.window.close()

    def _end(self) -> None:
        """Nobody presents any more: the show is the visitors' again."""
        self._inputs.presents = False
        self._stage.window.blank.hide()
        self._thaw()

    def _tell(self) -> None:
        self.window.buttons["play"].setChecked(self._stage.attract.playing)
        self.window.buttons["freeze"].setChecked(self._inputs.frozen)
        self.window.buttons["blank"].setChecked(self._stage.window.blank.isVisible())

    def _tell_sample(self) -> None:
        self._tell_title()
        sample = self._sample
        self.window.set_questions(sample.questions if sample else self._profile.questions)

    def _tell_title(self) -> None:
        sample = self._sample
        self.window.sample.setText(self._stage.title(sample) if sample else self.tr("None yet"))

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

    def _toggle_playing(self) -> None:
        if self._stage.attract.playing:
            self._stage.reset()
        else:
            self._stage.play()

    def _toggle_frozen(self) -> None:
        self._freeze(not self._inputs.frozen)

    def _thaw(self) -> None:
        """What is frozen is one visitor's."""
        if self._inputs.frozen:
            self._freeze(False)
        self._tell()

    def _freeze(self, frozen: bool) -> None:
        self._inputs.frozen = frozen
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
        self._stage.idle.hold(self._inputs.frozen or self._stage.window.pad.isVisible())

    def _choose_fusion(self) -> None:
        self._stage.asker.fusion = self.window.fusions.currentData()

    def _choose_method(self) -> None:
        self._stage.page.picture.choose_method(Method(self.window.methods.currentData()))

    def _choose_speed(self, hundredths: int) -> None:
        self._stage.attract.speed = hundredths / 100
        self._stage.asker.set_speed(hundredths / 100)

    def _choose_model(self) -> None:
        self._wanted = self.window.models.currentData()
        self._stage.stop_asking()
        self._stage.watchdog.switch(self.open_model(self._wanted))
        self.window.models.setEnabled(False)
        self.window.state.setText(self.tr("Loading the model…"))

    def _end_switch(self, done: bool) -> None:
        if done:
            self._folder = self._wanted
        self._tell_models()

    def _tell_models(self) -> None:
        self.window.set_models({folder: folder.name for folder in self._models}, self._folder)

    def _take_model(self, model: ModelInfo, _runtime: RuntimeInfo) -> None:
        self.window.set_model(model, self._stage.asker.fusion)
        self.window.state.setText(self.tr("Answers now: {name}").format(name=model.name))

    def _tell_failure(self) -> None:
        self.window.state.setText(self.tr("This model can't be loaded."))
