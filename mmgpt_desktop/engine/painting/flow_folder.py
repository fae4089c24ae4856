"""The folder of a painter that begins with noise: its manifest, and the painter that it leans on.

Our GPT that writes pictures reads the words for it, and that one's decoder draws its codes, so that
only the way between lies in this folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.decoding import DataDecoder, Mistake, at_most, between
from mmgpt_desktop.engine.folder.bundle import FileEntry, Size
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import (
    CONFIG,
    MANIFEST,
    WEIGHTS,
    bad_manifest,
    is_plain_name,
    read_object,
    refuse_newer,
    remedy_for,
    require_file,
)
from mmgpt_desktop.engine.painting.painter_folder import (
    MOST_HEADS,
    FormatOnly,
    PainterFolder,
    open_painter,
    require_heads,
)
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import PaintedStroke, PaintPrompt, ToPaint
from mmgpt_desktop.engine.painting.step_strokes import step_strokes
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PainterInfo, PaintSettings
from mmgpt_desktop.resources import resource_path

FLOW_FAMILY = "mmgpt-flow-painter"
MOVE = "move.onnx"
FLOW_FORMAT = 1
_LISTED = {WEIGHTS, CONFIG, MOVE}


@dataclass(frozen=True)
class OtherPainter:
    """One that lies beside a folder, or comes with the app: its name, and its weights' checksum."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class FlowManifest:
    """`manifest.json`. What the layers `text_layers` of the `painter`'s GPT tell of the words moves
    its cells, each of `channels` numbers. Words' maps are drawn of the (layer, head) pairs `heads`,
    or of all."""

    format: Annotated[int, between(1, 1000)]
    family: Literal["mmgpt-flow-painter"]
    name: str
    version: str
    description: str
    files: dict[str, FileEntry]
    painter: OtherPainter
    text_layers: Annotated[tuple[int, ...], at_most(16)]
    layers: Size
    channels: Annotated[int, between(1, 1024)]
    settings: PaintSettings
    heads: Annotated[tuple[tuple[int, int], ...], at_most(MOST_HEADS)] = ()


@dataclass(frozen=True, eq=False)
class FlowFolder:
    """An opened one; `open_flow` made sure that its files exist at their full length."""

    path: Path
    manifest: FlowManifest
    painter: PainterFolder
    order: ClassVar[Sequence[RuntimeName]] = PainterFolder.order

    @property
    def info(self) -> PainterInfo:
        its, reader = self.manifest, self.painter.manifest
        return PainterInfo(
            its.name,
            its.description,
            reader.size,
            reader.side,
            its.settings,
            reader.languages,
            reader.taught,
            at_once=True,
        )

    @property
    def size(self) -> int:
        return self.painter.size + sum(entry.bytes for entry in self.manifest.files.values())

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        self.painter.prepare(progress, cancel)
        sums = {name: entry.sha256 for name, entry in self.manifest.files.items()}
        with remedy_for(self.path):
            verify(self.path, sums, lambda _done: None, cancel)

    def read_prompt(self, prompt: str, *, known_only: bool) -> PaintPrompt:
        return self.painter.read_prompt(prompt, known_only=known_only)

    def runtime(self, name: RuntimeName, *, card: bool) -> PainterRuntime:
        if name is RuntimeName.TORCH:
            from mmgpt_desktop.engine.painting.torch_flow import TorchFlow

            return TorchFlow(self, card=card)
        from mmgpt_desktop.engine.painting.onnx_flow import OnnxFlow

        return OnnxFlow(self, name)

    def strokes(
        self, runtime: Any, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        return step_strokes(
            runtime, self.painter.manifest.side, self.manifest.heads, wanted, cancel
        )


def open_flow(path: Path) -> FlowFolder:
    """Read the manifests and look for each file. Raises BundleError."""
    with remedy_for(path):
        manifest = _read(path / MANIFEST)
        for name, entry in manifest.files.items():
            require_file(path, name, entry.bytes)
        painter = open_painter(_place(path, manifest.painter.name))
        reader = painter.manifest
        same = reader.files[WEIGHTS].sha256 == manifest.painter.sha256
        if not same or any(not 0 <= layer < reader.layers for layer in manifest.text_layers):
            title = "The painter {name}, on which this one leans, is another one here."
            raise BundleError(title, "Choose another painter.", name=painter.manifest.name)
        return FlowFolder(path, manifest, painter)


def _place(path: Path, name: str) -> Path:
    """The painter's folder, beside that one or with the app."""
    beside = path.parent / name
    return beside if (beside / MANIFEST).is_file() else resource_path("models", name)


def _read(file: Path) -> FlowManifest:
    try:
        data = read_object(file)
        refuse_newer(DataDecoder().decode(FormatOnly, data).format, FLOW_FORMAT)
        manifest: FlowManifest = DataDecoder().decode(FlowManifest, data)
        for name in sorted(_LISTED - manifest.files.keys()):
            raise Mistake("it does not list {name}.", name=name)
        if not is_plain_name(manifest.painter.name):
            raise Mistake("it names a painter that lies elsewhere.")
        if not manifest.text_layers:
            raise Mistake("it names no layer that tells of the words.")
        require_heads(manifest.heads, manifest.layers)
    except Mistake as mistake:
        raise bad_manifest(mistake) from mistake
    return manifest
