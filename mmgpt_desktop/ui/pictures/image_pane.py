"""The photos: one large, all of them as thumbnails; or what a camera sees."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QToolButton, QWidget

from mmgpt_desktop.messages import Photo
from mmgpt_desktop.note import Note
from mmgpt_desktop.ui.pictures.drawing_card import DrawingCard
from mmgpt_desktop.ui.pictures.film_strip import FilmStrip
from mmgpt_desktop.ui.pictures.growing_view import GrowingView
from mmgpt_desktop.ui.pictures.live_view import LiveBar, LiveView
from mmgpt_desktop.ui.widgets.box_layout import stack
from mmgpt_desktop.ui.widgets.buttons import IconButton, push_button
from mmgpt_desktop.ui.widgets.pane import EmptyState, Pane
from mmgpt_desktop.ui.widgets.photo_view import PhotoView
from mmgpt_desktop.ui.widgets.picture_names import reference
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.shown_photo import icon_of
from mmgpt_desktop.ui.widgets.texts import Retranslated, note_text
from mmgpt_desktop.ui.widgets.theme import Theme, restyle

_THUMBNAIL = QSize(64, 48)


class Thumbnails(QListWidget):
    """One that is dragged into the question is named there."""

    remove_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setIconSize(_THUMBNAIL)
        self.setSpacing(2)
        self.setFixedHeight(_THUMBNAIL.height() + 28)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragDropMode(QListWidget.DragDropMode.DragOnly)
        self._photos: list[Photo] = []

    def show_photos(self, photos: list[Photo]) -> None:
        if photos == self._photos:
            return
        self._photos = photos
        self.clear()
        for number, photo in enumerate(photos, 1):
            item = QListWidgetItem(icon_of(photo), str(number))
            item.setToolTip(tip(photo.name))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{number}: {item.toolTip()}")
            width = self.fontMetrics().horizontalAdvance(str(number))
            item.setSizeHint(_THUMBNAIL + QSize(20 + width, 12))
            self.addItem(item)

    def mimeData(self, items: Sequence[QListWidgetItem]) -> QMimeData:  # noqa: N802
        data = QMimeData()
        data.setText(" ".join(reference(self.row(item) + 1) for item in items))
        return data

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if not event.isAutoRepeat():  # one picture each time
                self.remove_wanted.emit()
        else:
            super().keyPressEvent(event)


class ImagePane(Retranslated, Pane):
    open_wanted = Signal()
    samples_wanted = Signal()
    camera_wanted = Signal()
    remove_wanted = Signal()
    photo_chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.view = PhotoView(theme)
        self._empty = EmptyState(theme, "picture")
        self.live, self.growing = LiveView(theme), GrowingView(theme)
        self._stack = stack(self._empty, self.view, self.live, self.growing)
        self._before_growing: QWidget = self._empty
        self.card = DrawingCard(theme)
        self.live_bar = LiveBar()
        self.film = FilmStrip()
        self.thumbnails = Thumbnails()
        self.thumbnails.currentRowChanged.connect(self.photo_chosen)
        self.thumbnails.remove_wanted.connect(self.remove_wanted)
        self._photo_notes: tuple[Note, ...] = ()
        self.notes = Label(look="caption", wraps=True, scale=0.9)
        self._make_buttons()
        self.body.addWidget(self.live_bar)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.card)
        self.body.addWidget(self.notes)
        self.body.addWidget(self.film)
        self.body.addWidget(self.thumbnails)
        self.retranslate_ui()
        self.show_photo(None)
        self.set_thumbnails([], -1)

    def _make_buttons(self) -> None:
        self.open_button = push_button(clicked=self.open_wanted, look="primary")
        self.samples_button = push_button(clicked=self.samples_wanted)
        self.camera_button = push_button(clicked=self.camera_wanted)
        for each in (self.open_button, self.samples_button, self.camera_button):
            self._empty.add_button(each)
        self._tools: dict[str, QToolButton] = {}
        for icon, action in (
            ("zoom-out", self.view.zoom_out),
            ("zoom-in", self.view.zoom_in),
            ("fit", self.view.zoom_fit),
            ("open", self.open_wanted),
            ("camera", self.camera_wanted),
            ("close", self.remove_wanted),
        ):
            tool = self._tools[icon] = IconButton(self._theme, icon, action)
            self.header.addWidget(tool)

    def retranslate_ui(self) -> None:
        self.set_title(self.tr("Picture"))
        self._empty.set_texts(
            self.tr("Drop a picture here"),
            self.tr("from a folder or a browser, or paste one with Ctrl+V."),
        )
        self.open_button.setText(self.tr("Open…"))
        self.open_button.setToolTip(self.tr("Open pictures (Ctrl+O)"))
        self.samples_button.setText(self.tr("Sample photos…"))
        self.camera_button.setText(self.tr("Camera"))
        self.camera_button.setToolTip(self.tr("Switch the camera on or off (F8)"))
        self.live.setAccessibleName(self.tr("What the camera sees; Space takes a picture"))
        self.growing.canvas.setAccessibleName(self.tr("The picture that is being drawn"))
        self.view.setAccessibleName(self.tr("Picture; plus and minus zoom, the arrow keys move it"))
        self.thumbnails.setAccessibleName(self.tr("All pictures; Delete removes the chosen one"))
        for icon, name, keys in (
            ("zoom-out", self.tr("Zoom out"), "Ctrl+-"),
            ("zoom-in", self.tr("Zoom in"), "Ctrl++"),
            ("fit", self.tr("Show the whole picture"), "Ctrl+0"),
            ("open", self.tr("Open pictures"), "Ctrl+O"),
            ("camera", self.tr("Switch the camera on or off"), "F8"),
            ("close", self.tr("Remove this picture"), "Ctrl+W"),
        ):
            self._tools[icon].set_name(name, keys)  # type: ignore[attr-defined]
        self._write_notes()

    def show_photo(self, photo: Photo | None) -> None:
        self.view.set_photo(photo)
        self.view.setAccessibleDescription(photo.name if photo else "")
        self.card.setVisible(self.card.drawing is not None)
        self._show(self._empty if photo is None else self.view, photo)

    def show_growing(self, count: int) -> None:
        """So many pictures that are drawn now, in the photo's place."""
        self.growing.canvas.begin(count)
        page = self._stack.currentWidget()
        if page is not None and page is not self.growing:
            self._before_growing = page
        self._stack.setCurrentWidget(self.growing)
        for each in (self.card, self.notes, *self._tools.values()):
            each.hide()  # they are the photo's

    @property
    def grows(self) -> bool:
        """Whether what is being drawn is in view."""
        return self._stack.currentWidget() is self.growing

    def end_growing(self) -> None:
        """Nothing came of it: what was there before is in view again, unless something else is."""
        if self.grows:
            self._stack.setCurrentWidget(self._before_growing)
            self.card.setVisible(self.card.drawing is not None)
            for tool in self._tools.values():
                tool.setVisible(self._before_growing is self.view)
            self._write_notes()

    def show_live(self) -> None:
        """What a camera sees, in the photo's place."""
        self._show(self.live, None)

    def _show(self, page: QWidget, photo: Photo | None) -> None:
        self._stack.setCurrentWidget(page)
        for button in self._tools.values():
            button.setVisible(photo is not None)
        self._photo_notes = photo.notes if photo else ()
        self._write_notes()

    def _write_notes(self) -> None:
        self.notes.setText(" ".join(map(note_text, self._photo_notes)))
        self.notes.setVisible(bool(self._photo_notes))

    def set_thumbnails(self, photos: list[Photo], current: int) -> None:
        """Shown from two photos on: one needs no choice."""
        self.thumbnails.blockSignals(True)
        self.thumbnails.show_photos(photos)
        self.thumbnails.setCurrentRow(current)
        self.thumbnails.setVisible(len(photos) > 1)
        self.thumbnails.blockSignals(False)

    def set_drop(self, wanted: bool) -> None:
        """Show that a drop would be taken."""
        self.setProperty("drop", wanted)
        restyle(self)
