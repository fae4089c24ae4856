"""A visitor who uses the real window as nobody should: fast, at random, with odd files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QPushButton

from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.widgets.texts import LANGUAGES
from mmgpt_desktop.ui.window.app import App
from tests.soak.hands import PROMPTS, QUESTIONS, Hands
from tests.soak.made_up_camera import MadeUpCamera, painted

# How often, beside one another.
ACTIONS = {
    "ask": 22,
    "draw": 4,
    "leave_out": 2,
    "stop": 6,
    "drop": 10,
    "paste": 5,
    "click": 16,
    "drag": 4,
    "press": 14,
    "choose_word": 8,
    "choose_method": 6,
    "choose_fusion": 4,
    "switch_model": 2,
    "turn_to_photo": 5,
    "camera": 3,
    "snapshot": 2,
    "resize": 2,
    "theme": 2,
    "language": 2,
    "open_session": 2,
    "trigger": 20,
}
TRIGGERED = (
    "about",
    "ask-again",
    "autosave",
    "clear",
    "compare",
    "copy",
    "draw",
    "export-drawing",
    "export-gif",
    "export-html",
    "export-json",
    "export-png",
    "film",
    "formula",
    "full-screen",
    "keys",
    "models",
    "open",
    "open-session",
    "paste",
    "recent",
    "regenerate",
    "remove",
    "samples",
    "save",
    "save-as",
    "still",
    "tour",
    "undo",
    "heads",
    "zoom-fit",
    "zoom-in",
)
_KEPT_FILES = 4  # sessions and exports; further ones replace these


class Visitor(Hands):
    """At the ordinary window, with all of its menus but Quit."""

    acts = ACTIONS

    def __init__(
        self, app: App, files: Sequence[Path], models: Sequence[Path], folder: Path, seed: int
    ) -> None:
        super().__init__(app.window, files, seed)
        self._app, self._shown = app, app.window
        self._models, self._folder = models, folder

    def busy(self) -> bool:
        return self._app.chat.controller.busy

    def may_touch(self, place: QPoint) -> bool:
        return not self._shown.menuBar().geometry().contains(place)

    # What is open already

    def close_something(self) -> bool:
        if super().close_something():
            return True
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QFileDialog):
            self._answer_file_dialog(dialog)
        elif isinstance(dialog, QMessageBox):
            dialog.accept()
        elif isinstance(dialog, QDialog):
            self._play_with(dialog)
        return dialog is not None

    def _answer_file_dialog(self, dialog: QFileDialog) -> None:
        if self.random.random() < 0.3:
            dialog.reject()
        elif dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave:
            number = self.random.randrange(_KEPT_FILES)
            dialog.selectFile(str(self._folder / f"{number}.{dialog.defaultSuffix()}"))
            dialog.accept()
        else:
            dialog.selectFile(str(self.random.choice(self.openable())))
            dialog.accept()

    def _play_with(self, dialog: QDialog) -> None:
        """Now and then something in it first; the models' dialog has buttons to the network."""
        buttons = dialog.findChildren(QPushButton)
        if isinstance(dialog, Comparison) and buttons and self.random.random() < 0.6:
            self.random.choice(buttons).click()
        elif self.random.random() < 0.5:
            dialog.accept()
        else:
            dialog.reject()

    def openable(self) -> list[Path]:
        return [*self._files, *sorted(self._folder.glob("*.mmgpt"))]

    # What people do

    def _ask(self) -> None:
        prompt = self._shown.prompt
        prompt.edit.replace(self.random.choice(QUESTIONS))
        prompt.ask_button.click()
        if self.random.random() < 0.2:
            self._stop()
        elif self.random.random() < 0.7:
            self.wait_for_answer()

    def _draw(self) -> None:
        window = self._shown
        if not window.actions_by_name["draw"].isEnabled():
            return  # the painter is not known yet
        window.prompt.mode.choose(second=True)
        bar = window.prompt.draw_bar
        bar.painter.setCurrentIndex(self.random.randrange(bar.painter.count()))
        bar.count.setCurrentIndex(self.random.randrange(4))
        window.prompt.edit.replace(self.random.choice(PROMPTS))
        window.prompt.ask_button.click()
        window.prompt.mode.choose(second=self.random.random() < 0.2)

    def _leave_out(self) -> None:
        words = self._shown.image.card.words
        if words.count():
            words.setCurrentRow(self.random.randrange(words.count()))
            self._shown.image.card.leave_out.click()

    def _stop(self) -> None:
        self._shown.actions_by_name["stop"].trigger()

    def _paste(self) -> None:
        QGuiApplication.clipboard().setImage(painted(self.random.randrange(2**32)))
        self._app.pictures.paste()

    def _choose_word(self) -> None:
        turns = [turn for turn in self._app.chat.controller.conversation.turns if turn.words]
        if turns:
            turn = self.random.choice(turns)
            self._app.heatmap.heatmaps.choose(turn, self.random.randrange(len(turn.words)))

    def _choose_method(self) -> None:
        pane = self._shown.heatmap
        pane.method.setCurrentIndex(self.random.randrange(pane.method.count()))
        pane.switch.set_whole(self.random.random() < 0.3)
        for box in (pane.drawing.smooth, pane.drawing.contours, pane.drawing.same_scale):
            box.setChecked(self.random.random() < 0.5)
        pane.drawing.opacity.setValue(self.random.randint(0, 100))

    def _choose_fusion(self) -> None:
        box = self._shown.prompt.fusions.box
        if box.count():
            box.setCurrentIndex(self.random.randrange(box.count()))

    def _switch_model(self) -> None:
        self._app.models.list.use_wanted.emit(self.random.choice(self._models))

    def _turn_to_photo(self) -> None:
        self._app.pictures.photos.step(self.random.choice((-1, 1)))

    def _camera(self) -> None:
        """On, or off again."""
        if self._app.chat.live.running:
            self._app.chat.live.stop()
        else:
            self._app.chat.live.start(MadeUpCamera)

    def _snapshot(self) -> None:
        self._app.chat.live.snapshot()

    def _theme(self) -> None:
        self._shown.theme_chosen.emit(self.random.choice(("light", "dark", "contrast")))

    def _language(self) -> None:
        self._shown.language_chosen.emit(self.random.choice(list(LANGUAGES)))

    def _open_session(self) -> None:
        saved = sorted(self._folder.glob("*.mmgpt"))
        if saved:
            self._app.files.sessions.open(self.random.choice(saved))

    def _trigger(self) -> None:
        """A menu's entry, where it can be chosen now."""
        name = self.random.choice(TRIGGERED)
        self.done[name] += 1
        self._shown.actions_by_name[name].trigger()
