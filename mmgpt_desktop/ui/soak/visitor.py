"""A visitor who uses the real window as nobody should: fast, at random, with odd files."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QPointF,
    QSize,
    Qt,
    QTimer,
    QUrl,
    Slot,
)
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QPushButton, QWidget

from mmgpt_desktop.ui.app import App
from mmgpt_desktop.ui.comparison import Comparison
from mmgpt_desktop.ui.soak.camera import MadeUpCamera, painted
from mmgpt_desktop.ui.texts import LANGUAGES

QUESTIONS = (
    "What is this?",
    "Describe this picture.",
    "What colour is it?",
    "Is there a dog?",
    "这是什么",
    "🐶" * 40,
    "why " * 600,
    "x" * 12_000,
    " \n\t ",
    "What\x00 is\u202e this?\r\n",
)
# How often, beside one another.
ACTIONS = {
    "ask": 22,
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
    "wall",
    "zoom-fit",
    "zoom-in",
)
KEYS = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape, Qt.Key.Key_Return),
    *(Qt.Key.Key_X, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0, Qt.Key.Key_Space),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_Delete),
)
_SIZES = ((900, 660), (1280, 720), (1600, 900), (1920, 1080))
_KEPT_FILES = 4  # sessions and exports; further ones replace these
_BURST, _BURSTS = 0.08, (5, 25)  # how often, and how many acts without a pause
_PAUSE_MS = (10, 500)
_PATIENCE_S = 10.0


class Visitor(QObject):
    """`done` counts what was done. The same seed draws the same acts, whatever comes of them."""

    def __init__(
        self, app: App, files: Sequence[Path], models: Sequence[Path], folder: Path, seed: int
    ) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()
        self._app, self._window = app, app.window
        self._files, self._models, self._folder = files, models, folder
        self._random = random.Random(seed)
        self._hurry = 0
        self._patience = 0.0  # until when it waits for the answer
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._act)

    def start(self) -> None:
        self._timer.start(0)

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _act(self) -> None:
        # First: an act may open a dialog, which the next one has to close.
        self._timer.start(self._pause())
        if self._close_something() or self._waits():
            return
        name = self._random.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        self.done[name] += 1
        act: Callable[[], None] = getattr(self, f"_{name}")
        act()

    def _waits(self) -> bool:
        return self._app.controller.busy and time.monotonic() < self._patience

    def _pause(self) -> int:
        if self._hurry > 0:
            self._hurry -= 1
            return 0
        if self._random.random() < _BURST:
            self._hurry = self._random.randint(*_BURSTS)
        return self._random.randint(*_PAUSE_MS)

    # What is open already

    def _close_something(self) -> bool:
        """Answer a dialog, or close a popup; False where there is none."""
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
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
        if self._random.random() < 0.3:
            dialog.reject()
        elif dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave:
            number = self._random.randrange(_KEPT_FILES)
            dialog.selectFile(str(self._folder / f"{number}.{dialog.defaultSuffix()}"))
            dialog.accept()
        else:
            dialog.selectFile(str(self._random.choice(self._openable())))
            dialog.accept()

    def _play_with(self, dialog: QDialog) -> None:
        """Now and then something in it first; the models' dialog has buttons to the network."""
        buttons = dialog.findChildren(QPushButton)
        if isinstance(dialog, Comparison) and buttons and self._random.random() < 0.6:
            self._random.choice(buttons).click()
        elif self._random.random() < 0.5:
            dialog.accept()
        else:
            dialog.reject()

    def _openable(self) -> list[Path]:
        return [*self._files, *sorted(self._folder.glob("*.mmgpt"))]

    # What people do

    def _ask(self) -> None:
        prompt = self._window.prompt
        prompt.edit.replace(self._random.choice(QUESTIONS))
        prompt.ask_button.click()
        if self._random.random() < 0.2:
            self._stop()
        elif self._random.random() < 0.7:
            self._patience = time.monotonic() + _PATIENCE_S

    def _stop(self) -> None:
        self._window.actions_by_name["stop"].trigger()

    def _drop(self) -> None:
        mime = QMimeData()
        paths = self._random.sample(self._openable(), self._random.randint(1, 3))
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place = self._window.rect().center()
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self._window, QDragEnterEvent(place, copy, mime, left, none))
        QApplication.sendEvent(self._window, QDropEvent(QPointF(place), copy, mime, left, none))

    def _paste(self) -> None:
        QGuiApplication.clipboard().setImage(painted(self._random.randrange(2**32)))
        self._app.paste()

    def _click(self) -> None:
        place = self._somewhere()
        for _ in range(self._random.randint(1, 4)):
            self._mouse(QEvent.Type.MouseButtonPress, place)
            self._mouse(QEvent.Type.MouseButtonRelease, place)

    def _drag(self) -> None:
        self._mouse(QEvent.Type.MouseButtonPress, self._somewhere())
        for _ in range(5):
            self._mouse(QEvent.Type.MouseMove, self._somewhere())
        self._mouse(QEvent.Type.MouseButtonRelease, self._somewhere())

    def _somewhere(self) -> QPoint:
        width, height = self._window.width(), self._window.height()
        return QPoint(self._random.randrange(width), self._random.randrange(height))

    def _mouse(self, kind: QEvent.Type, place: QPoint) -> None:
        """To the part of the window that lies there; the menus, with Quit, are left alone."""
        part = self._window.childAt(place)
        if part is None or self._window.menuBar().geometry().contains(place):
            return
        local, across = (
            QPointF(part.mapFrom(self._window, place)),
            QPointF(self._window.mapToGlobal(place)),
        )
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        QApplication.sendEvent(part, QMouseEvent(kind, local, across, left, held, none))

    def _press(self) -> None:
        receiver: QWidget = QApplication.focusWidget() or self._window
        key = self._random.choice(KEYS)
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(receiver, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))

    def _choose_word(self) -> None:
        turns = [turn for turn in self._app.controller.conversation.turns if turn.words]
        if turns:
            turn = self._random.choice(turns)
            self._app.heatmaps.choose(turn, self._random.randrange(len(turn.words)))

    def _choose_method(self) -> None:
        pane = self._window.heatmap
        pane.method.setCurrentIndex(self._random.randrange(pane.method.count()))
        pane.switch.set_whole(self._random.random() < 0.3)
        for box in (pane.drawing.smooth, pane.drawing.contours, pane.drawing.same_scale):
            box.setChecked(self._random.random() < 0.5)
        pane.drawing.opacity.setValue(self._random.randint(0, 100))

    def _choose_fusion(self) -> None:
        box = self._window.prompt.fusions.box
        if box.count():
            box.setCurrentIndex(self._random.randrange(box.count()))

    def _switch_model(self) -> None:
        self._app.models.use_wanted.emit(self._random.choice(self._models))

    def _turn_to_photo(self) -> None:
        self._app.photos.step(self._random.choice((-1, 1)))

    def _camera(self) -> None:
        """On, or off again."""
        if self._app.live.running:
            self._app.live.stop()
        else:
            self._app.live.start(MadeUpCamera)

    def _snapshot(self) -> None:
        self._app.live.snapshot()

    def _resize(self) -> None:
        self._window.resize(QSize(*self._random.choice(_SIZES)))

    def _theme(self) -> None:
        self._window.theme_chosen.emit(self._random.choice(("light", "dark", "contrast")))

    def _language(self) -> None:
        self._window.language_chosen.emit(self._random.choice(list(LANGUAGES)))

    def _open_session(self) -> None:
        saved = sorted(self._folder.glob("*.mmgpt"))
        if saved:
            self._app.sessions.open(self._random.choice(saved))

    def _trigger(self) -> None:
        """A menu's entry, where it can be chosen now."""
        name = self._random.choice(TRIGGERED)
        self.done[name] += 1
        self._window.actions_by_name[name].trigger()
