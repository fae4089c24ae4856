"""Which files of a folder are a public model's graphs.

Either our own export's, or the community's (transformers.js, Optimum): `vision_encoder`,
`embed_tokens` and `decoder_model_merged`, each in several precisions, often in `onnx/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import Count, DataDecoder, Mistake
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    MANIFEST,
    bad_manifest,
    read_object,
    refuse_newer,
    require_file,
)
from mmgpt_desktop.engine.folder.recognise import PUBLIC, manifest_kind
from mmgpt_desktop.errors import BundleError

FORMAT = 3
PROMPT, CARD = "prompt.onnx", "decoder.cuda.onnx"  # of an export, if it has them

VISION, EMBEDDINGS, DECODER = "vision_encoder", "embed_tokens", "decoder"
_STEMS = {
    VISION: (VISION,),
    EMBEDDINGS: (EMBEDDINGS,),
    DECODER: (DECODER, "decoder_model_merged", "decoder_with_past_model"),
}
# The truest first: a folder that was downloaded for its size holds nothing else.
PRECISIONS = ("fp32", "fp16", "int8", "quantized", "uint8", "q8", "q4", "q4f16", "bnb4")
# CUDA's attention takes half precision alone: on a card other files run on the CPU in part.
CARD_PRECISIONS = tuple(dict.fromkeys(("fp16", "q4f16", *PRECISIONS)))
# An export's precisions, as people are told of them; a community's are told as they are called.
_LABELS = {
    "fp32": "float32",
    "fp16": "fp16",
    "int8": "int8",
    "int4": "int4",
    "mixed": "int8 + int4",
}
_NAME = re.compile(r"(?P<stem>[a-z_]+?)(?:_(?P<precision>{}))?\.(?P<kind>onnx|safetensors)".format(
    "|".join(PRECISIONS)))  # fmt: skip


@dataclass(frozen=True)
class GraphFiles:
    """One file for each part. `embeddings` is a graph, or a table as safetensors; `prompt` is a
    decoder that gives the cache alone, quicker than `decoder`; `card` is the decoder for a graphics
    card. `precision` is the decoder's, by its name."""

    vision: Path
    embeddings: Path
    decoder: Path
    precision: str
    prompt: Path | None = None
    card: Path | None = None

    @property
    def bytes(self) -> int:
        """What they take, their external data included."""
        files = {file for graph in (self.vision, self.embeddings, self.decoder, self.prompt)
                 if graph for file in (graph, *_data_files(graph))}  # fmt: skip
        return sum(file.stat().st_size for file in files)


def is_graphs(folder: Path) -> bool:
    """Whether there is a decoder's graph that is a public model's."""
    return any(_found(place, DECODER) for place in _places(folder))


def find_graphs(
    folder: Path,
    precision: str | None = None,
    broken: Collection[Path] = (),
    order: Sequence[str] = PRECISIONS,
) -> GraphFiles:
    """The files of `precision`, or else the first in `order` that there are; a part that has no
    file of the precision is taken from the others, and none of the `broken` ones is taken.

    Raises BundleError for a part that is missing, and a bundle of a newer version.
    """
    _manifest_files(folder)
    (_, vision), (_, embeddings), (named, decoder) = (
        _choose(folder, part, (precision, *order) if precision else order, broken)
        for part in _STEMS
    )
    prompt, card = (
        file if file.is_file() and file not in broken else None
        for file in (folder / PROMPT, folder / CARD)
    )
    return GraphFiles(vision, embeddings, decoder, named, prompt, card)


def fitting_graphs(
    folder: Path, room: int, broken: Collection[Path] = (), order: Sequence[str] = PRECISIONS
) -> GraphFiles:
    """The first files in `order` that take at most `room` bytes, or else the smallest; of those
    that aren't `broken`.

    Raises as `find_graphs`.
    """
    found = [find_graphs(folder, precision, broken, order) for precision in order]
    found.sort(key=lambda files: order.index(files.precision))
    fitting = (files for files in found if files.bytes <= room)
    return next(fitting, min(found, key=lambda files: files.bytes))


def precision_label(folder: Path, files: GraphFiles) -> str:
    """What the weights of a folder's decoder are kept in: as an export says, or as a community's
    file is called. Raises BundleError."""
    export = _export_of(folder)
    said = export.precision if export is not None else ""
    return _LABELS.get(said) or _LABELS.get(files.precision, files.precision)


def verify_graphs(folder: Path, progress: Callable[[float], None], cancel: CancelToken) -> None:
    """Compare the checksums of an export's manifest; community folders have none.

    Raises BundleError and Cancelled; `progress` gets fractions.
    """
    files = _manifest_files(folder)
    sums = {name: entry.sha256 for name, entry in files.items() if entry.sha256}
    verify(folder, sums, progress, cancel)


def _places(folder: Path) -> Sequence[Path]:
    return (folder, folder / "onnx")


def _choose(
    folder: Path, part: str, order: Sequence[str], broken: Collection[Path]
) -> tuple[str, Path]:
    for place in _places(folder):
        files = [item for item in _found(place, part).items() if item[1] not in broken]
        if files:
            return min(files, key=lambda item: order.index(item[0]))
    title = "The model's folder has no graph {name}."
    raise BundleError(title, ANOTHER, name=f"{_STEMS[part][-1]}.onnx")


def _found(place: Path, part: str) -> dict[str, Path]:
    """The files of one part, by precision."""
    found = dict[str, Path]()
    for file in sorted(place.iterdir()) if place.is_dir() else ():
        named = _NAME.fullmatch(file.name)
        if named is None or named["stem"] not in _STEMS[part] or not file.is_file():
            continue
        if named["kind"] == "onnx" or part == EMBEDDINGS:
            found.setdefault(named["precision"] or "fp32", file)
    return found


def _data_files(graph: Path) -> Sequence[Path]:
    """`x.onnx_data`, `x.onnx_data_1`, `x.onnx.data`: whatever begins with the graph's name."""
    return [file for file in graph.parent.iterdir() if file.name.startswith(graph.name)]


@dataclass(frozen=True)
class _Listed:
    bytes: Count
    sha256: str = ""


@dataclass(frozen=True)
class _Export:
    """The manifest of an export, as far as it tells of its files and weights."""

    format: Count
    files: dict[str, _Listed] = field(default_factory=dict)
    precision: str = ""


def _manifest_files(folder: Path) -> Mapping[str, _Listed]:
    """All of them whole in the folder; none without a manifest of ours. Raises BundleError."""
    export = _export_of(folder)
    if export is None:
        return {}
    for name, entry in export.files.items():
        require_file(folder, name, entry.bytes)
    return export.files


def _export_of(folder: Path) -> _Export | None:
    """The manifest of ours, if there is one. Raises BundleError."""
    if manifest_kind(folder) != PUBLIC:
        return None
    try:
        export: _Export = DataDecoder().decode(_Export, read_object(folder / MANIFEST))
    except Mistake as mistake:
        raise bad_manifest(mistake) from mistake
    refuse_newer(export.format, FORMAT)
    return export
