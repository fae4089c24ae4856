"""The frames of a video or an animation, each with its time and its answer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.picture_strip import PictureStrip
from mmgpt_desktop.ui.widgets.plain import ElidedLabel, tip
from mmgpt_desktop.ui.widgets.shown_photo import icon_of
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import SMALL, TIGHT

_FRAME = QSize(84, 52)
_LINES = 3  # the time, and two of the answer


class FilmStrip(Retranslated, QWidget):
    """Shows a clip's conversations, one a frame. With `all_frames` a question is about all."""

    frame_chosen = Signal(object)  # Conversation

    def __init__(self) -> None:
        super().__init__()
        self._frames: tuple[Conversation, ...] = ()
        self.title = ElidedLabel(look="caption", scale=0.9)
        self.all_frames = QCheckBox()
        self.all_frames.setChecked(True)
        self.list = PictureStrip(_FRAME, lines=_LINES)
        self.list.currentRowChanged.connect(self._choose)
        row = hbox((self.title, 1), self.all_frames, gap=SMALL)
        self.setLayout(vbox(row, self.list, gap=TIGHT, margins=0))
        self.retranslate_ui()
        self.hide()

    def retranslate_ui(self) -> None:
        self.all_frames.setText(self.tr("Ask about all frames"))
        self.list.setAccessibleName(self.tr("Frames; the arrow keys choose one"))
        self._write_title()
        self.refresh()

    def _write_title(self) -> None:
        photo = self._frames[0].photo if self._frames else None
        if photo is not None:
            text = self.tr("{name} · {count} frames, evenly spread")
            self.title.say(text.format(name=photo.name, count=len(self._frames)))

    def show_clip(self, frames: Sequence[Conversation], current: Conversation) -> None:
        """Hidden where there are none."""
        if tuple(frames) != self._frames:
            self._frames = tuple(frames)
            photos = [frame.photo for frame in frames if frame.photo is not None]
            self.list.fill(list(map(icon_of, photos)), [""] * len(photos))
            self._write_title()
        self.setVisible(bool(frames))
        self.refresh()
        self.list.mark(self._frames.index(current) if current in self._frames else -1)

    def refresh(self) -> None:
        """Bring the answers under the frames up to date."""
        for row, frame in enumerate(self._frames):
            item, time, answer = self.list.item(row), _time(frame), _answer(frame)
            text = f"{time}\n{answer}"
            if item.text() != text:
                item.setText(text)
                item.setToolTip(tip(f"{time} {answer}"))
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{time} {answer}")

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._frames):
            self.frame_chosen.emit(self._frames[row])


def _time(frame: Conversation) -> str:
    moment = frame.photo.moment if frame.photo is not None else None
    minutes, seconds = divmod(moment.seconds if moment is not None else 0.0, 60)
    return f"{minutes:.0f}:{seconds:04.1f}"


def _answer(frame: Conversation) -> str:
    """The last one that is about this frame alone."""
    for turn in reversed(frame.turns):
        if len(turn.request.images) < 2:
            return printable(" ".join(turn.answer.split()))
    return ""
