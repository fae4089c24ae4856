"""A painter's folder: its manifest, and whether its files are whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from tokenizers import Tokenizer

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.decoding import DataDecoder, Mistake, at_most, between
from mmgpt_desktop.engine.folder.bundle import FileEntry, Size
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import (
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    bad_manifest,
    missing,
    read_object,
    refuse_newer,
    remedy_for,
    require_file,
)
from mmgpt_desktop.engine.folder.tokenizing import encode_with_ends, load_tokenizer
from mmgpt_desktop.engine.painting.code_strokes import CodedCells, code_strokes
from mmgpt_desktop.engine.painting.known_words import KnownWords, refuse_unknown
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import (
    PaintedStroke,
    PaintPrompt,
    ToPaint,
    require_words,
    words_and_spans,
)
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import PainterInfo, PaintSettings
from mmgpt_desktop.resources import mini_path

FAMILY = "mmgpt-painter"
READ, PAINT, DRAW = "read.onnx", "paint.onnx", "draw.onnx"
WORDS = "words.txt"
"""What it was taught; a folder without it draws whatever is said."""
FORMAT = 1
MOST_HEADS = 64
_CHECKED = 0.5  # of the progress when the files are
_LISTED = {TOKENIZER, WEIGHTS, READ, PAINT, DRAW}


@dataclass(frozen=True)
class FormatOnly:
    """What is read first of a manifest, whatever else is in it."""

    format: Annotated[int, between(1, 1000)]


@dataclass(frozen=True, kw_only=True)
class PainterManifest:
    """`manifest.json`. The GPT reads `text_length` tokens of a `vocabulary`, of which `pad` says
    nothing, and writes `side` x `side` cells of `codes_per_cell` out of `codes`. Without a
    tokenizer among its files it reads with that of the app's own model, whose checksum is
    `tokenizer`. Words' maps are drawn of the (layer, head) pairs `heads`, or of all."""

    format: Annotated[int, between(1, 1000)]
    family: Literal["mmgpt-painter"]
    name: str
    version: str
    description: str
    files: dict[str, FileEntry]
    text_length: Size
    vocabulary: Annotated[int, between(1, 1 << 22)]
    pad: Annotated[int, between(0, 1 << 22)]
    layers: Size
    side: Annotated[int, between(1, 64)]
    codes: Annotated[int, between(2, 1 << 16)]
    codes_per_cell: Annotated[int, between(1, 16)]
    size: Annotated[int, between(16, 2048)]
    settings: PaintSettings
    languages: tuple[str, ...] = ()
    taught: tuple[str, ...] = ()
    tokenizer: str = ""
    heads: Annotated[tuple[tuple[int, int], ...], at_most(MOST_HEADS)] = ()

    @property
    def cells(self) -> int:
        return self.side**2

    def info(self) -> PainterInfo:
        return PainterInfo(
            self.name,
            self.description,
            self.size,
            self.side,
            self.settings,
            self.languages,
            self.taught,
        )


