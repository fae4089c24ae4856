"""What walking through a long answer with the arrow keys costs, word by word."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.messages import (
    AttentionMap,
    Box,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    PatchGrid,
    Photo,
    Timings,
    TokenStep,
)
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.waiting import wait_for, wait_for_model, wait_until

WORDS = 60
_SETTLE_S = 1.0
_PATIENCE_MS = 30_000


@dataclass(frozen=True)
class Frame:
    """Milliseconds of processor time from a key to the next word's map on the screen.

    `window` is the GUI thread's part: while it runs, nothing else is painted.
    """

    window: float
    process: float


class Reciter(BundleEngine):
    """The real model's shapes, but each answer has `WORDS` words that look at places in turn."""

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        del cancel
        fusion = self.model.fusion_info(request.fusion)
        for index in range(WORDS):
            text = f" word{index}" + "." * (index == WORDS - 1)
            looked = _looked(request.images[0], fusion, index)
            on_step(TokenStep(request.job_id, index, index, text, 0.5, looked))
        timings = Timings(0, 0.1, 1.0, WORDS)
        return GenerationOutcome(request.job_id, "done", timings, self.runtime, certainty=0.5)


def _looked(photo: Photo, fusion: FusionInfo, index: int) -> AttentionMap:
    whole = Box(0, 0, photo.width, photo.height)
    grid = PatchGrid(fusion.rows, fusion.columns, whole, photo.width, photo.height)
    weights = np.random.default_rng(index).random((fusion.image_layers, fusion.heads, grid.cells))
    weights[..., index % grid.cells] = 5
    return AttentionMap((weights / weights.sum(-1, keepdims=True)).astype(np.float16), grid)


def walk(app: App, photo: Path) -> list[Frame]:
    """Through an answer of `app`, whose engine is a `Reciter`, from its first word to its last."""
    wait_for_model(app)
    app.threads.engine.reserve()  # explaining would measure, on all cores
    app.pictures.photos.open([photo])
    wait_until(lambda: app.pictures.photos.count == 1)
    app.chat.controller.ask("Recite.")
    wait_until(lambda: not app.chat.controller.busy)
    _press(app, Qt.Key.Key_Home)
    wait_for(_SETTLE_S)
    return [_step(app) for _ in range(WORDS - 1)]


def _step(app: App) -> Frame:
    loop, picture = QEventLoop(), app.window.heatmap.picture
    picture.heatmap_shown.connect(loop.quit)
    patience = QTimer(singleShot=True, interval=_PATIENCE_MS)
    patience.timeout.connect(loop.quit)
    patience.start()
    window, process = time.thread_time(), time.process_time()
    _press(app, Qt.Key.Key_Right)
    loop.exec()
    QApplication.processEvents()  # paints
    frame = Frame(1000 * (time.thread_time() - window), 1000 * (time.process_time() - process))
    picture.heatmap_shown.disconnect(loop.quit)
    if not patience.isActive():
        raise TimeoutError("the next word's map did not come")
    return frame


def _press(app: App, key: Qt.Key) -> None:
    view = app.window.output.view
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(view, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))
