"""A painter: a sentence goes in, a picture grows cell by cell, then exactly one outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mmgpt_desktop.attention.word_maps import prompt_words, token_texts, word_maps
from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.folder.model_files import remedy_for
from mmgpt_desktop.engine.folder.tokenizing import encode_with_ends, load_tokenizer
from mmgpt_desktop.engine.painting.known_words import ENOUGH, KnownWords
from mmgpt_desktop.engine.painting.onnx_painter import OnnxPainter
from mmgpt_desktop.engine.painting.painter_folder import PainterFolder, open_painter
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell, PainterRuntime
from mmgpt_desktop.engine.painting.torch_painter import TorchPainter
from mmgpt_desktop.engine.running_request import unexpected_end
from mmgpt_desktop.engine.runtime_chain import RuntimeChain
from mmgpt_desktop.errors import AppError, BundleError, Cancelled, PromptError, RuntimeFailure
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
    PromptWord,
)

ORDER = (RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, RuntimeName.TORCH)
_CHECKED = 0.5  # of the progress when the files are
PainterMaker = Callable[[RuntimeName, PainterFolder], PainterRuntime]


@dataclass(frozen=True)
class PaintPrompt:
    """A prompt as a painter reads it: padded tokens [text], and the words that it has of them."""

    ids: NDArray[np.int64]
    words: tuple[PromptWord, ...]
    spans: tuple[slice, ...]


@dataclass(eq=False)
class _Running:
    """Pictures under way, and what the outcome will say."""

    request: PaintRequest
    prompt: PaintPrompt
    notes: list[Note] = field(default_factory=list)
    codes: list[NDArray[np.int64]] = field(default_factory=list)
    attention: list[NDArray[np.float32]] = field(default_factory=list)
    shown: NDArray[np.uint8] = field(init=False)  # the latest


class PaintEngine(RuntimeChain):
    """One painter's folder and the runtime that runs it. `make` is for tests."""

    folder: PainterFolder
    info: PainterInfo
    """Both from `load` on."""

    def __init__(
        self, path: Path, choice: RuntimeName | None = None, make: PainterMaker | None = None
    ) -> None:
        super().__init__(ORDER, choice)
        self._path, self._make = path, make
        self._tokenizer: Tokenizer | None = None
        self._known: KnownWords | None = None

    def describe(self) -> PainterInfo:
        """What its folder says of it, loaded or not. Raises BundleError."""
        return open_painter(self._path).manifest.info()

    def load(
        self,
        progress: Progress = lambda _fraction, _what: None,
        cancel: CancelToken | None = None,
        make_room: Callable[[], None] = lambda: None,
    ) -> PainterInfo:
        """Raises as `start`."""
        self.start(progress, cancel or CancelToken(), make_room)
        self.info = self.folder.manifest.info()
        progress(1.0, "Ready")
        return self.info

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        folder = open_painter(self._path)
        folder.verify(lambda done, what: progress(done * _CHECKED, what), cancel)
        with remedy_for(self._path):
            tokenizer = load_tokenizer(folder.tokenizer)
            if tokenizer.get_vocab_size() > folder.manifest.vocabulary:
                title = "The model's tokenizer writes tokens that its weights don't have."
                raise BundleError(title, "Choose another model.")
            self._known = folder.known_words()
        self.folder, self._tokenizer = folder, tokenizer

    def room_wanted(self) -> tuple[int, int]:
        size = sum(entry.bytes for entry in self.folder.manifest.files.values())
        return size, size

    def make_runtime(self, name: RuntimeName) -> PainterRuntime:
        with remedy_for(self._path):
            if self._make is not None:
                return self._make(name, self.folder)
            if name is RuntimeName.TORCH:
                return TorchPainter(self.folder, card=self.card)
            return OnnxPainter(self.folder, name)

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

    def read_prompt(
        self, prompt: str, *, known_only: bool = False
    ) -> tuple[PaintPrompt, list[Note]]:
        """As the model reads it, and what there is to say of that. Raises PromptError."""
        manifest = self.folder.manifest
        assert self._tokenizer is not None
        if not prompt.strip():
            title = "Nothing is said of what to draw."
            raise PromptError(title, "Describe a picture in a few words.")
        ids, ends = encode_with_ends(self._tokenizer, prompt)
        notes, length = [], manifest.text_length
        if len(ids) > length:
            ids, ends = ids[:length], ends[:length]
            read = prompt[: max(ends, default=0)]
            notes.append(Note("The painter read only the beginning: {words}", {"words": read}))
        found = prompt_words(token_texts(prompt, ends))
        notes += self._unknown([word.text for word, _ in found], known_only=known_only)
        padded = np.full(length, manifest.pad, np.int64)
        padded[: len(ids)] = ids
        words, spans = zip(*found, strict=True) if found else ((), ())
        return PaintPrompt(padded, tuple(words), tuple(spans)), notes

    def _unknown(self, words: list[str], *, known_only: bool) -> list[Note]:
        """What is said of words that it was never taught. Raises PromptError where they are most of
        what is said."""
        if self._known is None:
            return []
        strange = list(dict.fromkeys(self._known.unknown(words)))
        named = ", ".join(strange[:_NAMED])
        if not words:
            title = "The painter knows words alone, and there are none."
            raise PromptError(title, "Describe a picture in a few words.")
        if self._known.familiar(words) < ENOUGH or (strange and known_only):
            title = "The painter was never taught to draw this."
            hint = "It doesn't know: {words}. Say it in other words, or choose an example."
            raise PromptError(title, hint, words=named)
        said = "The painter was never taught these words: {words}"
        return [Note(said, {"words": named})] if strange else []

    def _steps(
        self, request: PaintRequest, notes: list[Note], cancel: CancelToken
    ) -> Iterator[PaintStep | tuple[Painting, ...]]:
        prompt, said = self.read_prompt(request.prompt, known_only=request.known_only)
        notes += said
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
        manifest, request = self.folder.manifest, running.request
        settings = request.settings or manifest.settings
        ids = np.repeat(running.prompt.ids[None], request.pictures, axis=0)
        visible = ids != manifest.pad
        past: Any = self._runtime.read(ids, cancel)
        noises = [_noise(request.seed + each, settings) for each in range(request.pictures)]
        shape = manifest.codes_per_cell, manifest.codes
        before = np.zeros((request.pictures, manifest.codes_per_cell), np.int64)
        for cell in range(manifest.cells):
            cancel.raise_if_cancelled()
            noise = np.stack([each(shape) for each in noises])
            wanted = CellToPaint(cell, before, visible, noise, settings)
            painted: PaintedCell = self._runtime.paint(wanted, past, cancel)
            before, past = painted.codes, painted.past
            running.codes.append(painted.codes)
            running.attention.append(painted.attention)
            shown = None
            if (cell + 1) % manifest.side == 0:
                shown = running.shown = self._shown(running, cancel)
            yield PaintStep(request.job_id, cell + 1, manifest.cells, shown)

    def _shown(self, running: _Running, cancel: CancelToken) -> NDArray[np.uint8]:
        """The pictures so far; where nothing is drawn yet they are of one grey."""
        manifest = self.folder.manifest
        drawn, side = len(running.codes), manifest.side
        codes = np.zeros(
            (running.request.pictures, manifest.cells, manifest.codes_per_cell), np.int64
        )
        codes[:, :drawn] = np.stack(running.codes, axis=1)
        there = np.zeros((running.request.pictures, manifest.cells), bool)
        there[:, :drawn] = True
        grid = (-1, side, side)
        pixels = self._runtime.draw(
            codes.reshape(*grid, manifest.codes_per_cell), there.reshape(grid), cancel
        )
        if not np.isfinite(pixels).all():
            title = "The model's arithmetic broke: it gave values that are no numbers."
            raise RuntimeFailure(title)
        shown = np.rint((pixels.clip(-1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
        rows = drawn // side * (manifest.size // side)
        shown[:, rows:] = _GREY
        shown = np.ascontiguousarray(shown)
        shown.setflags(write=False)
        return shown

    def _finished(self, running: _Running) -> tuple[Painting, ...]:
        """With the last row the whole was shown."""
        request, prompt = running.request, running.prompt
        manifest = self.folder.manifest
        attention = np.stack(running.attention, axis=1)  # [picture, cell, layer, head, text]
        maps = [_read_only(word_maps(each, prompt.spans, manifest.side)) for each in attention]
        return tuple(
            Painting(
                pixels,
                Drawing(
                    request.prompt, request.seed + number, manifest.name, prompt.words, maps[number]
                ),
            )
            for number, pixels in enumerate(running.shown)
        )


_GREY = 128
_NAMED = 6  # of the words that it does not know


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
