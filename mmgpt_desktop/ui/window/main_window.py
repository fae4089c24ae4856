"""The window: where the panes, the menus and the notices are. No logic."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSignalBlocker, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QSplitter, QWidget

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.chat.output_pane import OutputPane
from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.models.status import Status
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.pictures.picture_drops import PictureDrops
from mmgpt_desktop.ui.widgets.box_layout import holder, vbox
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.dialog import Dialog
from mmgpt_desktop.ui.widgets.fitting import fit
from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.ui.widgets.preferences import Preferences
from mmgpt_desktop.ui.widgets.shell import Actions, Shell
from mmgpt_desktop.ui.widgets.texts import LANGUAGES, Retranslated
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, Theme
from mmgpt_desktop.ui.widgets.undo import Undo
from mmgpt_desktop.ui.window.dialogs import AboutDialog, KeysDialog
from mmgpt_desktop.ui.window.pane_area import PaneArea
from mmgpt_desktop.ui.window.tour import Tour
from mmgpt_desktop.ui.worker import Threads

_SMALLEST = (600, 400)  # for a screen of 640 x 480, less panels and a frame

# What a key does again and again while it is held down; all else it does once.
_REPEATED = ("undo", "zoom-in", "zoom-out", "next", "previous")


class MainWindow(PictureDrops, ByKeyboard, Retranslated, QMainWindow):
    """Left the picture and the question, right the heatmap and the answer."""

    closing = Signal()
    dropped = Signal(object)  # QMimeData
    theme_chosen = Signal(str)
    language_chosen = Signal(str)
    rewritten = Signal()  # in another language

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setWindowTitle("MMGPT Desktop")
        self.setWindowIcon(QIcon(str(resource_path("icons", "app.svg"))))
        self.setAcceptDrops(True)
        self.setMinimumSize(*_SMALLEST)
        self.image = ImagePane(theme)
        self.prompt = PromptPane(theme)
        self.heatmap = HeatmapPane(theme)
        self.output = OutputPane(theme)
        self.panes = PaneArea(self.image, self.prompt, self.heatmap, self.output)
        self.notices = Notices(theme)
        self.undo = Undo(self.notices)
        self.status = Status()
        self.setStatusBar(self.status)
        self.actions_by_name = Actions()
        self._choices: dict[str, QActionGroup] = {}
        self._menus: dict[str, QMenu] = {}
        self._arrange()
        self._make_menus()
        self._full = self.actions_by_name["full-screen"]
        self._full.toggled.connect(self._set_full_screen)
        self.tour = Tour(self, (self.image, self.prompt, self.output, self.heatmap))
        self._connect()
        self.prompt.edit.setFocus()
        self.resize(self.sizeHint())
        self.prompt.edit.picture_pasted.connect(self.dropped)

    def _connect(self) -> None:
        image, edit, undo = self.image, self.prompt.edit, self.actions_by_name["undo"]
        for words in (self.output.view, self.output.strip):
            words.word_chosen.connect(self.panes.show_map)
        self.undo.available.connect(undo.setEnabled)
        self.undo.available.connect(edit.set_undo_elsewhere)
        edit.undo_wanted.connect(self.undo.undo)
        undo.setEnabled(False)
        self.tour.about.connect(self.panes.reveal)
        self.tour.ended.connect(edit.setFocus)
        self.actions_by_name.connect(
            {
                "undo": self.undo.undo,
                "quit": self.close,
                "tour": self.tour.begin,
                "keys": self._show_keys,
                "go-picture": lambda: self.go_to(image.view, image.live, image.open_button),
                "go-question": lambda: self.go_to(edit),
                "go-answer": lambda: self.go_to(self.output.view),
                "go-heatmap": lambda: self.go_to(self.heatmap.picture.view),
            }
        )

    def shell(self, preferences: Preferences, threads: Threads) -> Shell:
        """What features are given of the window."""
        actions, theme = self.actions_by_name, self._theme
        return Shell(
            self, actions, self.notices, self.undo, preferences, self.rewritten, theme, threads
        )

    def _show_keys(self) -> None:
        self._show_dialog(KeysDialog(self))

    def show_about(self, model: ModelInfo | None) -> None:
        self._show_dialog(AboutDialog(model, self))

    def _show_dialog(self, dialog: Dialog) -> None:
        dialog.exec()
        dialog.deleteLater()

    def _arrange(self) -> None:
        middle = vbox(self.notices, (self.panes, 1), gap=SMALL, margins=(MEDIUM, 2, MEDIUM, 2))
        self.setCentralWidget(holder(middle))

    @property
    def splitters(self) -> tuple[QSplitter, ...]:
        return self.panes.splitters

    def go_to(self, *places: QWidget) -> None:
        """Have a place in view and the focus in it; the first of them that can be seen."""
        self.panes.reveal(places[0])
        next((place for place in places if place.isVisible()), places[0]).setFocus()

    def fit_screen(self) -> None:
        """No larger than the screen; a size that is remembered is fitted by Qt."""
        if not self.isFullScreen() and not self.isMaximized():
            fit(self, self.size())

    def retranslate_ui(self) -> None:
        """The menus are filled anew; they stay themselves, and so do their actions."""
        self.menuBar().clear()
        self._make_menus()
        self.rewritten.emit()

    def _make_menus(self) -> None:
        key = QKeySequence.StandardKey
        bar = self.menuBar()
        file = self._menu(bar, "file", self.tr("&File"))
        self._make_file_menu(file)
        edit = self._menu(bar, "edit", self.tr("&Edit"))
        self._add(edit, "undo", self.tr("&Undo"), key.Undo)
        self._add(edit, "name-picture", self.tr("&Name a picture in the question…"), "Ctrl+I")
        self._add(edit, "copy", self.tr("&Copy the answer"), "Ctrl+Shift+C")
        self._add(edit, "clear", self.tr("C&lear this conversation"), "Ctrl+L")
        answer = self._menu(bar, "answer", self.tr("&Answer"))
        self._add(answer, "draw", self.tr("&Draw instead of asking"), "Ctrl+D").setCheckable(True)
        answer.addSeparator()
        self._add(answer, "stop", self.tr("&Stop"), "Esc")
        self._add(answer, "regenerate", self.tr("Answer &again"), "Ctrl+R")
        answer.addSeparator()
        self._add(
            answer, "ask-again", self.tr("Ask the last question with this &fusion"), "Ctrl+Shift+R"
        )
        self._add(answer, "compare", self.tr("&Compare the fusions…"), "Ctrl+Shift+F")
        answer.addSeparator()
        self._add(answer, "film", self.tr("&Play it word by word"), "F5")
        self._add(answer, "heads", self.tr("All &heads for the chosen word…"), "F6")
        self._add(answer, "formula", self.tr("The f&ormula with its numbers…"), "F7")
        models = self._menu(bar, "models", self.tr("&Model"))
        self._add(models, "models", self.tr("&Models…"), "Ctrl+M")
        view = self._menu(bar, "view", self.tr("&View"))
        self._make_view_menu(view)
        helping = self._menu(bar, "helping", self.tr("&Help"))
        self._add(helping, "tour", self.tr("&Tour in four steps"))
        self._add(helping, "keys", self.tr("&Keyboard"), "F1")
        self._add(helping, "about", self.tr("&About MMGPT Desktop"))

    def _make_file_menu(self, file: QMenu) -> None:
        key = QKeySequence.StandardKey
        self._add(file, "open", self.tr("&Open pictures…"), key.Open)
        self._add(file, "paste", self.tr("&Paste a picture"), key.Paste)
        self._add(file, "samples", self.tr("&Sample photos…"))
        self._add(file, "camera", self.tr("&Live camera"), "F8")
        self._add(file, "region", self.tr("A part of the scree&n…"), "F9")
        self._add(file, "follow", self.tr("&Follow a part of the screen…"), "Shift+F9")
        self._add(file, "remove", self.tr("&Remove this picture"), "Ctrl+W")
        file.addSeparator()
        self._add(file, "open-session", self.tr("Open sess&ion…"), "Ctrl+Shift+O")
        self._add(file, "recent", self.tr("Re&cent sessions…"), "Ctrl+H")
        self._add(file, "save", self.tr("Sa&ve the session"), key.Save)
        self._add(file, "save-as", self.tr("Save the session &as…"), "Ctrl+Shift+S")
        self._add(file, "autosave", self.tr("&Keep unsaved sessions")).setCheckable(True)
        file.addSeparator()
        export = self._menu(file, "export", self.tr("&Export"))
        self._add(export, "export-png", self.tr("&Picture of the map (PNG)…"), "Ctrl+E")
        self._add(export, "export-gif", self.tr("&Film, word by word (GIF)…"))
        self._add(export, "export-html", self.tr("&Report (HTML)…"), "Ctrl+Shift+E")
        self._add(export, "export-card", self.tr("&Card to print (PNG or PDF)…"))
        self._add(export, "export-drawing", self.tr("&Drawing, with its prompt inside (PNG)…"))
        self._add(export, "export-json", self.tr("&Data (JSON and NPZ)…"))
        file.addSeparator()
        self._add(file, "event", self.tr("E&vent mode…"))
        file.addSeparator()
        self._add(file, "quit", self.tr("&Quit"), "Ctrl+Q")

    def _make_view_menu(self, menu: QMenu) -> None:
        self._add(menu, "zoom-in", self.tr("Zoom &in"), "Ctrl++", "Ctrl+=")
        self._add(menu, "zoom-out", self.tr("Zoom &out"), "Ctrl+-")
        self._add(menu, "zoom-fit", self.tr("&Whole picture"), "Ctrl+0")
        self._add(menu, "next", self.tr("&Next picture"), "Ctrl+PgDown")
        self._add(menu, "previous", self.tr("&Previous picture"), "Ctrl+PgUp")
        menu.addSeparator()
        self._add(menu, "go-picture", self.tr("Go to the picture"), "Ctrl+1")
        self._add(menu, "go-question", self.tr("Go to the question"), "Ctrl+2")
        self._add(menu, "go-answer", self.tr("Go to the answer"), "Ctrl+3")
        self._add(menu, "go-heatmap", self.tr("Go to the heatmap"), "Ctrl+4")
        menu.addSeparator()
        self._add(menu, "full-screen", self.tr("&Full screen"), "F11").setCheckable(True)
        self._add_choices(
            self._menu(menu, "theme", self.tr("&Theme")),
            "theme",
            {
                "system": self.tr("Like the &system"),
                "light": self.tr("&Light"),
                "dark": self.tr("&Dark"),
                "contrast": self.tr("&High contrast"),
            },
            self.theme_chosen,
        )
        self._add(menu, "still", self.tr("&Reduce motion")).setCheckable(True)
        self._add_choices(
            self._menu(menu, "language", self.tr("&Language")),
            "language",
            {"": self.tr("Like the &system"), **LANGUAGES},
            self.language_chosen,
        )

    def _menu(self, parent: QMenuBar | QMenu, name: str, title: str) -> QMenu:
        """The menu of that name, made if it is new, empty and at the end of its parent."""
        menu = self._menus.get(name)
        if menu is None:
            menu = self._menus[name] = QMenu(self)
        menu.clear()
        menu.setTitle(title)
        parent.addMenu(menu)
        return menu

    def _add(self, menu: QMenu, name: str, text: str, *keys: object) -> QAction:
        """The action of that name, made if it is new, at the end of a menu."""
        action = self.actions_by_name.get(name)
        if action is None:
            action = self.actions_by_name[name] = QAction(self)
            action.setAutoRepeat(name in _REPEATED)
        action.setText(text)
        action.setShortcuts([QKeySequence(key) for key in keys])  # type: ignore[call-overload]
        menu.addAction(action)
        return action

    def _add_choices(
        self, menu: QMenu, name: str, choices: dict[str, str], chosen: SignalInstance
    ) -> None:
        if name not in self._choices:
            group = self._choices[name] = QActionGroup(self)
            for value in choices:
                group.addAction("").setData(value)
            group.triggered.connect(lambda action: chosen.emit(action.data()))
        for action, text in zip(self._choices[name].actions(), choices.values(), strict=True):
            action.setText(text)
            action.setCheckable(True)
            menu.addAction(action)

    def _set_full_screen(self, full: bool) -> None:
        """A window that was maximized is so again afterwards."""
        state, filling = self.windowState(), Qt.WindowState.WindowFullScreen
        self.setWindowState(state | filling if full else state & ~filling)

    def take_settings(self, settings: Settings) -> None:
        if settings.geometry:
            self.restoreGeometry(_bytes(settings.geometry))
        self.panes.take_states(tuple(map(_bytes, settings.splitters)))
        self._full.setChecked(self.isFullScreen())
        self.actions_by_name["autosave"].setChecked(settings.autosave)
        self.actions_by_name["still"].setChecked(settings.still)
        for name, value in (("theme", settings.theme), ("language", settings.language)):
            for action in self._choices[name].actions():
                action.setChecked(action.data() == value)
        self.heatmap.take_settings(settings)
        self.output.take_settings(settings)
        self.prompt.fusions.wanted = settings.fusion

    def layout_settings(self) -> dict[str, object]:
        return {
            "geometry": _text(self.saveGeometry()),
            "splitters": tuple(map(_text, self.panes.states())),
        }

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(1280, 720)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:  # by keys of the desktop, perhaps
            with QSignalBlocker(self._full):
                self._full.setChecked(self.isFullScreen())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.panes.fit(event.size())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc comes here where it has no answer to stop."""
        if event.key() != Qt.Key.Key_Escape or not self.notices.close_newest():
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closing.emit()
        super().closeEvent(event)

    def show_drop(self, over: bool) -> None:
        self.image.set_drop(over)


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "ignore"))


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")
