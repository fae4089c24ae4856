"""A model's folder: its manifest, and whether its files are whole."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import Amount, Count, DataDecoder, Mistake, between
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import ANOTHER, is_plain_name, lies_inside, read_text
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.imaging.pixels import ImageSpec, PixelSpec
from mmgpt_desktop.messages import FusionInfo, HeadChoice, Sampling
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import reason_of, safe_name

FORMAT = 2
FAMILIES = ("mmgpt",)
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"

_REINSTALL = "Install the app again, or choose another model folder."
_OUTSIDE = "it names files outside its folder."

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
class FusionSpec:
    """A fusion's graphs, by file name; fusions may share one."""

    info: FusionInfo
    image_encoder: str
    decoder: str

    @property
    def tensors(self) -> int:
        """Image keys, values and attention: one for each image layer, and the copier's."""
        return self.info.image_layers + 1


def _above_0(number: float) -> float:
    if number <= 0:
        raise Mistake("{key} must be above 0.")
    return number


@dataclass(frozen=True)
class Certainty:
    """How an answer's certainty comes from its tokens' probabilities, before which the logits
    are divided by `temperature`.

    The odds of the probabilities' geometric mean are taken to `power`, times `scale`: so that
    it is the chance to be right (Platt, 1999). A short answer whose certainty is below
    `doubt`, and a description below `doubt_long`, is in doubt.
    """

    temperature: Annotated[float, _above_0]
    doubt: Amount
    doubt_long: Amount
    power: Amount = 1.0
    scale: Amount = 1.0

    def of(self, mean: float) -> float:
        """From the geometric mean, 0 to 1."""
        if not 0 < mean < 1:
            return mean
        odds = self.scale * math.pow(mean / (1 - mean), self.power)
        return 1 - 1 / (1 + odds)


@dataclass(frozen=True, kw_only=True)
class _About:
    name: str
    family: str
    version: str
    description: str
    files: dict[str, FileEntry]
    decoder: DecoderSizes
    fusion: str
    special_tokens: SpecialTokens
    sampling: Sampling
    certainty: Certainty
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest(_About):
    """`manifest.json`, checked. `image` has the grid of the default `fusion`; of `languages`
    there are none where nobody said which ones the model reads."""

    image: ImageSpec
    fusions: dict[str, FusionSpec]


@dataclass(frozen=True)
class _Kind:
    """What is looked at first: of another format or family the rest may differ."""

    format: Annotated[int, between(1, 1000)]
    family: str


@dataclass(frozen=True)
class _Grid:
    rows: Size
    columns: Size


@dataclass(frozen=True)
class _Fusion:
    grid: _Grid
    image_layers: Size
    attention: HeadChoice
    image_encoder: str
    decoder: str


@dataclass(frozen=True, kw_only=True)
class _Written(_About):
    """As the file has it."""

    image: PixelSpec
    fusions: dict[str, _Fusion]


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
        manifest = _manifest(_read_json(_folder(path) / "manifest.json"))
        for name, entry in manifest.files.items():
            _check_size(path / name, entry)
        return Bundle(path, manifest)


@contextmanager
def remedy_for(folder: Path) -> Iterator[None]:
    """Only what comes with the app is mended by installing it again: of another model the
    sentences say to get that one again."""
    try:
        yield
    except AppError as error:
        if error.hint_template.startswith("Install the app") and not ships(folder):
            error.hint_template = ANOTHER
        raise


def ships(folder: Path) -> bool:
    """Whether a model comes with the app, so that its files are as trusted as the app's."""
    try:
        return folder.resolve().is_relative_to(resource_path("models").resolve())
    except (OSError, ValueError):  # a name that can't be
        return False


def _folder(path: Path) -> Path:
    shown = safe_name(str(path))
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a path that is too long, or behind a locked folder
        raise _unreadable(f"folder {shown}", error) from error
    if not is_folder:
        raise BundleError("There is no model folder {path}.", _REINSTALL, path=shown)
    return path


def _read_json(path: Path) -> Any:
    if not path.exists():
        title = "The folder {path} holds no model: manifest.json is missing."
        raise BundleError(title, _REINSTALL, path=safe_name(str(path.parent)))
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise _bad_manifest(Mistake("it is not JSON.")) from error


def _check_size(path: Path, entry: FileEntry) -> None:
    if not lies_inside(path.name, path.parent):
        raise _bad_manifest(Mistake(_OUTSIDE))
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        title = "The model's file {name} is missing."
        raise BundleError(title, _REINSTALL, name=path.name) from error
    except OSError as error:
        raise _unreadable(path.name, error) from error
    if not path.is_file() or size != entry.bytes:
        title = "The model's file {name} is cut short or too long: {size} bytes, not {expected}."
        values = {"name": path.name, "size": size, "expected": entry.bytes}
        raise BundleError(title, _REINSTALL, **values)


def _manifest(data: Any) -> Manifest:
    try:
        about = DataDecoder().decode(_Kind, data)
        if about.format > FORMAT:
            title = "This model was made for a newer version of MMGPT Desktop."
            raise BundleError(title, "Update the app, or choose another model folder.")
        if about.format < FORMAT:
            title = "This model was made for an older version of MMGPT Desktop."
            raise BundleError(title, _REINSTALL)
        if about.family not in FAMILIES:
            title = "This version of MMGPT Desktop can't run models of the family {family}."
            raise BundleError(title, "Update the app.", family=safe_name(about.family))
        return _checked(DataDecoder().decode(_Written, data))
    except Mistake as mistake:
        raise _bad_manifest(mistake) from mistake


def _checked(said: _Written) -> Manifest:
    _check_files(said)
    fusions = {name: _fusion(name, each, said.decoder) for name, each in said.fusions.items()}
    if said.fusion not in fusions:
        raise Mistake("its fusion is none of its fusions.")
    grid = vars(said.fusions[said.fusion].grid)
    image = ImageSpec(**vars(said.image), **grid)
    return Manifest(**vars(said) | {"image": image, "fusions": fusions})


def _check_files(said: _Written) -> None:
    if not all(map(is_plain_name, said.files)):
        raise Mistake(_OUTSIDE)
    graphs = (name for each in said.fusions.values() for name in (each.image_encoder, each.decoder))
    for name in (TOKENIZER, WEIGHTS, *graphs):
        if name not in said.files:
            raise Mistake("it does not list {name}.", name=safe_name(name))


def _fusion(name: str, said: _Fusion, decoder: DecoderSizes) -> FusionSpec:
    layers, heads = said.image_layers, decoder.heads
    choice = _within(said.attention, layers, heads)
    info = FusionInfo(name, layers, heads, said.grid.rows, said.grid.columns, choice)
    return FusionSpec(info, said.image_encoder, said.decoder)


def head_choice(data: object, layers: int, heads: int) -> HeadChoice:
    """From a record of a model of that size. Raises Mistake."""
    return _within(DataDecoder().decode(HeadChoice, data), layers, heads)


def _within(choice: HeadChoice, layers: int, heads: int) -> HeadChoice:
    for layer, head in choice.heads:
        if not (0 <= layer < layers and 0 <= head < heads):
            raise Mistake("it chooses a head that the model has not.")
    return choice


def _bad_manifest(mistake: Mistake) -> BundleError:
    title = "The model's manifest.json can't be used: {mistake}"
    return BundleError(title, _REINSTALL, mistake=mistake.note)


def _unreadable(name: str, error: OSError) -> BundleError:
    title = "The model's {name} can't be read ({reason})."
    return BundleError(title, _REINSTALL, name=name, reason=reason_of(error))