@dataclass(eq=False)
class PainterFolder:
    """An opened one of our own; `open_painter` made sure that its files exist at their full
    length."""

    path: Path
    manifest: PainterManifest
    order: ClassVar[Sequence[RuntimeName]] = (
        RuntimeName.ONNX_CUDA,
        RuntimeName.ONNX_CPU,
        RuntimeName.TORCH,
    )

    def __post_init__(self) -> None:
        self._tokenizer: Tokenizer | None = None
        self._known: KnownWords | None = None

    @property
    def info(self) -> PainterInfo:
        return self.manifest.info()

    @property
    def size(self) -> int:
        return sum(entry.bytes for entry in self.manifest.files.values())

    @property
    def tokenizer(self) -> Path:
        own = TOKENIZER in self.manifest.files
        return (self.path if own else mini_path()) / TOKENIZER

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        self.verify(lambda done, what: progress(done * _CHECKED, what), cancel)
        with remedy_for(self.path):
            tokenizer = load_tokenizer(self.tokenizer)
            if tokenizer.get_vocab_size() > self.manifest.vocabulary:
                title = "The model's tokenizer writes tokens that its weights don't have."
                raise BundleError(title, "Choose another model.")
            self._known = self.known_words()
        self._tokenizer = tokenizer

    def read_prompt(self, prompt: str, *, known_only: bool) -> PaintPrompt:
        """Padded to its full length, or cut to it, which is said."""
        manifest = self.manifest
        assert self._tokenizer is not None
        require_words(prompt)
        ids, ends = encode_with_ends(self._tokenizer, prompt)
        notes, length = [], manifest.text_length
        if len(ids) > length:
            ids, ends = ids[:length], ends[:length]
            read = prompt[: max(ends, default=0)]
            notes.append(Note("The painter read only the beginning: {words}", {"words": read}))
        words, spans = words_and_spans(prompt, ends)
        if self._known is not None:
            notes += refuse_unknown(
                self._known, [word.text for word in words], known_only=known_only
            )
        padded = np.full(length, manifest.pad, np.int64)
        padded[: len(ids)] = ids
        return PaintPrompt(padded, padded != manifest.pad, words, spans, tuple(notes))

    def runtime(self, name: RuntimeName, *, card: bool) -> PainterRuntime:
        if name is RuntimeName.TORCH:
            from mmgpt_desktop.engine.painting.torch_painter import TorchPainter

            return TorchPainter(self, card=card)
        from mmgpt_desktop.engine.painting.onnx_painter import OnnxPainter

        return OnnxPainter(self, name)

    def strokes(
        self, runtime: Any, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        its = self.manifest
        cells = CodedCells(its.side, its.codes, its.codes_per_cell, its.size, its.heads)
        return code_strokes(runtime, cells, wanted, cancel)

    def known_words(self) -> KnownWords | None:
        """Raises BundleError."""
        if WORDS not in self.manifest.files:
            return None
        try:
            return KnownWords.read(self.path / WORDS)
        except (OSError, ValueError) as error:
            raise BundleError("The list of words that the painter knows is damaged.") from error

    def verify(self, progress: Progress, cancel: CancelToken) -> None:
        """Compare every checksum. Raises BundleError, Cancelled."""
        if self.tokenizer.parent != self.path:
            verify(mini_path(), {TOKENIZER: self.manifest.tokenizer}, lambda _done: None, cancel)
        sums = {name: entry.sha256 for name, entry in self.manifest.files.items()}
        with remedy_for(self.path):
            verify(self.path, sums, partial(_told, progress), cancel)


def _told(progress: Progress, done: float) -> None:
    progress(done, "Checking the model's files")


def open_painter(path: Path) -> PainterFolder:
    """Read the manifest and look for each file. Raises BundleError."""
    with remedy_for(path):
        if not (path / MANIFEST).is_file():
            raise missing(MANIFEST)
        manifest = _read(path / MANIFEST)
        for name, entry in manifest.files.items():
            require_file(path, name, entry.bytes)
        return PainterFolder(path, manifest)


def _read(file: Path) -> PainterManifest:
    try:
        data = read_object(file)
        refuse_newer(DataDecoder().decode(FormatOnly, data).format, FORMAT)
        manifest: PainterManifest = DataDecoder().decode(PainterManifest, data)
        wanted = _LISTED - {TOKENIZER} if manifest.tokenizer else _LISTED
        for name in sorted(wanted - manifest.files.keys()):
            raise Mistake("it does not list {name}.", name=name)
        require_heads(manifest.heads, manifest.layers)
    except Mistake as mistake:
        raise bad_manifest(mistake) from mistake
    return manifest


def require_heads(heads: Sequence[tuple[int, int]], layers: int) -> None:
    """Raises Mistake for one that can't be."""
    if any(not 0 <= layer < layers or head < 0 for layer, head in heads):
        raise Mistake("it names a head that the model hasn't.")
