"""A model's folder: its manifest, and whether its files are whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import Amount, Count, DataDecoder, Mistake, between
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    bad_manifest,
    read_object,
    refuse_newer,
    remedy_for,
    require_file,
)
from mmgpt_desktop.engine.folder.recognise import model_folder
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.imaging.pixels import ImageSpec, PixelSpec
from mmgpt_desktop.messages import FusionInfo, HeadChoice, Sampling
from mmgpt_desktop.question_kinds import BEYOND, QuestionKind
from mmgpt_desktop.text import safe_name

FORMAT = 2
FAMILIES = ("mmgpt",)

Size = Annotated[int, between(1, 512)]  # what a model of the size of this app's can have


@dataclass(frozen=True)
class FileEntry:
    sha256: str
    bytes: Count


@dataclass(frozen=True)
class DecoderSizes:
    """Sizes of the decoder, the same for all fusions."""

    layers: Size
    heads: Size
    head_dim: Annotated[int, between(1, 4096)]
    context_length: Annotated[int, between(1, 1 << 20)]
    vocabulary: Annotated[int, between(1, 1 << 22)]


@dataclass(frozen=True)
class SpecialTokens:
    pad: Count
    user: Count
    assistant: Count
    end: Count


@dataclass(frozen=True)
class GridSize:
    rows: Size
    columns: Size


@dataclass(frozen=True)
class FusionSpec:
    """A fusion's cells, layers and graphs, by file name; fusions may share one."""

    grid: GridSize
    image_layers: Size
    attention: HeadChoice
    image_encoder: str
    decoder: str

    @property
    def tensors(self) -> int:
        """Image keys, values and attention: one for each image layer, and the copier's."""
        return self.image_layers + 1


def _above_0(number: float) -> float:
    if number <= 0:
        raise Mistake("{key} must be above 0.")
    return number


@dataclass(frozen=True, kw_only=True)
class KindOfCertainty:
    """The power and the factor of the odds of answers to one kind of question in one language;
    a later version's kind is none that is asked here."""

    kind: str
    language: str = "en"
    power: Amount
    scale: Amount


@dataclass(frozen=True)
class Certainty:
    """How an answer's certainty comes from its tokens' probabilities, before which the logits
    are divided by `temperature`.

    The odds of the probabilities' geometric mean are taken to `power`, times `scale`: so that
    it is the chance to be right (Platt, 1999). The `kinds` of questions of which enough were
    measured in a language have their own. A short answer whose certainty is below `doubt`, and a
    description below `doubt_long`, is in doubt.
    """

    temperature: Annotated[float, _above_0]
    doubt: Amount
    doubt_long: Amount
    power: Amount = 1.0
    scale: Amount = 1.0
    kinds: tuple[KindOfCertainty, ...] = ()

    def of(
        self, mean: float, kind: QuestionKind = QuestionKind.OTHER, language: str = "en"
    ) -> float:
        """From the geometric mean of an answer to such a question, 0 to 1."""
        if not 0 < mean < 1:
            return mean
        own = [each for each in self.kinds if (each.kind, each.language) == (kind, language)]
        fit = own[0] if own else self
        odds = fit.scale * math.pow(mean / (1 - mean), fit.power)
        return 1 - 1 / (1 + odds)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`manifest.json`; of `languages` there are none where nobody said which ones the model
    reads, and questions of the kinds `beyond` are not its to answer."""

    name: str
    family: str
    version: str
    description: str
    files: dict[str, FileEntry]
    decoder: DecoderSizes
    image: PixelSpec
    fusions: dict[str, FusionSpec]
    fusion: str
    special_tokens: SpecialTokens
    sampling: Sampling
    certainty: Certainty
    languages: tuple[str, ...] = ()
    beyond: tuple[QuestionKind, ...] = tuple(sorted(BEYOND))

    def fusion_info(self, name: str) -> FusionInfo:
        spec, grid = self.fusions[name], self.fusions[name].grid
        sizes = spec.image_layers, self.decoder.heads, grid.rows, grid.columns
        return FusionInfo(name, *sizes, spec.attention)

    def image_spec(self, fusion: str | None = None) -> ImageSpec:
        """How pictures are wanted, with the cells of a fusion, or of the default one."""
        return ImageSpec(**vars(self.image), **vars(self.fusions[fusion or self.fusion].grid))


@dataclass(frozen=True)
class _Kind:
    """What is looked at first: of another format or family the rest may differ."""

    format: Annotated[int, between(1, 1000)]
    family: str


@dataclass(frozen=True)
class Bundle:
    """An opened folder; `open_bundle` made sure that its files exist at their full length."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        return self.path / name

    def verify(self, progress: Callable[[float], None], cancel: CancelToken) -> None:
        """Compare every checksum; `progress` gets fractions. Raises BundleError, Cancelled."""
        sums = {name: entry.sha256 for name, entry in self.manifest.files.items()}
        with remedy_for(self.path):
            verify(self.path, sums, progress, cancel)


def open_bundle(path: Path) -> Bundle:
    """Read the manifest and look for each file; the checksums are `Bundle.verify`'s work."""
    with remedy_for(path):
        path = model_folder(path)
        if not (path / MANIFEST).is_file():
            title, shown = (
                "The folder {path} holds no model: {name} is missing.",
                safe_name(str(path)),
            )
            raise BundleError(title, ANOTHER, path=shown, name=MANIFEST)
        manifest = _manifest(read_object(path / MANIFEST))
        for name, entry in manifest.files.items():
            require_file(path, name, entry.bytes)
        return Bundle(path, manifest)


def _manifest(data: Any) -> Manifest:
    try:
        about = DataDecoder().decode(_Kind, data)
        refuse_newer(about.format, FORMAT)
        if about.family not in FAMILIES:
            title = "This version of MMGPT Desktop can't run models of the family {family}."
            raise BundleError(title, "Update the app.", family=safe_name(about.family))
        if about.format < FORMAT:
            title = "This model was made for an older version of MMGPT Desktop."
            raise BundleError(title, ANOTHER)
        manifest: Manifest = DataDecoder().decode(Manifest, data)
        _check(manifest)
    except Mistake as mistake:
        raise bad_manifest(mistake) from mistake
    return manifest


def _check(manifest: Manifest) -> None:
    """Raises Mistake where its parts don't fit together."""
    specs = manifest.fusions.values()
    graphs = (name for spec in specs for name in (spec.image_encoder, spec.decoder))
    for name in (TOKENIZER, WEIGHTS, *graphs):
        if name not in manifest.files:
            raise Mistake("it does not list {name}.", name=safe_name(name))
    if manifest.fusion not in manifest.fusions:
        raise Mistake("its fusion is none of its fusions.")
    for spec in specs:
        _within(spec.attention, spec.image_layers, manifest.decoder.heads)


def head_choice(data: object, layers: int, heads: int) -> HeadChoice:
    """From a record of a model of that size. Raises Mistake."""
    return _within(DataDecoder().decode(HeadChoice, data), layers, heads)


def _within(choice: HeadChoice, layers: int, heads: int) -> HeadChoice:
    for layer, head in choice.heads:
        if not (0 <= layer < layers and 0 <= head < heads):
            raise Mistake("it chooses a head that the model has not.")
    return choice
