"""Has pictures drawn, and puts them among the photos."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSignalBlocker

from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.attention.left_out import left_out, without_word
from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import PICTURE
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import (
    PainterInfo,
    Painting,
    PaintOutcome,
    PaintRequest,
    PaintStep,
)
from mmgpt_desktop.text import printable, without_controls
from mmgpt_desktop.ui.chat.chat_controller import LONGEST_QUESTION, ChatController
from mmgpt_desktop.ui.painting.word_overlay import WordOverlay
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.shown_photo import photo_from_painting
from mmgpt_desktop.ui.widgets.texts import translated
from mmgpt_desktop.ui.worker import MakePainter, Task

_LONGEST_NAME = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Job:
    """What is being drawn; with `whole` it is that picture's prompt less word number `word`."""

    request: PaintRequest
    task: Task
    whole: Painting | None = None
    word: int = -1


class PaintController(QObject):
    """One drawing at a time, beside the answers; what is drawn is a photo like any other. Without a
    painter drawings of before can be looked at."""

    def __init__(
        self,
        shell: Shell,
        pane: ImagePane,
        chat: ChatController,
        style: Callable[[], MapStyle],
        maker: Callable[[Path], MakePainter],
        shipped: Sequence[MakePainter],
    ) -> None:
        """`maker` gives what opens a model's folder as a painter, `shipped` those that ship."""
        super().__init__(shell.window)
        self._maker, painter = maker, shell.threads.painter
        self._painters: list[tuple[PainterInfo, MakePainter]] = []
        self._shell, self._pane, self._chat, self._painter = shell, pane, chat, painter
        self._prompt, self._photos = chat.prompt, chat.photos
        self._numbers = itertools.count(1)
        self._job: _Job | None = None
        self._info: PainterInfo | None = None  # of who draws now
        self.overlay = WordOverlay(pane, shell.threads["small maps"], style)
        self._connect()
        if painter is not None:
            for make in shipped:
                painter.describe(make, partial(self._take_painter, make), self._have_none)

    def _connect(self) -> None:
        card, actions = self._pane.card, self._shell.actions
        self._prompt.draw_wanted.connect(self.draw)
        self._prompt.draw_bar.painter_chosen.connect(self._choose_painter)
        self._prompt.mode.changed.connect(actions["draw"].setChecked)
        self._chat.stop_wanted.connect(self.stop)
        self._photos.chosen.connect(self._show)
        self._photos.replaced.connect(self.stop)
        card.leave_out_wanted.connect(self.leave_out)
        card.seed_wanted.connect(self._prompt.draw_bar.keep_seed)
        actions["draw"].toggled.connect(self._switch)
        actions["draw"].setEnabled(False)
        card.save_wanted.connect(actions["export-drawing"].trigger)
        card.leave_out.hide()
        self._show(self._photos.current)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def _take_painter(self, make: MakePainter, painter: PainterInfo) -> None:
        """One more to choose from, unless one has its name; the first one draws until another is
        chosen."""
        if painter.name not in {known.name for known, _ in self._painters}:
            self._painters.append((painter, make))
            self._prompt.draw_bar.add_painter(painter)

    def _choose_painter(self, row: int) -> None:
        assert self._painter is not None
        painter, make = self._painters[row]
        self._painter.use(make)
        self._info = painter
        self._prompt.set_painter(painter)
        self._shell.actions["draw"].setEnabled(True)
        self._pane.card.leave_out.show()

    def offer_model(self, folder: Path) -> None:
        """The model that answers now may draw as well."""
        if self._painter is not None:
            make = self._maker(folder)
            self._painter.describe(make, partial(self._take_painter, make), _is_none)

    def offer_painter(self, folder: Path) -> None:
        """A model that can't answer may draw: if so, it does from now on, which is said."""
        if self._painter is not None:
            make = self._maker(folder)
            self._painter.describe(make, partial(self._prefer, make), self._tell_failure)

    def _prefer(self, make: MakePainter, painter: PainterInfo) -> None:
        """Have it draw, in the place of one of its name: that may have gone meanwhile."""
        self._take_painter(make, painter)
        row = [known.name for known, _ in self._painters].index(painter.name)
        self._painters[row] = painter, make
        with QSignalBlocker(self._prompt.draw_bar.painter):
            self._prompt.draw_bar.painter.setCurrentIndex(row)
        self._choose_painter(row)
        self._shell.actions["draw"].setChecked(True)
        said = self.tr("{name} draws from now on.")
        self._shell.notices.tell(said.format(name=printable(painter.name)))

    def _have_none(self, error: AppError) -> None:
        """Asking goes on as if there never was one."""
        _log.warning("no painter: %s", error)

    def _switch(self, draw: bool) -> None:
        self._prompt.mode.choose(second=draw)
        self._prompt.edit.setFocus()

    def _show(self, conversation: Conversation) -> None:
        self.overlay.follow(conversation)
        self._shell.actions["export-drawing"].setEnabled(conversation.drawing is not None)

    def draw(self, text: str) -> None:
        """Draw what is said; nothing is lost if that can't be."""
        prompt = " ".join(without_controls(text).replace(PICTURE, "").split())
        if not prompt:
            self._prompt.show_problem(self.tr("Say first what is to be drawn, or choose it below."))
        elif len(prompt) > LONGEST_QUESTION:
            said = self.tr("That is too long: {count} characters, and {limit} is the most.")
            self._prompt.show_problem(said.format(count=len(prompt), limit=LONGEST_QUESTION))
        elif self._is_free():
            bar = self._prompt.draw_bar
            self._prompt.edit.remember(prompt)
            number, seed = next(self._numbers), bar.next_seed()
            self._begin(PaintRequest(number, prompt, seed, bar.pictures))

    def leave_out(self, word: int) -> None:
        """The picture in view once more, with its seed and without one of its prompt's words."""
        photo, drawing = self._photos.current.photo, self._photos.current.drawing
        if photo is None or drawing is None or not self._is_free():
            return
        prompt, painter = without_word(drawing, word), self._info
        if not prompt or len(prompt) > LONGEST_QUESTION:
            self._prompt.show_problem(self.tr("Without this word nothing is said any more."))
        elif painter is None or painter.name != drawing.painter:
            said = self.tr("{painter} drew this picture, and only it could draw it without a word.")
            self._prompt.show_problem(said.format(painter=printable(drawing.painter)))
        elif painter.size != photo.width:
            said = self.tr("An earlier {painter} drew this picture: have it drawn again first.")
            self._prompt.show_problem(said.format(painter=printable(drawing.painter)))
        else:
            request = PaintRequest(next(self._numbers), prompt, drawing.seed)
            self._begin(request, Painting(photo.pixels, drawing), word)

    def _is_free(self) -> bool:
        if self._job is not None:
            self._prompt.show_problem(
                self.tr("A picture is still being drawn. Wait for it, or stop it with Esc.")
            )
        return self._job is None

    def _begin(self, request: PaintRequest, whole: Painting | None = None, word: int = -1) -> None:
        assert self._painter is not None
        self._shell.engine.reserve()
        task = self._painter.draw(request, self._take_outcome, self._fail, self._take_news)
        self._job = _Job(request, task, whole, word)
        self._pane.show_growing(request.pictures)
        self._pane.growing.say(self.tr("Beginning…"), -1.0)
        self._chat.set_drawing(True)

    def _take_news(self, news: Any) -> None:
        if isinstance(news, PaintStep):
            if news.pixels is not None:
                self._pane.growing.canvas.show_pixels(news.pixels)
            self._pane.growing.say(self.tr("Drawing…"), news.done / news.strokes)
        else:
            fraction, what = news
            self._pane.growing.say(translated("progress", what), fraction)

    def _take_outcome(self, outcome: PaintOutcome) -> None:
        job = self._end()
        self._pane.end_growing()
        if outcome.error is not None or not outcome.paintings:
            self._tell_failure(outcome.error)
            return
        drawn = [_conversation(each, outcome.notes) for each in outcome.paintings]
        if job is not None and job.whole is not None:
            found = left_out(job.whole, job.word, outcome.paintings[0])
            drawing = replace(outcome.paintings[0].drawing, left_out=found)
            drawn = [Conversation(drawn[0].photo, drawing=drawing)]
        self._photos.add_drawn(*drawn)

    def _fail(self, error: AppError) -> None:
        self._end()
        self._pane.end_growing()
        self._tell_failure(error)

    def _tell_failure(self, error: AppError | None) -> None:
        if error is not None:
            self._shell.notices.tell_error(error)

    def _end(self) -> _Job | None:
        job, self._job = self._job, None
        if job is not None:
            self._shell.engine.release()
        self._chat.set_drawing(False)
        return job

    def stop(self) -> None:
        """At once; what still comes is not heard any more."""
        if self._job is not None:
            self._job.task.cancel()
            self._end()
            self._pane.end_growing()


def _is_none(error: AppError) -> None:
    """Most models only answer."""
    _log.debug("no painter: %s", error)


def _conversation(painting: Painting, notes: tuple[Note, ...]) -> Conversation:
    photo = photo_from_painting(painting, painting.drawing.prompt[:_LONGEST_NAME], notes)
    return Conversation(photo, drawing=painting.drawing)
