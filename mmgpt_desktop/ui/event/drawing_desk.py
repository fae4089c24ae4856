"""Has a visitor's picture drawn, which is then one of theirs."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.drawing_filter import refuse_crude
from mmgpt_desktop.event.profile import EventDrawing
from mmgpt_desktop.painted import PainterInfo, PaintOutcome, PaintRequest, PaintStep
from mmgpt_desktop.text import without_controls
from mmgpt_desktop.ui.chat.draw_bar import MOST_SEED
from mmgpt_desktop.ui.event.draw_page import DrawPage
from mmgpt_desktop.ui.event.visit import Visit
from mmgpt_desktop.ui.widgets.shown_photo import photo_from_painting
from mmgpt_desktop.ui.worker import MakePainter, PainterThread

_log = logging.getLogger(__name__)


class DrawingDesk(QObject):
    """`offered` once the painter is known, if the profile wants it."""

    offered_now = Signal()
    refused = Signal(object)  # AppError
    drawn = Signal()

    def __init__(
        self,
        page: DrawPage,
        drawing: EventDrawing,
        visit: Visit,
        painter: PainterThread | None,
        make_painter: MakePainter | None,
    ) -> None:
        super().__init__()
        self._page, self._drawing, self._visit, self._painter = page, drawing, visit, painter
        self._numbers = itertools.count(1)
        self._task: CancelToken | None = None
        self.offered = self._frozen = False
        self._held: list[Callable[[], None]] = []  # what came while the screen is frozen
        page.wishes.asked.connect(self.draw)
        if painter is not None and make_painter is not None:
            painter.describe(make_painter, self._take_painter, self._have_none)
            painter.use(make_painter)

    def _take_painter(self, painter: PainterInfo) -> None:
        self._page.wishes.set_painter(painter)
        self.offered = True
        self.offered_now.emit()

    def _have_none(self, error: AppError) -> None:
        """The organiser's business, and no visitor's; `event-check` says it too."""
        _log.warning("the show can't draw: %s", error)

    def freeze(self, frozen: bool) -> None:
        """What comes meanwhile is shown afterwards."""
        self._frozen = frozen
        if not frozen:
            held, self._held = self._held, []
            for show in held:
                show()

    def _is_held(self, show: Callable[[], None]) -> bool:
        if self._frozen:
            self._held.append(show)
        return self._frozen

    @property
    def busy(self) -> bool:
        return self._task is not None

    def draw(self, text: str) -> None:
        """What a visitor said, or a card."""
        prompt = " ".join(without_controls(text).split())
        if self._painter is None or self.busy or not prompt:
            return
        try:
            refuse_crude(prompt, self._drawing.refused)
        except AppError as error:
            self.refused.emit(error)
            return
        seed = random.randrange(MOST_SEED + 1)
        request = PaintRequest(next(self._numbers), prompt, seed, known_only=True)
        self._page.canvas.begin(1)
        self._page.set_busy(True)
        self._task = self._painter.draw(request, self._take_outcome, self._fail, self._take_news)

    def _take_news(self, news: Any) -> None:
        if isinstance(news, PaintStep) and not self._is_held(partial(self._take_news, news)):
            self._page.show_step(news)

    def _take_outcome(self, outcome: PaintOutcome) -> None:
        if self._is_held(partial(self._take_outcome, outcome)):
            return
        self.stop()
        for painting in outcome.paintings:
            photo = photo_from_painting(painting, painting.drawing.prompt)
            self._visit.add(photo, painting.drawing)
            self.drawn.emit()
        if outcome.error is not None:
            self.refused.emit(outcome.error)

    def _fail(self, error: AppError) -> None:
        if self._is_held(partial(self._fail, error)):
            return
        self.stop()
        self.refused.emit(error)

    def stop(self) -> None:
        """What still comes is not heard any more."""
        self._held = []
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._page.set_busy(False)
