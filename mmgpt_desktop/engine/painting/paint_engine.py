"""A painter: a sentence goes in, a picture grows stroke by stroke, then exactly one outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.folder.model_files import remedy_for
from mmgpt_desktop.engine.painting.open_source import open_source
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import (
    PaintedStroke,
    PainterSource,
    PaintPrompt,
    ToPaint,
)
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
    PaintStep,
)

PainterMaker = Callable[[RuntimeName, PainterSource], PainterRuntime]


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
        """What its folder says of it, loaded or not. Raises as `open_source`."""
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
        """Draw, calling `on_step` for each stroke; what fails becomes the outcome.

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
            try:
                yield from self._strokes(request, prompt, cancel)
                return
            except RuntimeFailure as failure:
                self.go_over(failure)
                notes.append(self._note)

    def _strokes(
        self, request: PaintRequest, prompt: PaintPrompt, cancel: CancelToken
    ) -> Iterator[PaintStep | tuple[Painting, ...]]:
        seeds = [request.seed + number for number in range(request.pictures)]
        wanted = ToPaint(prompt, seeds, request.settings or self.source.info.settings)
        for stroke in self.source.strokes(self._runtime, wanted, cancel):
            shown = stroke.pixels if stroke.pixels is None else _read_only(stroke.pixels)
            yield PaintStep(request.job_id, stroke.done, stroke.strokes, shown)
            if stroke.maps is not None:
                yield self._finished(request.prompt, wanted, stroke)

    def _finished(self, said: str, wanted: ToPaint, last: PaintedStroke) -> tuple[Painting, ...]:
        """With the last stroke the whole was shown."""
        assert last.pixels is not None
        assert last.maps is not None
        name, words = self.source.info.name, wanted.prompt.words
        drawn = zip(last.pixels, wanted.seeds, last.maps, strict=True)
        return tuple(
            Painting(pixels, Drawing(said, seed, name, words, _read_only(maps)))
            for pixels, seed, maps in drawn
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
