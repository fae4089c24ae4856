"""A painter: a sentence goes in, a picture grows cell by cell, then exactly one outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.word_maps import word_maps, word_shares
from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.folder.model_files import remedy_for
from mmgpt_desktop.engine.painting.open_source import open_source
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell, PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import PainterSource, PaintPrompt
from mmgpt_desktop.engine.running_request import unexpected_end
from mmgpt_desktop.engine.runtime_chain import RuntimeChain
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure
from mmgpt_desktop.messages import OutcomeKind, RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import (
    Drawing,
    PainterInfo,
    Painting,
    PaintOutcome,
    PaintRequest,
    PaintSettings,
    PaintStep,
)

PainterMaker = Callable[[RuntimeName, PainterSource], PainterRuntime]


@dataclass(eq=False)
class _Running:
    """Pictures under way, and what the outcome will say."""

    request: PaintRequest
    prompt: PaintPrompt
    notes: list[Note] = field(default_factory=list)
    codes: list[NDArray[np.int64]] = field(default_factory=list)
    shares: list[NDArray[np.float32]] = field(default_factory=list)  # of each cell [B, word]
    shown: NDArray[np.uint8] = field(init=False)  # the latest


class PaintEngine(RuntimeChain):
    """One painter's folder and the runtime that runs it. `make` is for tests."""

    source: PainterSource
    info: PainterInfo
    """Both from `load` on."""

    def __init__(
        self, path: Path, choice: RuntimeName | None = None, make: PainterMaker | None = None
    ) -> None:
        super().__init__((), choice)
        self._path, self._make = path, make

    def describe(self) -> PainterInfo:
        """What its folder says of it, loaded or not. Raises BundleError."""
        return open_source(self._path).info

    def load(
        self,
        progress: Progress = lambda _fraction, _what: None,
        cancel: CancelToken | None = None,
        make_room: Callable[[], None] = lambda: None,
    ) -> PainterInfo:
        """Raises as `start`."""
        self.start(progress, cancel or CancelToken(), make_room)
        self.info = self.source.info
        progress(1.0, "Ready")
        return self.info

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        source = open_source(self._path)
        source.prepare(progress, cancel)
        self.take_order(source.order)
        self.source = source

    def room_wanted(self) -> tuple[int, int]:
        return self.source.size, self.source.size

    def make_runtime(self, name: RuntimeName) -> PainterRuntime:
        with remedy_for(self._path):
            if self._make is not None:
                return self._make(name, self.source)
            return self.source.runtime(name, card=self.card)

    def paint(
        self, request: PaintRequest, cancel: CancelToken, on_step: Callable[[PaintStep], None]
    ) -> PaintOutcome:
        """Draw, calling `on_step` for each cell; what fails becomes the outcome.

        Only exceptions of `on_step` itself pass through. When the runtime breaks, the next one
        begins the same pictures anew.
        """
        began = time.perf_counter()
        notes: list[Note] = []

        def outcome(
            kind: OutcomeKind,
            error: AppError | None = None,
            paintings: tuple[Painting, ...] = (),
        ) -> PaintOutcome:
            runtime = self.runtime if self._runtime is not None else None
            seconds = time.perf_counter() - began
            return PaintOutcome(
                request.job_id, kind, seconds, paintings, runtime, error, tuple(notes)
            )

        steps: Iterator[PaintStep | tuple[Painting, ...]] = self._steps(request, notes, cancel)
        paintings: tuple[Painting, ...] = ()
        while True:
            try:
                step = next(steps, None)
            except Cancelled:
                return outcome("cancelled")
            except AppError as error:
                return outcome("failed", error)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic in a Rust library is no Exception
                return outcome("failed", unexpected_end(error))
            if step is None:
                return outcome("done", paintings=paintings)
            if isinstance(step, PaintStep):
                on_step(step)
            else:
                paintings = step

    def _steps(
        self, request: PaintRequest, notes: list[Note], cancel: CancelToken
    ) -> Iterator[PaintStep | tuple[Painting, ...]]:
        prompt = self.source.read_prompt(request.prompt, known_only=request.known_only)
        notes += prompt.notes
        while True:
            running = _Running(request, prompt)
            try:
                yield from self._cells(running, cancel)
                yield self._finished(running)
                return
            except RuntimeFailure as failure:
                self.go_over(failure)
                notes.append(self._note)

    def _cells(self, running: _Running, cancel: CancelToken) -> Iterator[PaintStep]:
        request, prompt, info = running.request, running.prompt, self.source.info
        number, per_cell = self.source.codes
        settings, cells = request.settings or info.settings, info.side**2
        ids = np.repeat(prompt.ids[None], request.pictures, axis=0)
        visible = np.repeat(prompt.visible[None], request.pictures, axis=0)
        past: Any = self._runtime.read(ids, cancel)
        noises = [_noise(request.seed + each, settings) for each in range(request.pictures)]
        before = np.zeros((request.pictures, per_cell), np.int64)
        for cell in range(cells):
            cancel.raise_if_cancelled()
            noise = np.stack([each((per_cell, number)) for each in noises])
            wanted = CellToPaint(cell, before, visible, noise, settings)
            painted: PaintedCell = self._runtime.paint(wanted, past, cancel)
            before, past = painted.codes, painted.past
            running.codes.append(painted.codes)
            shares = word_shares(painted.attention, prompt.spans, self.source.heads)
            running.shares.append(shares)
            shown = None
            if (cell + 1) % (info.side * max(1, info.side // _SHOWN)) == 0 or cell + 1 == cells:
                shown = running.shown = self._shown(running, cancel)
            yield PaintStep(request.job_id, cell + 1, cells, shown)

    def _shown(self, running: _Running, cancel: CancelToken) -> NDArray[np.uint8]:
        """The pictures so far; where nothing is drawn yet they are of one grey."""
        info, per_cell = self.source.info, self.source.codes.per_cell
        drawn, side, pictures = len(running.codes), info.side, running.request.pictures
        codes = np.zeros((pictures, side**2, per_cell), np.int64)
        codes[:, :drawn] = np.stack(running.codes, axis=1)
        there = np.zeros((pictures, side**2), bool)
        there[:, :drawn] = True
        grid = (-1, side, side)
        pixels = self._runtime.draw(codes.reshape(*grid, per_cell), there.reshape(grid), cancel)
        if not np.isfinite(pixels).all():
            title = "The model's arithmetic broke: it gave values that are no numbers."
            raise RuntimeFailure(title)
        shown = np.rint((pixels.clip(-1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
        shown[:, drawn // side * (info.size // side) :] = _GREY
        shown = np.ascontiguousarray(shown)
        shown.setflags(write=False)
        return shown

    def _finished(self, running: _Running) -> tuple[Painting, ...]:
        """With the last row the whole was shown."""
        request, prompt, info = running.request, running.prompt, self.source.info
        shares = np.stack(running.shares, axis=1)  # [picture, cell, word]
        maps = [_read_only(word_maps(each, info.side)) for each in shares]
        return tuple(
            Painting(
                pixels,
                Drawing(
                    request.prompt, request.seed + number, info.name, prompt.words, maps[number]
                ),
            )
            for number, pixels in enumerate(running.shown)
        )


_GREY = 128
_SHOWN = 8  # times at least that a picture is shown as it grows: of large ones each costs


def _noise(seed: int, settings: PaintSettings) -> Callable[[tuple[int, ...]], NDArray[np.float32]]:
    """Gumbel noise, the same for the same seed; none at a temperature of 0."""
    random = np.random.default_rng(abs(seed))

    def draw(shape: tuple[int, ...]) -> NDArray[np.float32]:
        noise = random.gumbel(size=shape).astype(np.float32)
        return noise if settings.temperature else np.zeros_like(noise)

    return draw


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array.setflags(write=False)
    return array
