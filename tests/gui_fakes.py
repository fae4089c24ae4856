"""An engine for tests of the window: it answers from a script, step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QFormLayout
from pytestqt.qtbot import QtBot

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.occlusion import Hiding
from mmgpt_desktop.errors import AppError, Cancelled
from mmgpt_desktop.honesty import Hedge, reply_to
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    EdgeMap,
    Explanation,
    Found,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    Grounding,
    HeadNumbers,
    ModelInfo,
    OutcomeKind,
    Photo,
    RuntimeInfo,
    RuntimeName,
    Timings,
    TokenStep,
)
from mmgpt_desktop.methods import Method, Needs
from mmgpt_desktop.ui.worker import TaskThread
from tests.fakes import whole_grid
from tests.records import FUSION, MODEL, fusion_info, model_info

if TYPE_CHECKING:
    from mmgpt_desktop.ui.event.event_app import EventApp
    from mmgpt_desktop.ui.window.app import App

GRID_ROWS = GRID_COLUMNS = 4
CONCAT = fusion_info(4, 2, 2, ((3, 1),), name="concat", why="Chosen for concatenation.")
CROSS = fusion_info(name="cross_attention")
THREE = model_info(FUSION, CROSS, CONCAT)
ANSWER = ("A", " red", " ball", " in", " the", " corner", ".")


class FakeEngine(EngineBase):
    """Looks at the cell `step index` of a grid with all heads, and of each further photo of a
    sequence at the next one.

    What its model has no answer to it replies to as a true engine does. With a `gate` it waits
    before each step until `release` was called once more.
    """

    def __init__(
        self,
        answer: Sequence[str] = ANSWER,
        *,
        model: ModelInfo = MODEL,
        certainty: float | None = None,
        probabilities: Sequence[float] = (0.9, 0.6, 0.3, 0.1),
        gated: bool = False,
        load_error: AppError | None = None,
        fail_after: int | None = None,
        error: AppError | None = None,
        load_gated: bool = False,
        needs_room: bool = False,
        explain_gated: bool = False,
        explain_error: AppError | None = None,
        groundings: tuple[Grounding, ...] = (),
    ) -> None:
        super().__init__((RuntimeName.ONNX_CPU,), None)
        self._groundings = groundings
        self.requests: list[GenerationRequest] = []
        self.closed = False
        self.forgotten = 0
        self.with_attention = True
        self.load_gate = threading.Semaphore(0)
        self._described, self._certainty = model, certainty
        self._answer, self._probabilities = answer, probabilities
        self._gated, self._gate = gated, threading.Semaphore(0)
        self.load_error, self._load_gated = load_error, load_gated
        self._needs_room = needs_room
        self.fail_after, self._error = fail_after, error
        self.explained: list[tuple[Method, slice | None]] = []  # None: maps, else a check
        self.explain_gate = threading.Semaphore(0 if explain_gated else 1_000_000)
        self.explain_error = explain_error
        self.rested, self.rest_gate = threading.Semaphore(0), threading.Semaphore(0)
        self.rest_gated = False
        self.answers_with = RuntimeInfo(RuntimeName.ONNX_CPU, "CPUExecutionProvider")
        self.numbers_asked: list[tuple[int, int, int]] = []  # token, layer, head

    def __call__(self) -> FakeEngine:
        return self

    @property
    def runtime(self) -> RuntimeInfo:
        return self.answers_with

    def release(self, steps: int = 1) -> None:
        self._gate.release(steps)

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        raise NotImplementedError

    def room_wanted(self) -> tuple[int, int]:
        raise NotImplementedError

    def make_runtime(self, name: RuntimeName) -> NoReturn:
        raise NotImplementedError

    def describe(self) -> ModelInfo:
        return self._described

    def prepare_request(self, request: GenerationRequest) -> NoReturn:
        raise NotImplementedError

    def token_bytes(self, token_id: int) -> NoReturn:
        raise NotImplementedError

    def rescorer(self, explanation: Explanation, cancel: CancelToken, how: Hiding) -> NoReturn:
        raise NotImplementedError

    def traced(self, explanation: Explanation, method: Method, cancel: CancelToken) -> NoReturn:
        raise NotImplementedError

    def load(
        self,
        progress: Callable[[float, str], None] = lambda _fraction, _what: None,
        cancel: CancelToken | None = None,
        make_room: Callable[[], None] = lambda: None,
    ) -> ModelInfo:
        cancel = cancel or CancelToken()
        if self._needs_room:
            make_room()
        progress(0.5, "Starting the model")
        if self._load_gated:
            _wait(self.load_gate, cancel)
        if self.load_error is not None:
            raise self.load_error
        return self._described

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        question, beyond = request.messages[-1].text, self._described.beyond
        reply = reply_to(question, beyond, picture=bool(request.images))
        if reply is not None and not request.anyway:
            return replace(self._ended(request, "done", 0), certainty=None, reply=reply)
        outcome = self._answered(request, cancel, on_step)
        if reply is not None:
            return replace(outcome, certainty=None, hedge=Hedge.GUESS)
        return outcome

    def _answered(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        self.requests.append(request)
        written = 0
        try:
            for index, text in enumerate(self._answer):
                if self._gated:
                    _wait(self._gate, cancel)
                cancel.raise_if_cancelled()
                if index == self.fail_after:
                    raise self._error or RuntimeError("broken")
                on_step(self._step(request, index, text))
                written += 1
        except Cancelled:
            return self._ended(request, "cancelled", written)
        except AppError as error:
            return self._ended(request, "failed", written, error)
        return self._ended(request, "done", written)

    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None:
        """Each cell reads from the one to its right most, and half of that from the next."""
        cells = GRID_ROWS * GRID_COLUMNS
        weights = np.eye(cells, k=1) + np.eye(cells, k=2) / 2
        grid = whole_grid(GRID_ROWS, GRID_COLUMNS, photo.width, photo.height)
        return EdgeMap(weights.astype(np.float32), grid)

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        on_found: Callable[[Found], None],
        word: slice | None = None,
    ) -> None:
        """Token `n` needed cell `n`, and no other. Occlusion finds it in half of the rows first,
        then in all. A neutral question looks at cell 0."""
        if method.about.needs is Needs.NEUTRAL:
            request = explanation.request
            fusion = self._described.fusion_info(request.fusion)
            on_found(attention_map(request.images[0], 0, fusion))
            return
        self._begin_to_explain(method, None, cancel)
        maps = needed(explanation, method)
        if method is Method.OCCLUSION:
            half = maps.weights.copy()
            half[:, GRID_ROWS // 2 :] = np.nan
            on_found(CellMaps(method, half, maps.grid, 0.5))
            _wait(self.explain_gate, cancel)
        on_found(maps)

    def check(
        self,
        explanation: Explanation,
        word: slice,
        cells: NDArray[np.float32],
        method: Method,
        cancel: CancelToken,
    ) -> Check:
        """Words at even places needed what they looked at; the others are language."""
        self._begin_to_explain(method, word, cancel)
        assert cells.ndim == 2
        hidden = 0.1 if word.start % 2 == 0 else 0.78
        return Check(method, word.start, word.stop, 0.8, hidden, (0.75, 0.8, 0.7, 0.75), 0.6, 0.05)

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers:
        """A query of ones and two cells; the first took three quarters of the look."""
        self.numbers_asked.append((token, layer, head))
        if self.explain_error is not None:
            raise self.explain_error
        keys = np.array([[2, 2, 2, 2], [1, 1, 1, 1]], np.float32)
        query, weights = np.ones(4, np.float32), np.array([0.75, 0.2], np.float32)
        scores, values = np.array([4, 2], np.float32), np.array([[1] * 4, [0.5] * 4], np.float32)
        cells = np.array([5, 2], np.int64)
        given = (keys[0] / 3).astype(np.float32)
        return HeadNumbers(query, cells, keys, scores, weights, values, 72.8, 0.05, given)

    def _begin_to_explain(self, method: Method, word: slice | None, cancel: CancelToken) -> None:
        self.explained.append((method, word))
        _wait(self.explain_gate, cancel)
        if self.explain_error is not None:
            raise self.explain_error

    def forget(self) -> None:
        self.forgotten += 1
        self.requests.clear()

    def rest(self, cancel: CancelToken) -> None:
        self.rested.release()
        while self.rest_gated and not cancel.cancelled:
            self.rest_gate.acquire(timeout=0.01)
        cancel.raise_if_cancelled()

    def close(self) -> None:
        self.closed = True

    def _step(self, request: GenerationRequest, index: int, text: str) -> TokenStep:
        attention = None
        if request.images and self.with_attention:
            fusion = self._described.fusion_info(request.fusion)
            cells = fusion.rows * fusion.columns
            photos = request.images if self._described.sequences else request.images[:1]
            first, *others = (
                attention_map(photo, (index + place) % cells, fusion)
                for place, photo in enumerate(photos)
            )
            attention = replace(first, others=tuple(others))
        probability = self._probabilities[index % len(self._probabilities)]
        return TokenStep(request.job_id, index, index, text, probability, attention)

    def _ended(
        self,
        request: GenerationRequest,
        kind: OutcomeKind,
        tokens: int,
        error: AppError | None = None,
    ) -> GenerationOutcome:
        timings = Timings(0.1, 0.05, 0.05 + 0.01 * tokens, tokens)
        certainty = self._certainty if kind == "done" else None
        return GenerationOutcome(
            request.job_id,
            kind,
            timings,
            self.runtime,
            error,
            certainty=certainty,
            groundings=self._groundings if kind == "done" else (),
        )


def _wait(gate: threading.Semaphore, cancel: CancelToken) -> None:
    forget = cancel.on_cancel(gate.release)
    gate.acquire()
    forget()
    cancel.raise_if_cancelled()


def attention_map(photo: Photo, cell: int, fusion: FusionInfo = FUSION) -> AttentionMap:
    """All heads give one cell a half, and the names that the encoder found a quarter."""
    rows, columns = fusion.rows, fusion.columns
    weights = np.zeros((fusion.image_layers, fusion.heads, rows * columns), np.float16)
    weights[:, :, cell] = 0.5
    return AttentionMap(weights, whole_grid(rows, columns, photo.width, photo.height), 0.25)


def needed(explanation: Explanation, method: Method) -> CellMaps:
    """Hiding cell `n` alone costs token `n` two nats."""
    photo, tokens = explanation.request.images[0], len(explanation.token_ids)
    weights = np.zeros((tokens, GRID_ROWS * GRID_COLUMNS), np.float32)
    weights[np.arange(tokens), np.arange(tokens) % (GRID_ROWS * GRID_COLUMNS)] = 2
    grid = whole_grid(GRID_ROWS, GRID_COLUMNS, photo.width, photo.height)
    return CellMaps(method, weights.reshape(tokens, GRID_ROWS, GRID_COLUMNS), grid)


def form_texts(form: QFormLayout) -> dict[str, str]:
    """The labels of a form and what stands beside them."""
    label, field = QFormLayout.ItemRole.LabelRole, QFormLayout.ItemRole.FieldRole
    texts = [
        item.widget().property("text")  # type: ignore[union-attr]
        for row in range(form.rowCount())
        for role in (label, field)
        if (item := form.itemAt(row, role)) is not None
    ]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def drain(qtbot: QtBot, thread: TaskThread) -> None:
    """All that the thread was given is done, and the window knows."""
    through: list[None] = []
    thread.submit(lambda _task: None, through.append)
    qtbot.waitUntil(lambda: bool(through), timeout=30_000)


def thread_of(app: App | EventApp, name: str) -> TaskThread:
    return app.threads[name]


def make_photo(width: int = 160, height: int = 120, *, seed: int = 0) -> Photo:
    """Grey, with a red square in the lower right corner."""
    pixels = np.full((height, width, 3), 120 + seed, np.uint8)
    pixels[-height // 4 :, -width // 4 :] = (220, 30, 30)
    pixels.setflags(write=False)
    return Photo(pixels, f"photo-{width}-{height}-{seed}", f"photo {seed}.png")


def make_image(width: int = 40, height: int = 30, colour: str = "#2266aa") -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image
